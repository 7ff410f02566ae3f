/**
 * What controller and speaker may do, as data: every rule with the code that needs it. manifests/install.yaml and
 * docs/reference/permissions.md are made from it; test/integration/permissions.test.ts runs the programs and finds each
 * call allowed and each rule used. Nothing is here in advance.
 *
 * Lists and watches that are narrowed by `metadata.name=` are allowed for that name alone, and so is creation by
 * server-side apply, which names what it creates; creation by POST cannot be.
 */
import { CONTROLLER_LEASE } from '../src/api/annotations.ts';
import { CLEAT_GROUP } from '../src/api/cleat.ts';
import { EXTRAS_CONFIG_MAP, METALLB_GROUP, LEGACY_CONFIG_MAP } from '../src/api/metallb.ts';
import { FLOOR } from '../src/core/policy/floor.ts';
import { CERTIFICATE_SECRET } from '../src/webhook/certificate-store.ts';
import { WEBHOOK_CONFIGURATION } from '../src/webhook/registration.ts';

export interface PermissionRule {
  readonly apiGroup: string;
  readonly resources: readonly string[];
  /** Only the objects of these names. */
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
  /** What it is for, for the reference. */
  readonly use: string;
  /** The file whose calls need it. */
  readonly code: string;
}

export interface PermissionRole {
  readonly name: string;
  /** The ServiceAccount it is given to. */
  readonly account: string;
  /** In the namespace of the installation, or everywhere. */
  readonly scope: 'namespace' | 'cluster';
  readonly rules: readonly PermissionRule[];
}

const OBSERVE = ['list', 'watch'] as const;

/** Both programs read the configuration. */
const CONFIGURATION: readonly PermissionRule[] = [
  {
    apiGroup: METALLB_GROUP,
    resources: [
      'ipaddresspools',
      'l2advertisements',
      'bgpadvertisements',
      'bgppeers',
      'bfdprofiles',
      'communities',
    ],
    verbs: OBSERVE,
    use: 'The configuration.',
    code: 'src/cluster/configuration-objects.ts',
  },
  {
    apiGroup: '',
    resources: ['configmaps'],
    resourceNames: [LEGACY_CONFIG_MAP, EXTRAS_CONFIG_MAP],
    verbs: OBSERVE,
    use: 'The configuration of MetalLB before 0.13 and its text for FRR, and no other ConfigMap.',
    code: 'src/cluster/configuration-objects.ts',
  },
];

const NAMESPACES: PermissionRule = {
  apiGroup: '',
  resources: ['namespaces'],
  verbs: OBSERVE,
  use: 'Labels of namespaces, which pools select by.',
  code: 'src/cluster/configuration-objects.ts',
};

const NODES: PermissionRule = {
  apiGroup: '',
  resources: ['nodes'],
  verbs: OBSERVE,
  use: 'Labels of nodes, which advertisements and BGP peers select by; for the speaker also which nodes may announce.',
  code: 'src/cluster/configuration-objects.ts',
};

const STATE_OF_CONFIGURATION: PermissionRule = {
  apiGroup: METALLB_GROUP,
  resources: ['configurationstates/status'],
  verbs: ['patch'],
  use: 'What is wrong with the configuration, if anything.',
  code: 'src/kube/kept-status.ts',
};

const EVENTS: PermissionRule = {
  apiGroup: '',
  resources: ['events'],
  verbs: ['create', 'patch'],
  use: 'Events of Services and configuration objects; a repeated one is counted up.',
  code: 'src/kube/events.ts',
};

export const PERMISSIONS: readonly PermissionRole[] = [
  {
    name: 'controller',
    account: 'controller',
    scope: 'namespace',
    rules: [
      ...CONFIGURATION,
      {
        apiGroup: METALLB_GROUP,
        resources: ['configurationstates'],
        resourceNames: ['controller'],
        verbs: ['list', 'watch', 'create', 'patch'],
        use: 'The object that says what is wrong with the configuration, and no other.',
        code: 'src/kube/kept-status.ts',
      },
      { ...STATE_OF_CONFIGURATION, resourceNames: ['controller'] },
      {
        apiGroup: METALLB_GROUP,
        resources: ['ipaddresspools/status'],
        verbs: ['patch'],
        use: 'How full each pool is.',
        code: 'src/controller/pool-reporter.ts',
      },
      {
        apiGroup: '',
        resources: ['secrets'],
        resourceNames: [CERTIFICATE_SECRET],
        verbs: ['get', 'list', 'watch', 'update'],
        use: 'The webhook’s certificates, and no other Secret; followed, so that all replicas serve with the same.',
        code: 'src/webhook/certificate-store.ts',
      },
      {
        apiGroup: '',
        resources: ['secrets'],
        verbs: ['create'],
        use: 'The same Secret after somebody deleted it, and the key of the speakers’ member list.',
        code: 'src/webhook/certificate-store.ts',
      },
      {
        apiGroup: 'coordination.k8s.io',
        resources: ['leases'],
        resourceNames: [CONTROLLER_LEASE],
        verbs: ['get', 'list', 'watch', 'update'],
        use: 'Which replica allocates, and no other Lease.',
        code: 'src/kube/leader-election.ts',
      },
      {
        apiGroup: 'coordination.k8s.io',
        resources: ['leases'],
        verbs: ['create'],
        use: 'The same Lease at the first start; a dry run of another is the question by which the webhook tests itself.',
        code: 'src/kube/leader-election.ts',
      },
      {
        apiGroup: '',
        resources: ['configmaps'],
        resourceNames: [FLOOR],
        verbs: ['list', 'watch', 'create', 'patch'],
        use: 'The pools as the ValidatingAdmissionPolicy of `cleat floor` reads them, where it is installed.',
        code: 'src/controller/floor-keeper.ts',
      },
      {
        apiGroup: METALLB_GROUP,
        resources: [
          'l2advertisements/status',
          'bgpadvertisements/status',
          'bgppeers/status',
          'bfdprofiles/status',
          'communities/status',
        ],
        verbs: ['patch'],
        use: 'The condition that says what is wrong with an object; that of pools is above.',
        code: 'src/controller/object-conditions.ts',
      },
      {
        apiGroup: CLEAT_GROUP,
        resources: ['addressreservations', 'addresspolicies', 'policyexceptions'],
        verbs: OBSERVE,
        use: 'Who may have which address, and what is excepted from a rule.',
        code: 'src/cluster/configuration-objects.ts',
      },
      {
        apiGroup: CLEAT_GROUP,
        resources: ['addressreservations/status', 'addresspolicies/status', 'policyexceptions/status'],
        verbs: ['patch'],
        use: 'The same condition on these.',
        code: 'src/controller/object-conditions.ts',
      },
    ],
  },
  {
    name: 'pod-lister',
    account: 'speaker',
    scope: 'namespace',
    rules: [
      ...CONFIGURATION,
      {
        apiGroup: METALLB_GROUP,
        resources: ['configurationstates'],
        verbs: ['list', 'watch', 'create', 'patch'],
        use: 'The object in which each speaker says what is wrong with the configuration.',
        code: 'src/kube/kept-status.ts',
      },
      STATE_OF_CONFIGURATION,
      {
        apiGroup: '',
        resources: ['secrets'],
        verbs: OBSERVE,
        use: 'The Secrets that BGPPeers name, each by its own name; none where no peer names one.',
        code: 'src/cluster/secret-facts.ts',
      },
      {
        apiGroup: '',
        resources: ['pods'],
        verbs: OBSERVE,
        use: 'Where the other speakers are, for the member list.',
        code: 'src/speaker/gossip.ts',
      },
      {
        apiGroup: 'coordination.k8s.io',
        resources: ['leases'],
        verbs: ['list', 'watch', 'create', 'patch', 'delete'],
        use: 'The list of living speakers where there is no member list: each renews a Lease of its own and watches all.',
        code: 'src/speaker/heartbeat.ts',
      },
      {
        apiGroup: METALLB_GROUP,
        resources: ['servicel2statuses'],
        verbs: ['list', 'watch', 'create', 'patch', 'delete'],
        use: 'Which node answers for which Service.',
        code: 'src/speaker/l2-status-reporter.ts',
      },
      {
        apiGroup: METALLB_GROUP,
        resources: ['servicel2statuses/status'],
        verbs: ['patch'],
        use: 'The same: what is in it.',
        code: 'src/speaker/l2-status-reporter.ts',
      },
    ],
  },
  {
    name: 'metallb-system:controller',
    account: 'controller',
    scope: 'cluster',
    rules: [
      {
        apiGroup: '',
        resources: ['services'],
        verbs: OBSERVE,
        use: 'Services that want an address.',
        code: 'src/controller/controller.ts',
      },
      {
        apiGroup: '',
        resources: ['services/status'],
        verbs: ['patch'],
        use: 'The address, the condition and the pool of a Service.',
        code: 'src/controller/status-writer.ts',
      },
      NAMESPACES,
      NODES,
      EVENTS,
      {
        apiGroup: 'admissionregistration.k8s.io',
        resources: ['validatingwebhookconfigurations'],
        resourceNames: [WEBHOOK_CONFIGURATION],
        verbs: ['get', 'list', 'watch', 'create', 'patch'],
        use: 'The webhook’s own registration, and no other; followed, and mended or created again where somebody changed or deleted it.',
        code: 'src/webhook/registrar.ts',
      },
      {
        apiGroup: 'admissionregistration.k8s.io',
        resources: ['mutatingwebhookconfigurations'],
        resourceNames: [WEBHOOK_CONFIGURATION],
        verbs: ['get', 'list', 'watch', 'create', 'patch'],
        use: 'The same, of what sets defaults in Services.',
        code: 'src/webhook/mutating-registration.ts',
      },
    ],
  },
  {
    name: 'metallb-system:speaker',
    account: 'speaker',
    scope: 'cluster',
    rules: [
      {
        apiGroup: '',
        resources: ['services'],
        verbs: OBSERVE,
        use: 'Which addresses are announced.',
        code: 'src/speaker/speaker.ts',
      },
      {
        apiGroup: 'discovery.k8s.io',
        resources: ['endpointslices'],
        verbs: OBSERVE,
        use: 'Whether and where a Service has endpoints.',
        code: 'src/speaker/speaker.ts',
      },
      NAMESPACES,
      NODES,
      EVENTS,
    ],
  },
];

/** The roles and their bindings as Kubernetes has them, in the order of MetalLB's manifest. */
export function rbacObjects(namespace: string, labels: Readonly<Record<string, string>>): object[] {
  const roles = PERMISSIONS.map((role) => ({
    apiVersion: RBAC_VERSION,
    kind: kindOf(role),
    metadata: metadataOf(role, namespace, labels),
    rules: role.rules.map(({ apiGroup, resources, resourceNames, verbs }) => ({
      apiGroups: [apiGroup],
      resources,
      ...(resourceNames === undefined ? {} : { resourceNames }),
      verbs,
    })),
  }));
  const bindings = PERMISSIONS.map((role) => ({
    apiVersion: RBAC_VERSION,
    kind: `${kindOf(role)}Binding`,
    metadata: metadataOf(role, namespace, labels),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: kindOf(role), name: role.name },
    subjects: [{ kind: 'ServiceAccount', name: role.account, namespace }],
  }));
  return [...roles, ...bindings];
}

const RBAC_VERSION = 'rbac.authorization.k8s.io/v1';

function kindOf({ scope }: PermissionRole): 'Role' | 'ClusterRole' {
  return scope === 'namespace' ? 'Role' : 'ClusterRole';
}

function metadataOf(
  { name, scope }: PermissionRole,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): object {
  return { name, ...(scope === 'namespace' ? { namespace } : {}), labels };
}
