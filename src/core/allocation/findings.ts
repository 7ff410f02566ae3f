/**
 * The sentences of LB101 to LB117: the only place where they are written, so that webhook, condition, event and offline
 * tools say the same. Each begins with the path and the value, says what is wrong, and ends with what would be right.
 */
import { ADDRESS_POOL, ALLOW_SHARED_IP, PREFIX } from '../../api/annotations.ts';
import type { Finding } from '../../api/findings.ts';
import type { Pool } from '../config/snapshot.ts';
import type { IpFamily } from '../net/address.ts';
import type { Ledger } from './ledger.ts';
import type { Asked, Named, Near } from './sentence.ts';
import { aboutAddress, asker, both, choice, finding, naming, needed, shown, shutOut } from './sentence.ts';
import type { AddressRequest, ServiceView } from './service-view.ts';
import type { Conflict } from './sharing.ts';

type Counting = Pick<Ledger, 'counts'>;
type NamedPool = NonNullable<ServiceView['requestedPool']>;

const NEEDS = { path: 'spec.type', value: 'LoadBalancer' } as const;

/** LB101 */
export function outsidePools(view: ServiceView, asked: Asked, near: Near | undefined): Finding {
  return aboutAddress('LB101', view, asked, `is in no pool open to namespace ${view.namespace}`, near);
}

/** LB101: each address is in a pool, but not both in one. */
export function inTwoPools(
  view: ServiceView,
  path: string,
  value: string,
  pools: readonly string[],
): Finding {
  return finding(
    'LB101',
    view,
    path,
    value,
    `has addresses of two pools (${pools.join(', ')}); ask for addresses of one pool`,
  );
}

/** LB102 */
export function malformed(
  view: ServiceView,
  request: Extract<AddressRequest, { kind: 'malformed' }>,
): Finding {
  const right = request.path.endsWith(']')
    ? 'write one IPv4 address, one IPv6 address, or one of each separated by a comma'
    : 'write one IPv4 or IPv6 address';
  return finding('LB102', view, request.path, request.text, `${request.why}; ${right}`);
}

/** LB103: field and annotation. */
export function conflicting(
  view: ServiceView,
  request: Extract<AddressRequest, { kind: 'conflicting' }>,
): Finding {
  return finding(
    'LB103',
    view,
    request.path,
    request.text,
    `and ${shown(request.other)} are both set; keep one of the two`,
  );
}

/** LB103: the address is in another pool than the one named. */
export function inOtherPool(
  view: ServiceView,
  asked: Asked,
  pool: string,
  named: NamedPool,
  near: Near | undefined,
): Finding {
  const wrong = `is in pool ${pool}, but ${named.path} names pool ${shown(named.pool)}`;
  return aboutAddress('LB103', view, asked, wrong, near, 'keep one of the two');
}

/** LB104 */
export function poolNotFound(view: ServiceView, { pool, path }: NamedPool, open: readonly Named[]): Finding {
  return finding('LB104', view, path, pool, `names a pool that does not exist; ${choice(view, open)}`);
}

/** LB105 */
export function noPools(view: ServiceView): Finding {
  return finding(
    'LB105',
    view,
    NEEDS.path,
    NEEDS.value,
    'needs an address, but there is no address pool; create an IPAddressPool',
  );
}

/** LB106: an address of a pool that is shut to the Service. */
export function addressNotOpen(
  view: ServiceView,
  asked: Asked,
  pool: Pool,
  near: Near | undefined,
  policy: string | undefined,
): Finding {
  return aboutAddress(
    'LB106',
    view,
    asked,
    `is in pool ${pool.name}, which ${notOpen(view, pool, policy)}`,
    near,
  );
}

/** LB106: a named pool that is shut to the Service. */
export function poolNotOpen(
  view: ServiceView,
  pool: Pool,
  path: string,
  open: readonly Named[],
  policy: string | undefined,
): Finding {
  const wrong = `names a pool that ${notOpen(view, pool, policy)}`;
  return finding('LB106', view, path, pool.name, `${wrong}; ${choice(view, open)}`);
}

function notOpen(view: ServiceView, pool: Pool, policy: string | undefined): string {
  if (policy === undefined) return `is not open to ${shutOut(view, pool)}`;
  return `AddressPolicy ${policy} does not open to ${asker(view)}`;
}

/** LB107 and LB108: somebody else is on the address. */
export function held(view: ServiceView, asked: Asked, conflict: Conflict, near: Near | undefined): Finding {
  switch (conflict.kind) {
    case 'exclusive':
      return aboutAddress('LB107', view, asked, `is held by Service ${conflict.by}`, near);
    case 'sharing-key': {
      const keys = `key ${shown(JSON.stringify(conflict.theirs))}, not ${shown(JSON.stringify(view.sharingKey))}`;
      return aboutAddress(
        'LB108',
        view,
        asked,
        `is shared by Service ${conflict.by} under ${keys}`,
        near,
        `use one ${PREFIX}${ALLOW_SHARED_IP} for both`,
      );
    }
    case 'backend':
      return aboutAddress(
        'LB108',
        view,
        asked,
        `is shared by Service ${conflict.by} of another externalTrafficPolicy or selector`,
        near,
        'make them equal',
      );
    case 'port':
      return aboutAddress(
        'LB108',
        view,
        asked,
        `is shared by Service ${conflict.by}, which has port ${shown(conflict.port)} too`,
        near,
        'use another port',
      );
  }
}

/** LB107, for a moment: the address is this Service's, but still in the status of the one who had it before. */
export function beingGivenUp(view: ServiceView, address: string, by: string): Finding {
  const soon = `gets ${address} as soon as the status of Service ${by} is written without it`;
  return finding('LB107', view, NEEDS.path, NEEDS.value, soon);
}

/** LB109 */
export function avoided(view: ServiceView, asked: Asked, pool: string, near: Near | undefined): Finding {
  const ending = (asked.address.value & 255n).toString();
  return aboutAddress(
    'LB109',
    view,
    asked,
    `ends in .${ending}, which pool ${pool} avoids (avoidBuggyIPs)`,
    near,
  );
}

/** LB117: an address of a pool that gives nothing new. */
export function addressDraining(
  view: ServiceView,
  asked: Asked,
  pool: string,
  near: Near | undefined,
): Finding {
  return aboutAddress('LB117', view, asked, `is in pool ${pool}, which is being drained`, near);
}

/** LB117: a named pool that gives nothing new. */
export function poolDraining(view: ServiceView, { pool, path }: NamedPool, open: readonly Named[]): Finding {
  return finding('LB117', view, path, pool, `names a pool that is being drained; ${choice(view, open)}`);
}

/** LB110: the addresses asked for are not of the Service's families. */
export function wrongFamilies(
  view: ServiceView,
  path: string,
  value: string,
  asked: readonly IpFamily[],
): Finding {
  const right =
    view.families.length === 1 ? `ask for one ${both(view.families)} address` : 'ask for one address of each';
  return finding(
    'LB110',
    view,
    path,
    value,
    `is ${both(asked)}, but the Service is ${both(view.families)}; ${right}`,
  );
}

/** LB110: the pool named has no addresses of the Service's families. */
export function poolWithoutFamily(
  view: ServiceView,
  { pool, path }: NamedPool,
  has: Iterable<IpFamily>,
): Finding {
  const wrong = `names a pool with ${both([...has])} addresses only, but the Service is ${both(view.families)}`;
  return finding('LB110', view, path, pool, `${wrong}; name a pool that has them`);
}

/** LB111: nothing is free in any pool the Service may use. */
export function poolsFull(view: ServiceView, pools: readonly Named[], ledger: Counting): Finding {
  const counted = naming(pools, ({ name }) => `${name}: ${taken(view, name, ledger)}`);
  const wrong = `needs an ${needed(view)} address, but every pool open to ${asker(view)} is full (${counted})`;
  return finding('LB111', view, NEEDS.path, NEEDS.value, `${wrong}; add addresses or delete a Service`);
}

/** LB111: nothing is free in the pool named. */
export function poolFull(view: ServiceView, { pool, path }: NamedPool, ledger: Counting): Finding {
  const wrong = `names a pool that has no free ${needed(view)} address (${taken(view, pool, ledger)})`;
  return finding('LB111', view, path, pool, `${wrong}; add addresses to it or name another pool`);
}

/** `2 of 2 IPv4 taken`: of the families that are full, so that the sentence does not change with what others do. */
function taken({ families }: ServiceView, pool: string, ledger: Counting): string {
  const counts = ledger.counts(pool);
  const full = families.filter(
    (family) => counts[`available${family}`] === (counts.reserved?.[family] ?? 0n),
  );
  const told = full.map((family) => {
    const [count, kept] = [counts[`assigned${family}`], counts.reserved?.[family] ?? 0n];
    return `${count} of ${count + kept} ${family}`;
  });
  const kept = full.reduce((sum, family) => sum + (counts.reserved?.[family] ?? 0n), 0n);
  return `${told.join(' and ')} taken${kept > 0n ? `, ${kept} reserved` : ''}`;
}

/** LB111: the Service prefers two addresses and has one. */
export function oneFamilyOnly(view: ServiceView, missing: IpFamily, pool: string): Finding {
  const wrong = `got no ${missing} address: pool ${pool} has none free`;
  return finding(
    'LB111',
    view,
    'spec.ipFamilyPolicy',
    view.familyPolicy,
    `${wrong}; add ${missing} addresses to it`,
  );
}

/** LB112 */
export function notAnnounced(view: ServiceView, pool: string): Finding {
  const wrong = `has an address of pool ${pool}, which no L2Advertisement selects, so nobody answers for it`;
  return finding('LB112', view, NEEDS.path, NEEDS.value, `${wrong}; create an L2Advertisement for the pool`);
}

/** LB113; `ourClass` is the class this installation was started with, if any. */
export function foreignClass(view: ServiceView, ourClass?: string): Finding {
  const theirs = view.foreignClass ?? '';
  if (theirs === '') {
    const right = `set it to ${ourClass ?? ''} to get an address here`;
    return finding(
      'LB113',
      view,
      'spec.loadBalancerClass',
      '',
      `is not set, so the Service is left to another load balancer; ${right}`,
    );
  }
  const right = ourClass === undefined ? 'remove it' : `set it to ${ourClass}`;
  return finding(
    'LB113',
    view,
    'spec.loadBalancerClass',
    theirs,
    `belongs to another load balancer; ${right} to get an address here`,
  );
}

/** LB114 */
export function notLoaded(view: ServiceView): Finding {
  return finding(
    'LB114',
    view,
    NEEDS.path,
    NEEDS.value,
    'needs an address, but pools and Services are still being listed; wait',
  );
}

/** LB115 */
export function noClusterIp(view: ServiceView): Finding {
  if (!view.hasClusterIPs) {
    return finding(
      'LB115',
      view,
      'spec.clusterIPs',
      '',
      'is empty; a Service of type LoadBalancer needs a cluster IP',
    );
  }
  const wrong = `needs cluster IPs of both families, but the Service has ${both(view.families)} only`;
  return finding(
    'LB115',
    view,
    'spec.ipFamilyPolicy',
    view.familyPolicy,
    `${wrong}; use PreferDualStack or a dual-stack cluster`,
  );
}

/** LB116; `onRequest` are the pools it may have by naming them, `shut` those that would serve it but for an AddressPolicy. */
export function noOpenPool(
  view: ServiceView,
  onRequest: readonly Named[],
  shut: { readonly pools: readonly Named[]; readonly policy: string } | undefined,
): Finding {
  const wrong = `needs an ${needed(view)} address, but no pool serves ${asker(view)} automatically`;
  const right =
    onRequest.length > 0
      ? `name one with ${PREFIX}${ADDRESS_POOL} (${naming(onRequest)})`
      : shut === undefined
        ? 'open a pool to it'
        : `have AddressPolicy ${shut.policy} allow one (${naming(shut.pools)})`;
  return finding('LB116', view, NEEDS.path, NEEDS.value, `${wrong}; ${right}`);
}
