/** L2Advertisement objects: which pools are announced, from which nodes and interfaces, for which Services. */
import type { LabelSelector } from '../../api/meta.ts';
import type { Fields } from './read.ts';
import { isFields, readFields, readInteger, readList, readNames, readString } from './read.ts';
import { readSelector, readSelectors } from './read-selector.ts';
import type { Report } from './report.ts';
import { matchesSelector } from './selector.ts';
import type { L2Advertisement, Pool } from './snapshot.ts';

const PREFERENCE_WEIGHT = { absent: 0, min: 1, max: 100 };

/**
 * Reads one advertisement and resolves the pools it selects. Neither names nor selectors: every pool. Names of pools that
 * do not exist are no fault, as in MetalLB: the pool may be about to come.
 */
export function readL2Advertisement(object: Fields, pools: Iterable<Pool>, report: Report): L2Advertisement {
  const spec = readFields(object['spec'], 'spec', report);
  const names = new Set(readNames(spec['ipAddressPools'], 'spec.ipAddressPools', report));
  const selectors = readSelectors(spec['ipAddressPoolSelectors'], 'spec.ipAddressPoolSelectors', report);
  const everyPool = names.size === 0 && selectors.length === 0;
  const selected = [...pools].filter(
    ({ name, labels }) =>
      everyPool || names.has(name) || selectors.some((selector) => matchesSelector(selector, labels)),
  );
  return {
    source: report.object,
    pools: new Set(selected.map((pool) => pool.name)),
    nodeSelectors: readSelectors(spec['nodeSelectors'], 'spec.nodeSelectors', report),
    // Unlike all other lists, MetalLB lets this one repeat itself.
    interfaces: [...new Set(readList(spec['interfaces'], 'spec.interfaces', report, readString))],
    serviceSelectors: readSelectors(spec['serviceSelectors'], 'spec.serviceSelectors', report),
    preferredNodeSelectors: readList(
      spec['preferredNodeSelectors'],
      'spec.preferredNodeSelectors',
      report,
      readPreference,
    ),
  };
}

function readPreference(
  value: unknown,
  path: string,
  report: Report,
): { weight: number; preference: LabelSelector } | undefined {
  if (!isFields(value)) {
    report.malformed(path, value, 'an object with weight and preference');
    return undefined;
  }
  if (value['weight'] === undefined || value['weight'] === null)
    report.addMissing('LB210', `${path}.weight`, 'is missing: write a number from 1 to 100');
  const weight = readInteger(value['weight'], `${path}.weight`, report, PREFERENCE_WEIGHT);
  const preference = readSelector(value['preference'], `${path}.preference`, report);
  return preference === undefined ? undefined : { weight, preference };
}
