/**
 * The one write that settles a Service: its addresses, the pool they are from and the condition.
 *
 * How ownership works. The write is a server-side apply to the status subresource by one field manager, with force. It
 * owns status.loadBalancer.ingress (an atomic list: all of it or nothing), one annotation and one entry of
 * status.conditions (a list by type: other conditions are nobody's business). A later apply that leaves a field out
 * removes it, so an apply with the condition alone takes addresses and annotation away again.
 *
 * That fails for a field another manager owns too. MetalLB wrote the same values with an update before it was replaced,
 * and the API server keeps both as owners of what is equal; then a field left out stays. So the object that an apply
 * answers is looked at once more, and what is left is removed with a merge patch, which asks no owner. Likewise a Service
 * that stops being ours is cleaned with one merge patch, bound to the version it was made for because it replaces the
 * list of conditions.
 *
 * Every apply is bound to the version it was made for. So a write that a former leader sent and that arrives late is refused
 * where the present one has written since.
 *
 * The API server adds defaults to what is written (ingress[].ipMode: VIP) and writes addresses in other forms, so what is
 * stored is compared by meaning: a Service that says what it should is never written.
 */
import { ADDRESS_READY, IP_ALLOCATED_FROM_POOL } from '../../api/annotations.ts';
import type { LoadBalancerIngress, Service } from '../../api/kubernetes.ts';
import type { Decision } from '../allocation/decision.ts';
import type { ServiceView } from '../allocation/service-view.ts';
import type { Address } from '../net/address.ts';
import { formatAddress, parseAddress, sameAddress } from '../net/address.ts';
import { conditionAt, readinessOf, sameReadiness, storedCondition } from './readiness.ts';

export type StatusWrite =
  | { readonly how: 'apply'; readonly body: Service & { metadata: { name: string; namespace: string } } }
  | { readonly how: 'merge'; readonly body: Readonly<Record<string, unknown>> };

/**
 * What to write to the Service's status so that it says what was decided; undefined where it does already. `service` is
 * the object as last seen, `now` the time in RFC 3339. After the write, ask again with the object the API server answered.
 */
export function planStatusWrite(
  view: ServiceView,
  decision: Decision,
  service: Service,
  now: string,
): StatusWrite | undefined {
  if (decision.kind === 'foreign') return planCleaning(view, service);
  const stored = storedCondition(service);
  const readiness = readinessOf(view, decision);
  if (readiness === undefined) return undefined;
  const isTold = sameReadiness(stored, readiness);
  if (decision.kind === 'waiting') {
    if (!isTold) {
      const conditions = [conditionAt(readiness, stored, now)];
      return apply(view, service, { status: { conditions } });
    }
    return hasLeftovers(service) ? { how: 'merge', body: withoutAddresses() } : undefined;
  }
  const isWritten = sameIngress(ingressOf(service), decision.addresses) && poolOf(service) === decision.pool;
  if (isTold && isWritten) return undefined;
  const conditions = [conditionAt(readiness, stored, now)];
  const ingress = decision.addresses.map((address) => ({ ip: formatAddress(address) }));
  return apply(view, service, {
    annotations: { [IP_ALLOCATED_FROM_POOL]: decision.pool },
    status: { loadBalancer: { ingress }, conditions },
  });
}

/**
 * A Service of another class is left as it is: another controller, perhaps another Cleat, writes it (MetalLB does not
 * release on a class mismatch either). On one of another type the annotation or our condition says that the addresses
 * were given by us or by MetalLB.
 */
function planCleaning(view: ServiceView, service: Service): StatusWrite | undefined {
  const stored = storedCondition(service);
  if (view.foreignClass !== undefined || (stored === undefined && poolOf(service) === undefined))
    return undefined;
  const others = service.status?.conditions?.filter(({ type }) => type !== ADDRESS_READY) ?? [];
  const { resourceVersion } = service.metadata;
  return {
    how: 'merge',
    body: withoutAddresses(
      resourceVersion === undefined ? {} : { resourceVersion },
      stored === undefined ? {} : { conditions: others.length > 0 ? others : null },
    ),
  };
}

function withoutAddresses(metadata: object = {}, status: object = {}): Readonly<Record<string, unknown>> {
  return {
    metadata: { ...metadata, annotations: { [IP_ALLOCATED_FROM_POOL]: null } },
    status: { ...status, loadBalancer: { ingress: null } },
  };
}

function apply(
  { namespace, name }: ServiceView,
  { metadata: { resourceVersion } }: Service,
  { annotations, status }: { annotations?: Record<string, string>; status: NonNullable<Service['status']> },
): StatusWrite {
  const metadata = {
    name,
    namespace,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return { how: 'apply', body: { apiVersion: 'v1', kind: 'Service', metadata, status } };
}

function hasLeftovers(service: Service): boolean {
  return ingressOf(service).length > 0 || poolOf(service) !== undefined;
}

function sameIngress(stored: readonly LoadBalancerIngress[], addresses: readonly Address[]): boolean {
  return (
    stored.length === addresses.length &&
    stored.every(({ ip, hostname, ipMode = 'VIP' }, index) => {
      const address = parseAddress(ip ?? '');
      const wanted = addresses[index];
      const isSame = address !== undefined && wanted !== undefined && sameAddress(address, wanted);
      return isSame && hostname === undefined && ipMode === 'VIP';
    })
  );
}

function ingressOf(service: Service): readonly LoadBalancerIngress[] {
  return service.status?.loadBalancer?.ingress ?? [];
}

function poolOf(service: Service): string | undefined {
  return service.metadata.annotations?.[IP_ALLOCATED_FROM_POOL];
}
