/**
 * The legacy ConfigMap as the objects that say the same today, in the order and under the names of MetalLB's own converter
 * (configmaptocrs). Loading them comes to the Snapshot that loading the ConfigMap comes to; what could not be kept, such as a
 * name that Kubernetes does not take, is said beside the object.
 */
import type { Finding } from '../../api/findings.ts';
import type { Resource } from '../../api/meta.ts';
import {
  BFD_PROFILES,
  BGP_ADVERTISEMENTS,
  BGP_PEERS,
  COMMUNITIES,
  IP_ADDRESS_POOLS,
  L2_ADVERTISEMENTS,
} from '../../api/metallb.ts';
import type { ConfigInput } from './input.ts';
import type { LegacyObject, LegacyObjects } from './legacy.ts';
import { readLegacyConfig } from './legacy.ts';
import { isFault, loadConfig } from './load.ts';
import type { Fields } from './read.ts';
import { originOf, Report } from './report.ts';

export interface ConvertedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Fields;
}

export interface Conversion {
  /** None where a finding is a fault. Each with what a reader should know. */
  readonly objects: readonly { readonly object: ConvertedObject; readonly notes: readonly string[] }[];
  readonly findings: readonly Finding[];
}

export function convertLegacy(legacy: NonNullable<ConfigInput['legacy']>): Conversion {
  const { namespace = '' } = legacy.source;
  const nothing = { pools: [], l2Advertisements: [], namespaces: [] };
  // What one implementation of BGP cannot do is no fault of the configuration.
  const { findings: found } = loadConfig({ ...nothing, namespace, legacy, bgpType: 'any' });
  const findings = [...found];
  if (findings.some(isFault) || !('document' in legacy)) return { objects: [], findings };
  const report = new Report(originOf(legacy.source), findings);
  const parts = readLegacyConfig(legacy.document, new Report(report.origin, []));
  const poolNames = renames(parts.pools, 'name', report);
  const profileNames = renames(parts.profiles, 'name', report);
  if (findings.some(isFault)) return { objects: [], findings };
  return { objects: objectsOf(parts, poolNames, profileNames, namespace), findings };
}

type Names = ReadonlyMap<string, string>;

function objectsOf(
  { peers, pools, profiles, communities }: LegacyObjects,
  poolNames: Names,
  profileNames: Names,
  namespace: string,
): Conversion['objects'] {
  const make = (resource: Resource, name: string, spec: Fields, notes: readonly (string | undefined)[]) => ({
    object: {
      apiVersion: `${resource.group}/${resource.version}`,
      kind: resource.kind,
      metadata: { name, namespace },
      spec,
    },
    notes: notes.filter((note) => note !== undefined),
  });
  const renamed = (names: Names, name: string, users: string): string | undefined => {
    const now = names.get(name);
    return now === name
      ? undefined
      : `It was named ${JSON.stringify(name)}, which Kubernetes does not take${users}.`;
  };
  const nameOf = (names: Names, name: string): string => names.get(name) ?? name;
  const ofPool = (pool: string, { spec }: LegacyObject): Fields => ({
    ipAddressPools: [nameOf(poolNames, pool)],
    ...spec,
  });
  return [
    ...peers.map(({ name, spec, path }) => {
      const profile = spec['bfdProfile'];
      const bfd = typeof profile === 'string' ? { bfdProfile: nameOf(profileNames, profile) } : {};
      return make(BGP_PEERS, name, { ...spec, ...bfd }, [`From ${path}.`, NO_BGP, ...notesOfPeer(spec)]);
    }),
    ...pools.map(({ name, spec, path }) => {
      const users = `: Services that ask for it must ask for ${nameOf(poolNames, name)}`;
      return make(IP_ADDRESS_POOLS, nameOf(poolNames, name), spec, [
        `From ${path}.`,
        renamed(poolNames, name, users),
      ]);
    }),
    ...pools.flatMap((pool) =>
      pool.bgpAdvertisements.map((advertisement) =>
        make(BGP_ADVERTISEMENTS, advertisement.name, ofPool(pool.name, advertisement), [
          `From ${advertisement.path}.`,
          NO_BGP,
        ]),
      ),
    ),
    ...pools.flatMap((pool) =>
      pool.l2Advertisements.map((advertisement) =>
        make(L2_ADVERTISEMENTS, advertisement.name, ofPool(pool.name, advertisement), [
          `From ${advertisement.path}.protocol.`,
        ]),
      ),
    ),
    ...profiles.map(({ name, spec, path }) =>
      make(BFD_PROFILES, nameOf(profileNames, name), spec, [
        `From ${path}.`,
        renamed(profileNames, name, ''),
      ]),
    ),
    ...communities.map(({ name, spec, path }) => make(COMMUNITIES, name, spec, [`From ${path}.`])),
  ];
}

const NO_BGP = 'Cleat reads and checks it, and does not announce by BGP yet.';

function notesOfPeer(spec: Fields): (string | undefined)[] {
  return [
    spec['holdTime'] === '90s'
      ? 'holdTime 90s was the default of MetalLB before 0.13; now it would be left to the two routers.'
      : undefined,
    spec['password'] === undefined || spec['password'] === ''
      ? undefined
      : 'The password is in clear; a Secret of type kubernetes.io/basic-auth, named in passwordSecret, would keep it.',
  ];
}

const LONGEST_NAME = 253;
/** What Kubernetes takes as the name of an object: a DNS subdomain (RFC 1123). */
const DNS_SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/**
 * A name for each that Kubernetes takes: as it is where it can stay, since Services ask for pools by name. Two that come to
 * be the same are a fault, and so is one of which nothing stays.
 */
function renames(parts: readonly LegacyObject[], field: string, report: Report): Names {
  const names = new Map<string, string>();
  const taken = new Map<string, string>();
  for (const { name, path } of parts) {
    const fitting = fittingName(name);
    const other = taken.get(fitting);
    if (fitting === '')
      report.add(
        'LB208',
        `${path}.${field}`,
        name,
        'cannot be made a name in Kubernetes: write letters or digits',
      );
    else if (other !== undefined) {
      const what = `must be called ${fitting} in Kubernetes, and so must ${other}: rename one`;
      report.add('LB205', `${path}.${field}`, name, what);
    }
    names.set(name, fitting);
    taken.set(fitting, name);
  }
  return names;
}

function fittingName(name: string): string {
  if (name.length <= LONGEST_NAME && DNS_SUBDOMAIN.test(name)) return name;
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, '');
}
