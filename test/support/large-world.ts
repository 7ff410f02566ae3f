/** Worlds in which verdicts are timed, and the review that asks for one. */
import type { IPAddressPool, L2Advertisement } from '../../src/api/metallb.ts';
import type { Namespace, Service } from '../../src/api/kubernetes.ts';
import type { Change, Facts } from '../../src/core/policy/facts.ts';
import { advertisement, pool, service } from './allocation.ts';
import type { World } from './policy.ts';
import { factsOf, namespace } from './policy.ts';

export const POOLS = 1_000;
export const SERVICES_OF_A_POOL = 10;

/** Everybody may use each of the pools, and one advertisement announces them all. */
export function largeWorld(): Facts {
  return factsOf(largeObjects());
}

/** Pool 500 is 10.1.244.0/24, its first ten addresses are held. */
function largeObjects(pools = POOLS): World & { pools: IPAddressPool[] } {
  return {
    pools: numbered(pools, (index) => pool(`pool-${index}`, [`${subnet(index)}.0/24`])),
    services: holders(pools, () => 'default'),
  };
}

/**
 * Each pool is for the namespace of one team, by its label, and has an advertisement of its own. `watched` may put another in
 * the place of each object of configuration.
 */
export function teamsWorld(
  pools = POOLS,
  watched: <T extends object>(object: T) => T = (object) => object,
): Facts {
  const services = holders(pools, (index) => `ns-${index}`);
  return factsOf({
    pools: numbered(pools, (index) => watched(teamPool(index))),
    l2Advertisements: numbered(pools, (index) => watched(teamAdvertisement(index))),
    namespaces: numbered(pools, (index) => watched(teamNamespace(index))),
    services,
  });
}

export function teamPool(index: number): IPAddressPool {
  const namespaceSelectors = [{ matchLabels: { team: `team-${index}` } }];
  return pool(`pool-${index}`, [`${subnet(index)}.0/24`], { serviceAllocation: { namespaceSelectors } });
}

export function teamAdvertisement(index: number): L2Advertisement {
  return advertisement(`pool-${index}`, { ipAddressPools: [`pool-${index}`] });
}

export function teamNamespace(index: number): Namespace {
  return namespace(`ns-${index}`, { team: `team-${index}` });
}

function holders(pools: number, namespaceOf: (index: number) => string): Service[] {
  return numbered(pools, (index) =>
    numbered(SERVICES_OF_A_POOL, (last) =>
      service(`holder-${index}-${last}`, {
        namespace: namespaceOf(index),
        held: [`${subnet(index)}.${last}`],
      }),
    ),
  ).flat();
}

function subnet(index: number): string {
  return `10.${index >> 8}.${index & 255}`;
}

function numbered<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** An AdmissionReview as the API server sends it. */
export function reviewOf({ kind, ...rest }: Change): object {
  const group = kind === 'Service' || kind === 'ConfigMap' || kind === 'Namespace' ? '' : 'metallb.io';
  const version = group === '' ? 'v1' : 'v1beta1';
  const asked = {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { group, version, kind },
    userInfo: { username: 'jane' },
  };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { ...asked, ...rest } };
}
