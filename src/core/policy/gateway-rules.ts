/**
 * Rules for Gateways. A Gateway has no address of its own: its implementation makes a Service of it, and that Service gets
 * one. So the question is what would become of that Service, asked of plan() like every other, with the Gateway's paths in
 * the answer.
 *
 * Nothing in a Gateway says which load balancer will serve it, nor in which namespace and with which labels the Service will
 * be. So a refusal needs proof that it is about us: the Service is there and ours, or the Gateway speaks to us with our
 * annotations (and there is only one load balancer that reads them, because Cleat was started without a class); and in the
 * latter case only for what no Service whatever could have. All else is a warning: the Service itself will be refused, if
 * it comes. Where the Service is there and not ours, there is nothing to say.
 */
import { LEGACY_PREFIX, OWN_PREFIX, PREFIX } from '../../api/annotations.ts';
import type { Finding, FindingCode } from '../../api/findings.ts';
import type { Gateway } from '../../api/gateway.ts';
import { GATEWAYS } from '../../api/gateway.ts';
import { notLoaded } from '../allocation/findings.ts';
import { plan } from '../allocation/plan.ts';
import type { ServiceView } from '../allocation/service-view.ts';
import type { Change, Facts, GatewayChange, Remark } from './facts.ts';
import { viewsOfGateway } from './gateway-service.ts';
import { asksTheSame, remarksOn, softened } from './service-rules.ts';

/** True of a Service in whatever namespace, with whatever labels. */
const OF_ANY_SERVICE: ReadonlySet<FindingCode> = new Set(['LB101', 'LB102', 'LB107', 'LB109', 'LB117']);

/** What sentences about a Service that has only a type begin with. */
const TYPE = 'spec.type LoadBalancer';

export function judgeGateway(facts: Facts, change: Change): readonly Remark[] {
  if (change.kind !== 'Gateway' || change.object === undefined) return [];
  const { object, oldObject } = change;
  const place = placeOf(change);
  const own = facts.servicesOf(`${place.namespace}/${place.name}`);
  const made = own.find(({ ours }) => ours);
  if (own.length > 0 && made === undefined) return [];

  const viewsIn = (gateway: Gateway): readonly ServiceView[] =>
    viewsOfGateway(gateway, place, facts.loadBalancerClass, made);
  const stored = oldObject === undefined ? [] : viewsIn(oldObject);
  const remarks = viewsIn(object).flatMap((view) => {
    const found = remarksOnService(facts, view);
    const isStored = stored.some((other) => asksTheSame(other, view));
    const isCertain = made !== undefined || speaksToUs(facts, object);
    return found
      .filter(({ finding }) => isAboutGateway(finding))
      .map((remark) => {
        const isProven = made !== undefined || isOfAnyService(remark.finding, view);
        return inGateway(isCertain && isProven && !isStored ? remark : softened(remark), view, place);
      });
  });
  return once(remarks);
}

function remarksOnService(facts: Facts, view: ServiceView): readonly Remark[] {
  if (!facts.loaded) return [{ finding: notLoaded(view), level: 'warn' }];
  return remarksOn(facts, view, plan(facts.ledger, facts.snapshot, view));
}

/** Its annotations are for us, and nobody else here reads them. */
function speaksToUs({ loadBalancerClass }: Facts, { spec }: Gateway): boolean {
  const annotations = Object.keys(spec?.infrastructure?.annotations ?? {});
  const isOurs = (key: string): boolean =>
    [PREFIX, LEGACY_PREFIX, OWN_PREFIX].some((prefix) => key.startsWith(prefix));
  return loadBalancerClass === undefined && annotations.some(isOurs);
}

function isOfAnyService({ code }: Finding, { request }: ServiceView): boolean {
  // An address and a pool that do not fit, both in annotations that every Service made of it would have.
  return OF_ANY_SERVICE.has(code) || (code === 'LB103' && request.kind === 'addresses');
}

/** Of what the author of a Gateway can mend, or of what keeps any Service waiting. */
function isAboutGateway({ path }: Finding): boolean {
  return (
    path.startsWith('spec.addresses[') || path.startsWith('spec.infrastructure.') || path === 'spec.type'
  );
}

function inGateway(remark: Remark, view: ServiceView, place: Place): Remark {
  const { finding } = remark;
  const object = { kind: GATEWAYS.kind, ...place };
  if (finding.path !== 'spec.type') return { ...remark, finding: { ...finding, object } };
  const { value: _, ...rest } = finding;
  const path = view.request.kind === 'none' ? (view.requestedPool?.path ?? 'spec') : view.request.path;
  const message = finding.message.replace(TYPE, 'a LoadBalancer Service made of it');
  return { ...remark, finding: { ...rest, object, path, message } };
}

interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** A name the API server has yet to generate begins with what the author gave. */
function placeOf({ namespace, name, object }: GatewayChange): Place {
  return { namespace, name: name === '' ? (object?.metadata.generateName ?? '') : name };
}

/** Two addresses may have the same fault in common. */
function once(remarks: readonly Remark[]): readonly Remark[] {
  const seen = new Map<string, Remark>();
  for (const remark of remarks) {
    const said = JSON.stringify([remark.finding.code, remark.finding.message]);
    if (!seen.has(said)) seen.set(said, remark);
  }
  return [...seen.values()];
}
