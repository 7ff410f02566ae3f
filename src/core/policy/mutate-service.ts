/**
 * What is set in a Service before it is judged and stored: what an AddressPolicy asks for where the author said nothing, and
 * requested addresses in their canonical form (RFC 5952), so that whoever compares them compares equal text.
 *
 * What must always hold: what the author wrote stays, but for the form of an address; what was set once is not insisted on, so
 * an author may change it back; the verdict on the outcome is never harsher than on what the author sent; and doing it twice is doing it
 * once. What was set is listed in an annotation, with its values, so that a diff explains itself. Why it is done so, and what
 * becomes of tools that compare what is stored with what they sent: docs/adr/0022.
 */
import {
  ADDRESS_POOL,
  LEGACY_PREFIX,
  LOAD_BALANCER_IPS,
  MUTATED_ANNOTATION,
  PREFIX,
} from '../../api/annotations.ts';
import type { Service } from '../../api/kubernetes.ts';
import type { NamespaceDefaults } from '../config/namespace-defaults.ts';
import { defaultsIn } from '../config/namespace-defaults.ts';
import { formatAddress, parseAddress } from '../net/address.ts';
import { viewService } from '../allocation/view-service.ts';
import { isComparedAsText, isWritten } from './authorship.ts';
import type { Change, Facts, ServiceChange } from './facts.ts';
import type { Path, PatchOperation, Setting } from './settings.ts';
import { formatPath, patchOf, valueAt, withSettings } from './settings.ts';
import { judgeService } from './service-rules.ts';

const annotation = (key: string): Path => ['metadata', 'annotations', key];

/** Where addresses are asked for. */
const FIELD: Path = ['spec', 'loadBalancerIP'];
const REQUESTS: readonly Path[] = [
  FIELD,
  annotation(PREFIX + LOAD_BALANCER_IPS),
  annotation(LEGACY_PREFIX + LOAD_BALANCER_IPS),
];
const MUTATED = annotation(MUTATED_ANNOTATION);
const POOL = annotation(PREFIX + ADDRESS_POOL);
const LEGACY_POOL = annotation(LEGACY_PREFIX + ADDRESS_POOL);
const NODE_PORTS: Path = ['spec', 'allocateLoadBalancerNodePorts'];
const TRAFFIC_POLICY: Path = ['spec', 'externalTrafficPolicy'];
/** What may be in the list. */
const LISTED: readonly Path[] = [...REQUESTS, POOL, NODE_PORTS, TRAFFIC_POLICY];

/** The patch for a Service of ours that is written; empty where nothing is to be set, and for everything else. */
export function mutateService(facts: Facts, change: Change): readonly PatchOperation[] {
  if (change.kind !== 'Service' || change.object === undefined || !isOurs(facts, change.object)) return [];
  const { object } = change;
  const forms = canonicalForms(object, change.oldObject);
  const settings = [...forms, ...defaultsFor(facts, { ...change, object: withSettings(object, forms) })];
  return patchOf(object, [...settings, ...listing(object, change.oldObject, settings)]);
}

function isOurs({ loadBalancerClass }: Facts, service: Service): boolean {
  const { ours, deleting } = viewService(service, loadBalancerClass);
  return ours && !deleting;
}

/**
 * Of what this change writes; what was stored in another form already is nobody's business now. A request that nobody can read
 * stays as it is: whether it is the one that was stored is told by its text.
 */
function canonicalForms(object: Service, oldObject: Service | undefined): readonly Setting[] {
  if (isComparedAsText(object) || viewService(object).request.kind !== 'addresses') return [];
  return REQUESTS.flatMap((path) => {
    const text = valueAt(object, path);
    if (typeof text !== 'string' || (oldObject && valueAt(oldObject, path) === text)) return [];
    const value = path === FIELD ? canonicalAddress(text) : canonicalList(text);
    return value === undefined || value === text ? [] : [{ path, value }];
  });
}

function canonicalAddress(text: string): string | undefined {
  const address = parseAddress(text);
  return address && formatAddress(address);
}

/** undefined for what is no list of addresses, one of each family at most. */
function canonicalList(text: string): string | undefined {
  const addresses = text.split(',').map((part) => parseAddress(part.trim()));
  const families = new Set(addresses.map((address) => address?.family));
  if (families.has(undefined) || families.size < addresses.length) return undefined;
  return addresses.map((address) => address && formatAddress(address)).join(',');
}

/** Where a Service becomes one of ours: what its author does to it later is meant so. */
function defaultsFor(facts: Facts, change: ServiceChange & { readonly object: Service }): readonly Setting[] {
  const { object, oldObject } = change;
  if (oldObject !== undefined && isOurs(facts, oldObject)) return [];
  const recorded = recordOf(object);
  const before = oldObject === undefined ? {} : recordOf(oldObject);
  // Set in this same request, before another webhook had its turn.
  const isDecided = ({ path }: Setting): boolean => {
    const name = formatPath(path);
    return recorded[name] !== undefined && recorded[name] !== before[name];
  };
  const settings: Setting[] = [];
  for (const setting of missing(object, defaultsIn(facts.snapshot, change.namespace))) {
    if (isDecided(setting)) continue;
    const now = { ...change, object: withSettings(object, settings) };
    const then = { ...change, object: withSettings(object, [...settings, setting]) };
    if (saysNothingNew(facts, then, now)) settings.push(setting);
  }
  return settings;
}

/** The defaults that the author left room for. */
function missing(
  object: Service,
  { pool, allocateLoadBalancerNodePorts, externalTrafficPolicy }: NamespaceDefaults,
): readonly Setting[] {
  const asksForNothing = [...REQUESTS, POOL, LEGACY_POOL].every(
    (path) => valueAt(object, path) === undefined,
  );
  const settings: Setting[] = [];
  if (pool !== undefined && asksForNothing) settings.push({ path: POOL, value: pool });
  if (
    allocateLoadBalancerNodePorts !== undefined &&
    !isWritten(object, 'allocateLoadBalancerNodePorts', true)
  )
    settings.push({ path: NODE_PORTS, value: allocateLoadBalancerNodePorts });
  if (externalTrafficPolicy !== undefined && !isWritten(object, 'externalTrafficPolicy', 'Cluster'))
    settings.push({ path: TRAFFIC_POLICY, value: externalTrafficPolicy });
  return settings.filter(({ path, value }) => valueAt(object, path) !== value);
}

function saysNothingNew(facts: Facts, then: Change, now: Change): boolean {
  const said = judgeService(facts, now);
  return judgeService(facts, then).every(({ finding, level }) =>
    said.some((other) => other.finding.code === finding.code && other.level === level),
  );
}

/** Formatted paths and values. */
type Listed = Readonly<Record<string, unknown>>;

/** What is new in the list, without what the author has changed since. */
function listing(
  object: Service,
  oldObject: Service | undefined,
  settings: readonly Setting[],
): readonly Setting[] {
  const recorded = recordOf(object);
  const before = oldObject === undefined ? {} : recordOf(oldObject);
  const after = withSettings(object, settings);
  const stands = (path: Path): boolean => {
    const name = formatPath(path);
    return (
      recorded[name] !== undefined &&
      (recorded[name] !== before[name] || recorded[name] === valueAt(after, path))
    );
  };
  const kept = LISTED.filter(stands).map((path) => [formatPath(path), recorded[formatPath(path)]] as const);
  const set = settings.map(({ path, value }) => [formatPath(path), value] as const);
  const entries = [...new Map<string, unknown>([...kept, ...set])].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify(Object.fromEntries(entries));
  if (text === JSON.stringify(recorded)) return [];
  return [{ path: MUTATED, value: entries.length === 0 ? undefined : text }];
}

/** What is listed already; nothing where that cannot be read. */
function recordOf(service: Service): Listed {
  const text = valueAt(service, MUTATED);
  if (typeof text !== 'string') return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Listed) : {};
  } catch {
    return {};
  }
}
