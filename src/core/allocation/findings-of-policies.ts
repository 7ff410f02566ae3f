/** The sentences of LB118 and LB119, like those of the others in findings.ts. */
import type { Finding } from '../../api/findings.ts';
import type { Reservation } from '../config/snapshot.ts';
import type { IpFamily } from '../net/address.ts';
import type { Shortage } from './quota.ts';
import type { Asked, Near } from './sentence.ts';
import { aboutAddress, asker, finding, needed } from './sentence.ts';
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
  { limit, pool }: Shortage,
): Finding {
  const given = `AddressPolicy ${limit.policy} gives ${asker(view)} a quota of ${limit.count}`;
  const where = pool === undefined ? '' : ` in pool ${pool}`;
  const full = `${given}${where}, which is used up; delete a Service of it or raise the quota`;
  if (asked === undefined)
    return finding(
      'LB119',
      view,
      'spec.type',
      'LoadBalancer',
      `needs an ${needed(view)} address, but ${full}`,
    );
  return finding('LB119', view, asked.path, asked.value, `cannot be had: ${full}`);
}

/** LB119: the Service prefers two addresses and has one. */
export function oneForQuota(view: ServiceView, missing: IpFamily, short: Shortage): Finding {
  const { limit } = short;
  const wrong = `got no ${missing} address: AddressPolicy ${limit.policy} gives ${asker(view)} a quota of ${limit.count}`;
  return finding('LB119', view, 'spec.ipFamilyPolicy', view.familyPolicy, `${wrong}; raise the quota`);
}
