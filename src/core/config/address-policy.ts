/** AddressPolicy objects: what the Services of some namespaces may have. */
import { ADDRESS_POLICY_CRD } from '../../api/crd-address-policy.ts';
import type { NamespaceChoice } from './namespace-choice.ts';
import type { Namespaces } from './namespaces.ts';
import { choosesNone, readNamespaceChoice } from './namespace-choice.ts';
import type { Read } from './objects.ts';
import type { Fields } from './read.ts';
import {
  isFields,
  readFields,
  readInteger,
  readList,
  readNarrowing,
  readPlacedNames,
  readString,
} from './read.ts';
import { remember, rememberForList } from './remember.ts';
import type { Report } from './report.ts';
import { checkSizes } from './sizes.ts';
import type { AddressPolicy, ServiceDefaults } from './snapshot.ts';

/** A policy as its object alone tells it. */
export interface PolicyDraft {
  readonly policy: Omit<AddressPolicy, 'namespaces'>;
  /** The pools it names, each with the path where it stands first. */
  readonly poolNames: ReadonlyMap<string, string>;
  readonly choice: NamespaceChoice;
}

export function readAddressPolicy(object: Fields, report: Report): PolicyDraft {
  const spec = readFields(object['spec'], 'spec', report);
  checkSizes(ADDRESS_POLICY_CRD, spec, report);
  const quota = readFields(spec['quota'], 'spec.quota', report);
  const total = readCount(quota['total'], 'spec.quota.total', report);
  const placedPools = readPlacedNames(spec['pools'], 'spec.pools', report);
  const pools = new Set(placedPools.keys());
  const defaultPool = readNarrowing(spec['defaultPool'], 'spec.defaultPool', report);
  if (defaultPool !== undefined && pools.size > 0 && !pools.has(defaultPool)) {
    const what = 'is not in spec.pools: allow the pool, or name one that is allowed';
    report.add('LB214', 'spec.defaultPool', defaultPool, what);
  }
  const placedQuotas = readQuotaOfPools(quota['pools'], report);
  return {
    policy: {
      source: report.origin.object,
      quotaOfPools: new Map([...placedQuotas].map(([pool, { count }]) => [pool, count])),
      ...(total === undefined ? {} : { quota: total }),
      ...(pools.size === 0 ? {} : { pools }),
      ...(defaultPool === undefined ? {} : { defaultPool }),
      defaults: readDefaults(spec['defaults'], report),
    },
    poolNames: new Map([
      ...[...placedQuotas].map(([pool, { path }]): [string, string] => [pool, path]),
      ...(defaultPool === undefined ? [] : [[defaultPool, 'spec.defaultPool'] as const]),
      ...placedPools,
    ]),
    choice: readNamespaceChoice(spec, 'spec', report),
  };
}

const POOL_QUOTAS = 'spec.quota.pools';
/** int32, as the schema says. */
const LARGEST_COUNT = 2 ** 31 - 1;

function readCount(value: unknown, path: string, report: Report): number | undefined {
  const absent = -1;
  const count = readInteger(value, path, report, { absent, min: 0, max: LARGEST_COUNT });
  return count === absent ? undefined : count;
}

interface PlacedQuota {
  readonly count: number;
  readonly path: string;
}

function readQuotaOfPools(value: unknown, report: Report): ReadonlyMap<string, PlacedQuota> {
  const quotas = new Map<string, PlacedQuota>();
  readList(value, POOL_QUOTAS, report, (entry, path) => {
    if (!isFields(entry)) return report.malformed(path, entry, 'an object with pool and addresses');
    const pool = readString(entry['pool'], `${path}.pool`, report);
    const count = readCount(entry['addresses'], `${path}.addresses`, report);
    if (entry['addresses'] === undefined || entry['addresses'] === null)
      report.addMissing('LB210', `${path}.addresses`, 'is missing: write how many addresses');
    if (pool === undefined || count === undefined) return;
    if (quotas.has(pool)) report.add('LB205', `${path}.pool`, pool, 'is listed twice: remove one');
    else quotas.set(pool, { count, path: `${path}.pool` });
  });
  return quotas;
}

function readDefaults(value: unknown, report: Report): ServiceDefaults {
  const defaults = readFields(value, 'spec.defaults', report);
  const nodePorts = defaults['allocateLoadBalancerNodePorts'] ?? undefined;
  const traffic = defaults['externalTrafficPolicy'] ?? undefined;
  if (nodePorts !== undefined && typeof nodePorts !== 'boolean')
    report.malformed('spec.defaults.allocateLoadBalancerNodePorts', nodePorts, 'true or false');
  if (traffic !== undefined && traffic !== 'Cluster' && traffic !== 'Local')
    report.malformed('spec.defaults.externalTrafficPolicy', traffic, 'Cluster or Local');
  return {
    ...(typeof nodePorts === 'boolean' ? { allocateLoadBalancerNodePorts: nodePorts } : {}),
    ...(traffic === 'Cluster' || traffic === 'Local' ? { externalTrafficPolicy: traffic } : {}),
  };
}

/** A policy with the namespaces it is for, and the object it is of. */
export interface ResolvedPolicy extends Pick<Read<unknown>, 'origin'> {
  readonly policy: AddressPolicy;
}

/** One whose selectors match no namespace is for none. The same one for the same object and namespaces. */
export function resolvePolicy(read: Read<PolicyDraft>, namespaces: Namespaces): ResolvedPolicy {
  const { choice } = read.value;
  return resolvedOf(read)(choosesNone(choice) ? [] : [namespaces.chosenBy(choice)]);
}

const resolvedOf = remember(({ origin, value: { policy } }: Read<PolicyDraft>) =>
  rememberForList<ReadonlySet<string>, ResolvedPolicy>(([namespaces]) => ({
    origin,
    policy: { ...policy, ...(namespaces !== undefined && { namespaces }) },
  })),
);
