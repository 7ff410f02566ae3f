/**
 * Tells the API server to ask us: the ValidatingWebhookConfiguration, under MetalLB's name, written by server-side apply
 * as field managers of its own. Nothing of it (least of all caBundle) need be in Git. It goes in by two steps: an entry for the
 * self-test alone (self-test.ts), and the rules once a review has come back. Each step is a manager of its own, so that the first
 * leaves the rules that are in force alone.
 *
 * What must always hold: a webhook that is down never stops the cluster. So the failure policy is Ignore unless told
 * otherwise (MetalLB's Fail is what its users complain about most), kube-system and our own namespace are never asked
 * about for Services, and only CREATE and UPDATE are: deletion is nobody's to refuse.
 *
 * Taking over from MetalLB, the configuration is there already, with entries for kinds Cleat does not judge and failure
 * policy Fail. They call the Service that is ours now, where nobody answers them or with a certificate they do not know, so every
 * write of those kinds would be refused: they are removed before anything else. Entries that call somebody else are left alone.
 */
import type { ValidatingWebhookConfiguration, Webhook } from '../api/kubernetes.ts';
import { LEASES, VALIDATING_WEBHOOKS } from '../api/kubernetes.ts';
import { SELF_TEST_FIELD_MANAGER, WEBHOOK_FIELD_MANAGER } from '../api/annotations.ts';
import { LEGACY_CONFIG_MAP, METALLB_GROUP } from '../api/metallb.ts';
import type { KubeClient } from '../ports.ts';
import { SELF_TEST_LEASE, SELF_TEST_PATH } from './self-test.ts';

export const WEBHOOK_CONFIGURATION = 'metallb-webhook-configuration';
export const WEBHOOK_SERVICE = 'metallb-webhook-service';
/** Set by the API server on every Namespace. */
const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';
const TIMEOUT_SECONDS = 5;

export type FailurePolicy = 'Ignore' | 'Fail';

/** What the API server may call the Service, the name it uses first. */
export function webhookHosts(namespace: string): readonly string[] {
  const service = `${WEBHOOK_SERVICE}.${namespace}`;
  return [`${service}.svc`, service, WEBHOOK_SERVICE];
}

export interface RegistrationOptions {
  /** PEM of the authority that signed the server's certificate. */
  readonly caPem: string;
  /** Cleat's own namespace. */
  readonly namespace: string;
  /** `https://host:port`, where the API server reaches us without a Service; without it, through the Service. */
  readonly url?: string;
  readonly failurePolicy: FailurePolicy;
  /** The class Cleat was started with. */
  readonly loadBalancerClass?: string;
}

interface Gate {
  /** Path below the server, as MetalLB names them. */
  readonly path: string;
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}

const GATES = {
  services: {
    path: '/validate-v1-service',
    name: 'servicevalidationwebhook.cleat.dev',
    group: '',
    version: 'v1',
    plural: 'services',
  },
  configMaps: {
    path: '/validate-v1-configmap',
    name: 'configmapvalidationwebhook.cleat.dev',
    group: '',
    version: 'v1',
    plural: 'configmaps',
  },
  pools: {
    path: '/validate-metallb-io-v1beta1-ipaddresspool',
    name: 'ipaddresspoolvalidationwebhook.metallb.io',
    group: METALLB_GROUP,
    version: 'v1beta1',
    plural: 'ipaddresspools',
  },
  l2Advertisements: {
    path: '/validate-metallb-io-v1beta1-l2advertisement',
    name: 'l2advertisementvalidationwebhook.metallb.io',
    group: METALLB_GROUP,
    version: 'v1beta1',
    plural: 'l2advertisements',
  },
} as const satisfies Record<string, Gate>;

const NAMES: ReadonlySet<string> = new Set(Object.values(GATES).map((gate) => gate.name));

/** Every path the API server may call. */
export const REVIEW_PATHS: readonly string[] = Object.values(GATES).map((gate) => gate.path);

/** Not one of GATES: it matches one object that nobody creates, so that Fail harms nobody and says why it fails. */
const SELF_TEST: Gate = {
  path: SELF_TEST_PATH,
  name: 'selftest.cleat.dev',
  group: LEASES.group,
  version: LEASES.version,
  plural: LEASES.plural,
};

/** Puts in the entry for the self-test, beside whatever is there. Answers the version of the configuration. */
export async function registerSelfTest(client: KubeClient, options: RegistrationOptions): Promise<string> {
  const webhooks = [
    entry(
      SELF_TEST,
      { ...options, failurePolicy: 'Fail' },
      {
        namespaceSelector: { matchLabels: { [NAMESPACE_NAME_LABEL]: options.namespace } },
        matchConditions: [
          { name: 'is-self-test', expression: `object.metadata.name == '${SELF_TEST_LEASE}'` },
        ],
      },
    ),
  ];
  return apply(client, { ...HEAD, webhooks }, SELF_TEST_FIELD_MANAGER);
}

/** Creates or corrects the rules; what other managers wrote beside them stays. Answers the version of the configuration. */
export async function registerGates(client: KubeClient, options: RegistrationOptions): Promise<string> {
  return apply(client, webhookConfiguration(options), WEBHOOK_FIELD_MANAGER);
}

async function apply(
  client: KubeClient,
  configuration: ValidatingWebhookConfiguration & { metadata: { name: string } },
  fieldManager: string,
): Promise<string> {
  const options = { fieldManager, force: true };
  const { metadata } = await client.apply<ValidatingWebhookConfiguration>(
    VALIDATING_WEBHOOKS,
    configuration,
    options,
  );
  return metadata.resourceVersion ?? '';
}

/** Removes the entries that are in the way; answers their names. Throws what the API server answers. */
export async function clearTheWay(
  client: KubeClient,
  options: RegistrationOptions,
): Promise<readonly string[]> {
  const ref = { name: WEBHOOK_CONFIGURATION };
  const stored = await client.get<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, ref);
  const entries = stored?.webhooks ?? [];
  const removed = entries.filter((each) => isInTheWay(each, options));
  if (stored === undefined || removed.length === 0) return [];
  // With its version, so that an entry somebody writes meanwhile is not lost.
  const { resourceVersion } = stored.metadata;
  const webhooks = entries.filter((each) => !removed.includes(each));
  const body = { metadata: { resourceVersion }, webhooks };
  await client.patch(VALIDATING_WEBHOOKS, ref, 'merge', body, { fieldManager: WEBHOOK_FIELD_MANAGER });
  return removed.map(({ name }) => name);
}

function isInTheWay(
  { name, clientConfig: { url, service }, failurePolicy }: Webhook,
  options: RegistrationOptions,
): boolean {
  // An entry has a URL or a Service, and an apply cannot take away the one that another manager wrote.
  if (name === SELF_TEST.name || NAMES.has(name)) {
    const isElsewhere = (url === undefined) !== (options.url === undefined);
    return isElsewhere || (NAMES.has(name) && failurePolicy !== options.failurePolicy);
  }
  const callsUs = service?.name === WEBHOOK_SERVICE && service.namespace === options.namespace;
  return callsUs && options.url === undefined;
}

const HEAD = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: VALIDATING_WEBHOOKS.kind,
  metadata: { name: WEBHOOK_CONFIGURATION },
};

/** The rules, as they are registered once a review has come back. */
export function webhookConfiguration(
  options: RegistrationOptions,
): ValidatingWebhookConfiguration & { metadata: { name: string } } {
  const { namespace } = options;
  return {
    ...HEAD,
    webhooks: [
      entry(GATES.services, options, {
        namespaceSelector: {
          matchExpressions: [
            { key: NAMESPACE_NAME_LABEL, operator: 'NotIn', values: ['kube-system', namespace] },
          ],
        },
        matchConditions: serviceConditions(options.loadBalancerClass),
      }),
      // Every namespace is asked about, because one in the wrong namespace is a mistake worth saying.
      entry(GATES.pools, options, {}),
      entry(GATES.l2Advertisements, options, {}),
      entry(GATES.configMaps, options, {
        namespaceSelector: { matchLabels: { [NAMESPACE_NAME_LABEL]: namespace } },
        matchConditions: [
          { name: 'is-configuration', expression: `object.metadata.name == '${LEGACY_CONFIG_MAP}'` },
        ],
      }),
    ],
  };
}

function entry(gate: Gate, options: RegistrationOptions, scope: Partial<Webhook>): Webhook {
  const caBundle = Buffer.from(options.caPem, 'utf8').toString('base64');
  return {
    name: gate.name,
    clientConfig:
      options.url === undefined
        ? {
            service: { namespace: options.namespace, name: WEBHOOK_SERVICE, path: gate.path, port: 443 },
            caBundle,
          }
        : { url: `${options.url}${gate.path}`, caBundle },
    rules: [
      {
        operations: gate === SELF_TEST ? ['CREATE'] : ['CREATE', 'UPDATE'],
        apiGroups: [gate.group],
        apiVersions: [gate.version],
        resources: [gate.plural],
        scope: 'Namespaced',
      },
    ],
    failurePolicy: options.failurePolicy,
    matchPolicy: 'Equivalent',
    sideEffects: 'None',
    timeoutSeconds: TIMEOUT_SECONDS,
    admissionReviewVersions: ['v1'],
    ...scope,
  };
}

/** CEL, evaluated by the API server before it calls. */
function serviceConditions(loadBalancerClass: string | undefined): { name: string; expression: string }[] {
  return [
    { name: 'is-load-balancer', expression: "has(object.spec.type) && object.spec.type == 'LoadBalancer'" },
    {
      name: 'is-our-class',
      expression:
        loadBalancerClass === undefined
          ? '!has(object.spec.loadBalancerClass)'
          : `has(object.spec.loadBalancerClass) && object.spec.loadBalancerClass == ${JSON.stringify(loadBalancerClass)}`,
    },
    { name: 'is-not-being-deleted', expression: '!has(object.metadata.deletionTimestamp)' },
  ];
}
