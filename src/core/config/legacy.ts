/**
 * The configuration of MetalLB before 0.13: YAML in the ConfigMap `config`, keys with dashes, unknown keys refused. Only
 * layer 2 pools are read; each of them brings its own advertisement, as its protocol said.
 */
import { LEGACY_CONFIG_KEY } from '../../api/metallb.ts';
import type { PoolDraft } from './address-pool.ts';
import { describeRanges } from './address-pool.ts';
import { readRanges } from './pool-ranges.ts';
import type { Fields } from './read.ts';
import { isFields, readBoolean, readList } from './read.ts';
import type { Report } from './report.ts';
import type { L2Advertisement, Pool } from './snapshot.ts';

/** Where in the ConfigMap the document is. Paths of findings go on from here. */
const ROOT = `data.${LEGACY_CONFIG_KEY}`;
const NO_BGP = 'is not supported: this version announces with protocol layer2 only';

/** Top-level keys of the configuration of MetalLB 0.9 to 0.12 that are about BGP. */
const BGP_KEYS = ['peers', 'bgp-communities', 'bfd-profiles'];
const KEYS = ['address-pools', ...BGP_KEYS];
const POOL_KEYS = ['name', 'protocol', 'addresses', 'auto-assign', 'avoid-buggy-ips', 'bgp-advertisements'];

/** Reads the pools of the document; an empty document has none. */
export function readLegacyConfig(document: unknown, report: Report): PoolDraft[] {
  if (document === undefined || document === null) return [];
  if (!isFields(document)) {
    report.malformed(ROOT, document, 'an object with the key address-pools');
    return [];
  }
  checkKeys(document, KEYS, ROOT, report);
  for (const key of BGP_KEYS)
    if (!isEmpty(document[key])) report.addMissing('LB209', `${ROOT}.${key}`, NO_BGP);
  return readList(document['address-pools'], `${ROOT}.address-pools`, report, readPool);
}

/** The advertisement that protocol layer2 stands for: this pool, from every node and interface. */
export function advertisementOfLegacyPool(pool: Pool): L2Advertisement {
  return {
    source: pool.source,
    pools: new Set([pool.name]),
    nodeSelectors: [],
    interfaces: [],
    serviceSelectors: [],
    preferredNodeSelectors: [],
  };
}

function readPool(value: unknown, path: string, report: Report): PoolDraft | undefined {
  if (!isFields(value)) {
    report.malformed(path, value, 'an address pool with name, protocol and addresses');
    return undefined;
  }
  checkKeys(value, POOL_KEYS, path, report);
  checkProtocol(value['protocol'], `${path}.protocol`, report);
  if (!isEmpty(value['bgp-advertisements'])) report.addMissing('LB209', `${path}.bgp-advertisements`, NO_BGP);
  const name = readName(value['name'], `${path}.name`, report);
  const entries = readRanges(value['addresses'], `${path}.addresses`, name ?? '', report);
  const autoAssign = readBoolean(value['auto-assign'], `${path}.auto-assign`, report, true);
  const avoidBuggyIPs = readBoolean(value['avoid-buggy-ips'], `${path}.avoid-buggy-ips`, report, false);
  if (name === undefined) return undefined;
  const pool: Pool = {
    name,
    source: report.object,
    labels: {},
    ...describeRanges(entries),
    autoAssign,
    avoidBuggyIPs,
  };
  return { pool, entries, namePath: `${path}.name`, report };
}

/**
 * YAML makes a number of a name such as 42; MetalLB read it as text. What cannot be told any more is refused: `1.1` was
 * perhaps 1.10, and true was perhaps yes.
 */
function readName(value: unknown, path: string, report: Report): string | undefined {
  if (typeof value === 'string' && value !== '') return value;
  if (Number.isSafeInteger(value)) return String(value);
  const lost = typeof value === 'number' || typeof value === 'boolean';
  report.malformed(path, value ?? undefined, lost ? 'a text: put it in quotes' : 'a name');
  return undefined;
}

function checkProtocol(value: unknown, path: string, report: Report): void {
  if (value === 'bgp') report.add('LB209', path, value, NO_BGP);
  else if (value !== 'layer2') report.malformed(path, value ?? undefined, 'layer2');
}

function checkKeys(fields: Fields, known: readonly string[], path: string, report: Report): void {
  for (const key of Object.keys(fields)) {
    if (!known.includes(key))
      report.addMissing('LB208', `${path}.${key}`, `is unknown: known are ${known.join(', ')}`);
  }
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isFields(value) && Object.keys(value).length === 0;
}
