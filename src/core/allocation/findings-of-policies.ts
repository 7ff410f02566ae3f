/** The sentences of LB118 and LB119, like those of the others in findings.ts. */
import type { Finding } from '../../api/findings.ts';
import type { Reservation } from '../config/snapshot.ts';
import type { IpFamily } from '../net/address.ts';
import type { Shortage } from './quota.ts';
import type { Asked, Near } from './sentence.ts';
import { aboutAddress, finding } from './sentence.ts';
import type { ServiceView } from './service-view.ts';

/** LB118 */
export function reserved(
  view: ServiceView,
  asked: Asked,
  { source }: Reservation,
  near: Near | undefined,
): Finding {
  return aboutAddress(
    'LB118',
    view,
    asked,
    `is reserved for others by AddressReservation ${source.name}`,
    near,
  );
}

/** LB119: for the pool named, the addresses asked for, or, without either, for any. */
export function overQuota(
  view: ServiceView,
  asked: { readonly path: string; readonly value: string } | undefined,
  short: Shortage,
): Finding {
  const { path, value } = asked ?? { path: 'spec.type', value: 'LoadBalancer' };
  const more = short.needed > 1 ? ` and ${short.needed} needed` : '';
  const wrong = `is over the quota: ${usedUp(view, short, short.used)}${more}`;
  return finding('LB119', view, path, value, `${wrong}; delete a Service or raise it`);
}

/** LB119: the Service prefers two addresses and has one, of which it has `own` alone. */
export function oneForQuota(view: ServiceView, missing: IpFamily, short: Shortage, own: number): Finding {
  const wrong = `got no ${missing}: ${usedUp(view, short, short.used + own)}`;
  return finding('LB119', view, 'spec.ipFamilyPolicy', view.familyPolicy, `${wrong}; raise the quota`);
}

/** `AddressPolicy team, 3 of 3 used in shop`: short, because where it is a warning all of it has 120 characters. */
function usedUp({ namespace }: ServiceView, { limit, pool }: Shortage, used: number): string {
  const where = pool === undefined ? '' : ` of pool ${pool}`;
  return `AddressPolicy ${limit.policy}, ${used} of ${limit.count}${where} used in ${namespace}`;
}
