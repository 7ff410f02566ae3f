/**
 * The configuration of MetalLB before 0.13: YAML in the ConfigMap `config`, keys with dashes, unknown keys refused. Each part
 * of it becomes the object that says the same today, under the name MetalLB's own converter gives it (configmaptocrs), so
 * that loading the ConfigMap and loading what `cleat convert` makes of it come to the same Snapshot.
 */
import { LEGACY_CONFIG_KEY } from '../../api/metallb.ts';
import type { LegacyFields } from './legacy-fields.ts';
import {
  ADVERTISEMENT_FIELDS,
  asText,
  locateIn,
  PEER_FIELDS,
  POOL_FIELDS,
  PROFILE_FIELDS,
  specOf,
} from './legacy-fields.ts';
import type { Fields } from './read.ts';
import { isFields, readList } from './read.ts';
import type { Report } from './report.ts';

/** Where in the ConfigMap the document is. Paths of findings go on from here. */
const ROOT = `data.${LEGACY_CONFIG_KEY}`;

/** A part of the document as the object it stands for. */
export interface LegacyObject {
  readonly name: string;
  readonly spec: Fields;
  /** Where it begins in the ConfigMap. */
  readonly path: string;
  /** Where a field of the object stands in the ConfigMap. */
  readonly locate: (path: string) => string;
}

/** A pool with the advertisements its protocol stands for, of this pool alone. */
export interface LegacyPool extends LegacyObject {
  readonly l2Advertisements: readonly LegacyObject[];
  readonly bgpAdvertisements: readonly LegacyObject[];
}

export interface LegacyObjects {
  readonly peers: readonly LegacyObject[];
  readonly pools: readonly LegacyPool[];
  readonly profiles: readonly LegacyObject[];
  /** None or one. */
  readonly communities: readonly LegacyObject[];
}

const NO_OBJECTS: LegacyObjects = { peers: [], pools: [], profiles: [], communities: [] };
const KEYS = ['address-pools', 'peers', 'bgp-communities', 'bfd-profiles'];
const POOL_KEYS = ['name', 'protocol', ...Object.keys(POOL_FIELDS), 'bgp-advertisements'];

/**
 * Takes the document apart and reports what is wrong with its shape: keys, names, protocols. What is wrong with the objects
 * themselves their own readers find. An empty document has none.
 */
export function readLegacyConfig(document: unknown, report: Report): LegacyObjects {
  if (document === undefined || document === null) return NO_OBJECTS;
  if (!isFields(document)) {
    report.malformed(ROOT, document, 'an object with the key address-pools');
    return NO_OBJECTS;
  }
  checkKeys(document, KEYS, ROOT, report);
  const counter = new Counter();
  return {
    peers: readList(document['peers'], `${ROOT}.peers`, report, (value, path) =>
      readPeer(value, path, counter, report),
    ),
    pools: readList(document['address-pools'], `${ROOT}.address-pools`, report, (value, path) =>
      readPool(value, path, counter, report),
    ),
    profiles: readList(document['bfd-profiles'], `${ROOT}.bfd-profiles`, report, readProfile),
    communities: readCommunities(document['bgp-communities'], `${ROOT}.bgp-communities`, report),
  };
}

/** Names for parts that have none: peer1, bgpadvertisement2, l2advertisement1. */
class Counter {
  readonly #counts = new Map<string, number>();

  next(prefix: string): string {
    const count = (this.#counts.get(prefix) ?? 0) + 1;
    this.#counts.set(prefix, count);
    return `${prefix}${count}`;
  }
}

function objectOf(name: string, fields: Fields, known: LegacyFields, path: string): LegacyObject {
  return { name, spec: specOf(fields, known), path, locate: locateIn(path) };
}

function readPeer(value: unknown, path: string, counter: Counter, report: Report): LegacyObject | undefined {
  const name = counter.next('peer');
  if (!isFields(value)) {
    report.malformed(path, value, 'a peer with my-asn, peer-asn and peer-address');
    return undefined;
  }
  checkKeys(value, Object.keys(PEER_FIELDS), path, report);
  const { spec, locate, ...rest } = objectOf(name, value, PEER_FIELDS, path);
  const { holdTime } = spec;
  return {
    ...rest,
    // The default of MetalLB before 0.13, which is written nowhere else now.
    spec: holdTime === undefined || holdTime === '' ? { ...spec, holdTime: '90s' } : spec,
    // There is no field for the name.
    locate: (place) => (place === 'metadata.name' ? path : locate(place)),
  };
}

function readPool(value: unknown, path: string, counter: Counter, report: Report): LegacyPool | undefined {
  if (!isFields(value)) {
    report.malformed(path, value, 'an address pool with name, protocol and addresses');
    return undefined;
  }
  checkKeys(value, POOL_KEYS, path, report);
  const { protocol } = value;
  if (protocol !== 'bgp' && protocol !== 'layer2')
    report.malformed(`${path}.protocol`, protocol ?? undefined, 'layer2 or bgp');
  const name = readName(value['name'], `${path}.name`, report);
  return {
    ...objectOf(name, value, POOL_FIELDS, path),
    bgpAdvertisements: readAdvertisements(value, path, counter, report),
    l2Advertisements:
      protocol === 'layer2'
        ? [{ name: counter.next('l2advertisement'), spec: {}, path, locate: locateIn(path) }]
        : [],
  };
}

/** Those written; for protocol bgp without any, one that has all defaults. */
function readAdvertisements(pool: Fields, path: string, counter: Counter, report: Report): LegacyObject[] {
  const listPath = `${path}.bgp-advertisements`;
  const seen = new Set<string>();
  const written = readList(pool['bgp-advertisements'], listPath, report, (value, entryPath) => {
    if (!isFields(value)) {
      report.malformed(
        entryPath,
        value,
        'an advertisement with aggregation-length, localpref and communities',
      );
      return undefined;
    }
    checkKeys(value, Object.keys(ADVERTISEMENT_FIELDS), entryPath, report);
    const text = JSON.stringify(value);
    if (seen.has(text)) report.add('LB205', entryPath, value, 'is listed twice: remove one');
    seen.add(text);
    return objectOf(counter.next('bgpadvertisement'), value, ADVERTISEMENT_FIELDS, entryPath);
  });
  if (pool['protocol'] === 'layer2' && written.length > 0)
    report.addMissing('LB208', listPath, 'must not be there: the protocol of the pool is layer2');
  if (pool['protocol'] !== 'bgp') return [];
  if (written.length > 0) return written;
  return [objectOf(counter.next('bgpadvertisement'), {}, ADVERTISEMENT_FIELDS, `${path}.protocol`)];
}

function readProfile(value: unknown, path: string, report: Report): LegacyObject | undefined {
  if (!isFields(value)) {
    report.malformed(path, value, 'a profile with a name');
    return undefined;
  }
  checkKeys(value, ['name', ...Object.keys(PROFILE_FIELDS)], path, report);
  return objectOf(readName(value['name'], `${path}.name`, report), value, PROFILE_FIELDS, path);
}

/** One Community for all names, in their order. */
function readCommunities(value: unknown, path: string, report: Report): LegacyObject[] {
  if (value === undefined || value === null) return [];
  if (!isFields(value)) {
    report.malformed(path, value, 'an object with a community for each name');
    return [];
  }
  const names = Object.keys(value).toSorted();
  if (names.length === 0) return [];
  const communities = names.map((name) => ({ name, value: asText(value[name]) }));
  const locate = (place: string): string => {
    const index = /^spec\.communities\[(\d+)\]/.exec(place)?.[1];
    return index === undefined ? path : `${path}.${names[Number(index)] ?? ''}`;
  };
  return [{ name: 'communities', spec: { communities }, path, locate }];
}

/** '' where, reported, there is none. */
function readName(value: unknown, path: string, report: Report): string {
  const name = asText(value ?? undefined);
  if (typeof name === 'string' && name !== '') return name;
  report.malformed(path, name, 'a name');
  return '';
}

function checkKeys(fields: Fields, known: readonly string[], path: string, report: Report): void {
  for (const key of Object.keys(fields)) {
    if (!known.includes(key))
      report.addMissing('LB208', `${path}.${key}`, `is unknown: known are ${known.join(', ')}`);
  }
}
