/** Annotations, condition types, event components and field managers: every name users or other tools see. */

/** Value annotations are read under both prefixes; where both are set the first wins, even when empty (MetalLB controller/service.go). */
export const PREFIX = 'metallb.io/';
export const LEGACY_PREFIX = 'metallb.universe.tf/';

/** Cleat's own. */
export const OWN_PREFIX = 'cleat.dev/';

export const ADDRESS_POOL = 'address-pool';
export const LOAD_BALANCER_IPS = 'loadBalancerIPs';
export const ALLOW_SHARED_IP = 'allow-shared-ip';
/** Written by the controller, only with the metallb.io prefix. */
export const IP_ALLOCATED_FROM_POOL = 'metallb.io/ip-allocated-from-pool';

/** Condition on every Service of ours: True when it holds its addresses, else False with the finding's reason name. */
export const ADDRESS_READY = 'cleat.dev/AddressReady';
/** Condition on a configuration object that has faults, or had some: False with the reason of the first, True once there is none. */
export const CONFIGURATION_VALID = 'cleat.dev/Valid';
/** Namespace label that sets the gate's level there: deny, warn or audit. */
export const ENFORCE_LABEL = 'cleat.dev/enforce';
/** On a pool: `"true"` takes it out of use gently. Who has an address of it keeps it, nobody gets a new one. */
export const DRAIN_ANNOTATION = 'cleat.dev/drain';
/**
 * On a pool, an advertisement, the legacy ConfigMap or a Namespace: the hash that a refusal of the blast-radius guard names.
 * The change then goes through, as long as it hits exactly the Services it named.
 */
export const CONFIRM_ANNOTATION = 'cleat.dev/confirm';

/** On a Service: what the mutating webhook set, as JSON, each path with its value. */
export const MUTATED_ANNOTATION = 'cleat.dev/mutated';

/** Event source components, as MetalLB names them. */
export const CONTROLLER_COMPONENT = 'metallb-controller';
export const SPEAKER_COMPONENT = 'metallb-speaker';

/** Field managers: one for each thing that writes; FIELD_MANAGERS says what. */
export const CONTROLLER_FIELD_MANAGER = 'cleat-controller';
export const WEBHOOK_FIELD_MANAGER = 'cleat-webhook';
export const SELF_TEST_FIELD_MANAGER = 'cleat-webhook-self-test';
export const SPEAKER_FIELD_MANAGER = 'cleat-speaker';
export const GIT_FIELD_MANAGER = 'cleat-git';
export const UP_FIELD_MANAGER = 'cleat-up';

/** The Lease by which the replicas of the controller agree on the one that allocates. */
export const CONTROLLER_LEASE = 'cleat-controller';

/** Nodes with this label (any value, even "false") announce nothing. */
export const EXCLUDE_NODE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** The value of a value annotation under either prefix, or undefined where neither is set. */
export function readAnnotation(
  annotations: Record<string, string> | undefined,
  name: string,
): string | undefined {
  return annotations?.[PREFIX + name] ?? annotations?.[LEGACY_PREFIX + name];
}

/** The annotations of Services, for the reference. */
export const SERVICE_ANNOTATIONS: readonly {
  readonly name: string;
  readonly example: string;
  readonly meaning: string;
}[] = [
  {
    name: PREFIX + ADDRESS_POOL,
    example: 'public-pool',
    meaning:
      'The pool the addresses must come from. A pool with autoAssign false is used only when asked for so.',
  },
  {
    name: PREFIX + LOAD_BALANCER_IPS,
    example: '192.0.2.7,2001:db8::7',
    meaning:
      'The addresses wanted: one IPv4 address, one IPv6 address, or one of each. Not together with spec.loadBalancerIP.',
  },
  {
    name: PREFIX + ALLOW_SHARED_IP,
    example: 'mail',
    meaning:
      'Services with the same text here may have the same address when their ports differ and their traffic policies fit.',
  },
  {
    name: IP_ALLOCATED_FROM_POOL,
    example: 'public-pool',
    meaning: 'Written by the controller: the pool the addresses came from.',
  },
  {
    name: MUTATED_ANNOTATION,
    example: '{"spec.externalTrafficPolicy":"Local"}',
    meaning:
      'Written by the webhook: what it set, each path with its value. Who creates a Service with a path in it decides that field alone.',
  },
];

/** Who owns which fields, for the reference. What is written without a name gets that of the program's user agent, which is the same. */
export const FIELD_MANAGERS: readonly {
  readonly name: string;
  readonly how: string;
  readonly fields: string;
}[] = [
  {
    name: CONTROLLER_FIELD_MANAGER,
    how: 'apply; merge patches for what another manager left behind and for conditions; the Lease with its resourceVersion',
    fields: `status and \`${IP_ALLOCATED_FROM_POOL}\` of Services, status of IPAddressPools, conditions of configuration objects, its ConfigurationState, its Lease, Events, the Secret metallb-webhook-cert`,
  },
  {
    name: WEBHOOK_FIELD_MANAGER,
    how: 'apply; merge patches with a resourceVersion',
    fields:
      'ValidatingWebhookConfiguration and MutatingWebhookConfiguration metallb-webhook-configuration: caBundle, where the webhook is found, and its rules',
  },
  {
    name: SELF_TEST_FIELD_MANAGER,
    how: 'apply',
    fields: 'its entry selftest.cleat.dev, by which the webhook sees whether the API server reaches it',
  },
  {
    name: SPEAKER_FIELD_MANAGER,
    how: 'apply',
    fields: 'its Lease, its ServiceL2Statuses, its ConfigurationState, Events',
  },
  { name: GIT_FIELD_MANAGER, how: 'apply', fields: 'whatever the repository says, of the objects in it' },
  { name: UP_FIELD_MANAGER, how: 'apply', fields: 'the Node of the machine that `cleat up` runs on' },
];
