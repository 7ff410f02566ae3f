/**
 * Findings: everything Cleat has to say about an object, with a stable code. The same code and sentence appear in the
 * webhook's answer, in conditions, in events and in the offline tools. LB1xx speak of Services, LB2xx of configuration.
 */
import type { ObjectRef } from './meta.ts';

/** What the gate does with a finding: refuse, admit with a warning, or only record it. */
export type Level = 'deny' | 'warn' | 'audit';

export interface FindingKind {
  /** Reason name: CamelCase, used in conditions and events. */
  readonly reason: string;
  readonly level: Level;
  /**
   * What the gate does where that is less: another object, still to come, may make it right, so the order in which objects
   * are created must not matter.
   */
  readonly gate?: Level;
  /** One sentence for the reference: what it means. */
  readonly meaning: string;
  /** One sentence: what to do. */
  readonly remedy: string;
}

/** Every finding there is. A code is never reused for something else. */
export const FINDINGS = {
  LB101: {
    reason: 'OutsidePools',
    level: 'deny',
    meaning: 'The requested address is in no pool this Service may use.',
    remedy: 'Ask for an address inside a pool open to the namespace, or none to get the next free one.',
  },
  LB102: {
    reason: 'MalformedAddress',
    level: 'deny',
    meaning: 'The requested address is not an IP address, or the list is not one address per family.',
    remedy: 'Write one IPv4 address, one IPv6 address, or one of each separated by a comma.',
  },
  LB103: {
    reason: 'ConflictingRequest',
    level: 'deny',
    meaning:
      'spec.loadBalancerIP and the loadBalancerIPs annotation are both set, or an address and a pool that do not fit.',
    remedy: 'Keep one of the two.',
  },
  LB104: {
    reason: 'PoolNotFound',
    level: 'warn',
    meaning: 'The address-pool annotation names a pool that does not exist yet.',
    remedy: 'Create the pool or name one that exists.',
  },
  LB105: {
    reason: 'NoPools',
    level: 'warn',
    meaning: 'There is no address pool at all.',
    remedy: 'Create an IPAddressPool.',
  },
  LB106: {
    reason: 'PoolNotOpen',
    level: 'deny',
    meaning: 'The pool exists but its serviceAllocation shuts this namespace or Service out.',
    remedy: 'Use a pool open to the namespace or change the pool’s serviceAllocation.',
  },
  LB107: {
    reason: 'AddressInUse',
    level: 'deny',
    meaning: 'Another Service holds the requested address and does not share it.',
    remedy: 'Ask for a free address, or give both Services the same allow-shared-ip key and different ports.',
  },
  LB108: {
    reason: 'SharingConflict',
    level: 'deny',
    meaning: 'The address is shared with Services whose key, port or traffic policy does not fit.',
    remedy:
      'Use the same sharing key, ports nobody else uses, and a matching externalTrafficPolicy and selector.',
  },
  LB109: {
    reason: 'AvoidedAddress',
    level: 'deny',
    meaning: 'The pool avoids addresses that end in .0 or .255 and the requested one does.',
    remedy: 'Ask for another address, or set avoidBuggyIPs to false on the pool.',
  },
  LB110: {
    reason: 'FamilyMismatch',
    level: 'warn',
    meaning: 'The requested addresses are not of the families the Service has.',
    remedy: 'Ask for one address for each family in spec.ipFamilies.',
  },
  LB111: {
    reason: 'PoolFull',
    level: 'warn',
    meaning: 'Every pool this Service may use is full.',
    remedy: 'Add addresses to a pool or delete a Service that no longer needs its address.',
  },
  LB112: {
    reason: 'NotAnnounced',
    level: 'warn',
    meaning: 'The address comes from a pool that no advertisement selects, so nobody answers for it.',
    remedy: 'Create an L2Advertisement that selects the pool.',
  },
  LB113: {
    reason: 'ForeignClass',
    level: 'audit',
    meaning: 'The Service’s loadBalancerClass belongs to another load balancer.',
    remedy: 'Remove spec.loadBalancerClass or set the class Cleat was started with.',
  },
  LB114: {
    reason: 'NotLoaded',
    level: 'warn',
    meaning: 'Pools and Services have not been listed yet, so nothing is decided.',
    remedy: 'Wait; if it stays, look at the controller’s log for the API server’s answer.',
  },
  LB115: {
    reason: 'NoClusterIP',
    level: 'warn',
    meaning: 'The Service lacks the cluster IPs its ipFamilyPolicy needs.',
    remedy: 'Give the Service a clusterIP of each required family.',
  },
  LB116: {
    reason: 'NoOpenPool',
    level: 'warn',
    meaning: 'Pools exist but none of them serves this namespace and Service automatically.',
    remedy:
      'Ask for a pool with the address-pool annotation, or open a pool (autoAssign, serviceAllocation).',
  },
  LB117: {
    reason: 'PoolDraining',
    level: 'deny',
    meaning: 'The pool is being drained: who has an address of it keeps it, nobody gets a new one.',
    remedy: 'Use another pool, or remove cleat.dev/drain from the pool.',
  },
  LB201: {
    reason: 'MalformedRange',
    level: 'deny',
    meaning: 'An entry of the pool’s addresses is neither a CIDR nor a range first-last of one family.',
    remedy: 'Write 192.0.2.0/28 or 192.0.2.1-192.0.2.9.',
  },
  LB202: {
    reason: 'OverlappingRange',
    level: 'deny',
    meaning: 'An address belongs to two pools, or twice to one.',
    remedy: 'Remove the overlap from one of the pools.',
  },
  LB203: {
    reason: 'EmptyPool',
    level: 'deny',
    meaning: 'The pool has no addresses.',
    remedy: 'Add at least one CIDR or range.',
  },
  LB204: {
    reason: 'UnusableRange',
    level: 'deny',
    meaning: 'The range holds addresses no Service can have: loopback, multicast or unspecified.',
    remedy: 'Use addresses of the network the nodes are in.',
  },
  LB205: {
    reason: 'DuplicateEntry',
    level: 'deny',
    meaning: 'The same name, selector or value is listed twice.',
    remedy: 'Remove one of the two.',
  },
  LB206: {
    reason: 'MalformedSelector',
    level: 'deny',
    meaning: 'A label selector has an unknown operator or the wrong number of values.',
    remedy: 'Use In, NotIn, Exists or DoesNotExist, with values only for the first two.',
  },
  LB207: {
    reason: 'WrongNamespace',
    level: 'deny',
    meaning: 'The object is not in the namespace Cleat reads its configuration from.',
    remedy: 'Create it in that namespace.',
  },
  LB208: {
    reason: 'MalformedConfigMap',
    level: 'deny',
    meaning: 'The legacy ConfigMap is not the YAML that MetalLB 0.9 to 0.12 read.',
    remedy: 'Correct the named field.',
  },
  LB209: {
    reason: 'UnsupportedConfig',
    level: 'warn',
    meaning:
      'The configuration asks for something this version reads and checks and does not do: it does not announce by BGP yet.',
    remedy: 'Announce the pool with an L2Advertisement as well, or wait for a version that does.',
  },
  LB210: {
    reason: 'MalformedField',
    level: 'deny',
    meaning: 'A field has the wrong type or a value outside its bounds.',
    remedy: 'Correct the named field.',
  },
  LB211: {
    reason: 'NobodyAllowed',
    level: 'warn',
    meaning: 'The pool’s namespaceSelectors match no namespace, so no Service may use the pool.',
    remedy: 'Label a namespace so that a selector matches it, or list namespaces by name.',
  },
  LB212: {
    reason: 'LinkLocalRange',
    level: 'warn',
    meaning: 'The range holds link-local addresses, which no router forwards.',
    remedy: 'Use routable addresses unless every client is on the same network segment.',
  },
  LB213: {
    reason: 'SupersededConfigMap',
    level: 'warn',
    meaning:
      'The legacy ConfigMap, or one of its pools, does not count beside the IPAddressPools: the pool is one of them already, or the ConfigMap has faults or clashes with them.',
    remedy: 'Delete the pool from the ConfigMap, or the ConfigMap.',
  },
  LB214: {
    reason: 'ConflictingFields',
    level: 'deny',
    meaning: 'Two fields of the object exclude each other.',
    remedy: 'Keep one of the two.',
  },
  LB215: {
    reason: 'UnusableTimers',
    level: 'deny',
    meaning: 'BGP cannot carry the times of the peer (RFC 4271): hold time, keepalive time or connect time.',
    remedy: 'Write a hold time of 0s or from 3s to 65535s and a keepalive time not above it.',
  },
  LB216: {
    reason: 'MissingReference',
    level: 'deny',
    gate: 'warn',
    meaning: 'A BFDProfile, a Secret or the name of a community is used that does not exist.',
    remedy: 'Create it, or name one that exists.',
  },
  LB217: {
    reason: 'MalformedCommunity',
    level: 'deny',
    meaning: 'The value is no BGP community.',
    remedy: 'Write 65000:100, or large:65000:1:2.',
  },
  LB218: {
    reason: 'TooWideAggregate',
    level: 'deny',
    meaning:
      'A BGPAdvertisement announces prefixes wider than a pool, which would draw traffic for addresses that are not its own.',
    remedy: 'Raise the aggregation length, or advertise only pools at least as wide.',
  },
  LB219: {
    reason: 'ConflictingLocalPref',
    level: 'deny',
    meaning: 'Two BGPAdvertisements give the same route two values of LOCAL_PREF.',
    remedy: 'Give both the same localPref, or different pools, lengths, peers or nodes.',
  },
  LB220: {
    reason: 'EchoOverIPv6',
    level: 'deny',
    meaning:
      'IPv6 addresses are advertised to a peer whose BFDProfile has echoMode, which exists for IPv4 only.',
    remedy: 'Turn echoMode off, or advertise the pool to other peers.',
  },
  LB221: {
    reason: 'NotInNativeMode',
    level: 'deny',
    meaning:
      'MetalLB’s native BGP mode, which is the one when METALLB_BGP_TYPE is not set, does not have this.',
    remedy: 'Set METALLB_BGP_TYPE to frr-k8s, or remove the named part.',
  },
  LB222: {
    reason: 'ConflictingPeers',
    level: 'deny',
    meaning:
      'Two BGPPeers of the same node differ in what a node has once only, or are the same peer (FRR modes).',
    remedy: 'Make router ID and AS number of both the same, or give them different nodes or VRFs.',
  },
  LB223: {
    reason: 'UnusableSecret',
    level: 'deny',
    gate: 'warn',
    meaning:
      'The Secret with the password of a peer is not of type kubernetes.io/basic-auth or has no password.',
    remedy: 'Create it with type kubernetes.io/basic-auth and the key password.',
  },
  LB224: {
    reason: 'IgnoredField',
    level: 'warn',
    meaning: 'The field has no effect.',
    remedy: 'Remove it.',
  },
  LB225: {
    reason: 'ShadowedCommunity',
    level: 'warn',
    meaning: 'A Community gives a name that is a community itself, and replaces it wherever it is written.',
    remedy: 'Choose another name.',
  },
  LB226: {
    reason: 'RaggedAggregate',
    level: 'warn',
    meaning: 'A BGPAdvertisement announces prefixes that hold addresses outside the pool as well.',
    remedy: 'Make the pool’s ranges as wide as the aggregation length, or raise it.',
  },
  LB227: {
    reason: 'ExtrasNotInMode',
    level: 'deny',
    meaning:
      'The ConfigMap bgpextras holds text for FRR, which MetalLB takes in its frr mode only and Cleat in none.',
    remedy: 'Delete the ConfigMap, or its key extras.',
  },
  LB228: {
    reason: 'PoolShrinkStrandsServices',
    level: 'warn',
    meaning: 'Services have addresses that would be in no pool after the change: they get others, or wait.',
    remedy: 'Keep the addresses in the pool until the Services are gone or ask for others.',
  },
  LB229: {
    reason: 'PoolDeleteStrandsServices',
    level: 'warn',
    meaning: 'Services have addresses of the pool that is deleted: they get others, or wait.',
    remedy: 'Move or delete the Services first; or create the pool again, and they may get them back.',
  },
} as const satisfies Record<string, FindingKind>;

export type FindingCode = keyof typeof FINDINGS;

/** One thing to say about one object. */
export interface Finding {
  readonly code: FindingCode;
  readonly object: ObjectRef;
  /** JSON path of the field, as kubectl writes it: `spec.addresses[0]`, `metadata.annotations[metallb.io/loadBalancerIPs]`. */
  readonly path: string;
  /** The offending value as text, where there is one. */
  readonly value?: string;
  /** The sentence without the code: what is wrong with which value, and what would be right. */
  readonly message: string;
}

/** What the gate does with a finding of this code, where no namespace asks for less. */
export function gateLevelOf(code: FindingCode): Level {
  const kind: FindingKind = FINDINGS[code];
  return kind.gate ?? kind.level;
}

/** `LB101 spec.loadBalancerIP 192.0.2.9 is in no pool …`: the form printed by every door. */
export function formatFinding(finding: Finding): string {
  return `${finding.code} ${finding.message}`;
}
