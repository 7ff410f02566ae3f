/** LB1xx: findings about Services. */
import type { FindingKind } from './finding-kind.ts';

export const FINDINGS_OF_SERVICES = {
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
  LB118: {
    reason: 'Reserved',
    level: 'deny',
    meaning: 'An AddressReservation keeps the requested address for others.',
    remedy: 'Ask for another address, or have the Service let in by the AddressReservation.',
  },
  LB119: {
    reason: 'QuotaExceeded',
    level: 'deny',
    meaning: 'The Services of the namespace hold as many addresses as an AddressPolicy allows it.',
    remedy: 'Delete a Service that no longer needs its address, or raise the quota.',
  },
} as const satisfies Record<string, FindingKind>;
