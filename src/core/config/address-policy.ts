/** AddressPolicy objects: what the Services of some namespaces may have. */
import type { NamespaceChoice } from './namespace-choice.ts';
import type { Namespaces } from './namespaces.ts';
import { choosesNone, readNamespaceChoice } from './namespace-choice.ts';
import type { Fields } from './read.ts';
import {
  isFields,
  readFields,
  readInteger,
  readList,
  readNames,
  readOptionalText,
  readString,
} from './read.ts';
import type { Report } from './report.ts';
import type { AddressPolicy, ServiceDefaults } from './snapshot.ts';

/** A policy as its object alone tells it. */
export interface PolicyDraft {
  readonly policy: Omit<AddressPolicy, 'namespaces'>;
  readonly choice: NamespaceChoice;
}

export function readAddressPolicy(object: Fields, report: Report): PolicyDraft {
  const spec = readFields(object['spec'], 'spec', report);
  const quota = readFields(spec['quota'], 'spec.quota', report);
  const total = readCount(quota['total'], 'spec.quota.total', report);
  const pools = new Set(readNames(spec['pools'], 'spec.pools', report));
  const defaultPool = readOptionalText(spec['defaultPool'], 'spec.defaultPool', report);
  if (defaultPool !== undefined && pools.size > 0 && !pools.has(defaultPool)) {
    const what = 'is not in spec.pools: allow the pool, or name one that is allowed';
    report.add('LB214', 'spec.defaultPool', defaultPool, what);
  }
  return {
    policy: {
      source: report.origin.object,
      quotaOfPools: readQuotaOfPools(quota['pools'], report),
      ...(total === undefined ? {} : { quota: total }),
      ...(pools.size === 0 ? {} : { pools }),
      ...(defaultPool === undefined ? {} : { defaultPool }),
      defaults: readDefaults(spec['defaults'], report),
    },
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

function readQuotaOfPools(value: unknown, report: Report): ReadonlyMap<string, number> {
  const quotas = new Map<string, number>();
  readList(value, POOL_QUOTAS, report, (entry, path) => {
    if (!isFields(entry)) return report.malformed(path, entry, 'an object with pool and addresses');
    const pool = readString(entry['pool'], `${path}.pool`, report);
    const count = readCount(entry['addresses'], `${path}.addresses`, report);
    if (entry['addresses'] === undefined || entry['addresses'] === null)
      report.addMissing('LB210', `${path}.addresses`, 'is missing: write how many addresses');
    if (pool === undefined || count === undefined) return;
    if (quotas.has(pool)) report.add('LB205', `${path}.pool`, pool, 'is listed twice: remove one');
    else quotas.set(pool, count);
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

/** The policy with the namespaces it is for. One whose selectors match no namespace is for none. */
export function resolvePolicy({ policy, choice }: PolicyDraft, namespaces: Namespaces): AddressPolicy {
  return choosesNone(choice) ? policy : { ...policy, namespaces: namespaces.chosenBy(choice) };
}
