/** LB2xx: findings about configuration. */
import type { FindingKind } from './finding-kind.ts';

export const FINDINGS_OF_CONFIGURATION = {
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
    meaning:
      'The namespaceSelectors match no namespace, so no Service may use the pool or the reserved addresses.',
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
    level: 'deny',
    meaning: 'Services have addresses they could not keep after the change of the pool.',
    remedy:
      'Drain the pool and move the Services first, or confirm the list with the annotation cleat.dev/confirm.',
  },
  LB229: {
    reason: 'PoolDeleteStrandsServices',
    level: 'deny',
    meaning: 'Services have addresses of the pool that is deleted.',
    remedy:
      'Move or delete the Services first, or confirm the list with the annotation cleat.dev/confirm on the pool.',
  },
  LB230: {
    reason: 'AdvertisementStrandsServices',
    level: 'deny',
    meaning: 'Services have addresses that nobody would announce after the change.',
    remedy:
      'Keep an advertisement that selects the pool and the Services, or confirm the list with cleat.dev/confirm.',
  },
  LB231: {
    reason: 'NamespaceStrandsServices',
    level: 'deny',
    meaning: 'Services have addresses of pools that the new labels of their namespace shut them out of.',
    remedy:
      'Keep the labels that pools select by, or confirm the list with cleat.dev/confirm on the Namespace.',
  },
  LB232: {
    reason: 'Expired',
    level: 'warn',
    meaning: 'The time the reservation or the exception was made for is over, so it has no effect any more.',
    remedy: 'Delete it, or write a later time.',
  },
  LB233: {
    reason: 'ExpiresSoon',
    level: 'warn',
    meaning: 'The exception ends in less than 14 days; then its rule counts for its objects again.',
    remedy: 'Mend the objects, or ask the owner of the exception for a later time.',
  },
  LB234: {
    reason: 'ReservedInUse',
    level: 'warn',
    meaning: 'Services for which they are not kept hold addresses of the reservation, and keep them.',
    remedy: 'Move or delete those Services where the addresses are needed.',
  },
  LB235: {
    reason: 'UnknownPool',
    level: 'warn',
    meaning: 'The policy names a pool that does not exist, so nobody gets an address of it.',
    remedy: 'Create the pool, or name one that exists.',
  },
  LB236: {
    reason: 'ConflictingPolicies',
    level: 'warn',
    meaning:
      'The AddressPolicies of a namespace allow no pool in common, so no Service there is given an address, or one makes a pool the default that another shuts.',
    remedy: 'Allow one pool in all of them, and make it the default.',
  },
  LB237: {
    reason: 'ReservedOutsidePools',
    level: 'warn',
    meaning: 'Reserved addresses are in no pool, so nobody could get them anyway.',
    remedy: 'Correct the address, or add it to a pool.',
  },
} as const satisfies Record<string, FindingKind>;
