/** L2Advertisement objects: which pools are announced, from which nodes and interfaces, for which Services. */
import type { LabelSelector } from '../../api/meta.ts';
import type { Fields } from './read.ts';
import type { PoolSelection } from './pool-selection.ts';
import { readPoolSelection } from './pool-selection.ts';
import { isFields, readFields, readInteger, readList, readString } from './read.ts';
import { readSelector, readSelectors } from './read-selector.ts';
import type { Report } from './report.ts';
import type { L2Advertisement } from './snapshot.ts';

const PREFERENCE_WEIGHT = { absent: 0, min: 1, max: 100 };

/** An advertisement as its object alone tells it. */
export type L2AdvertisementDraft = Omit<L2Advertisement, 'pools'> & { readonly selection: PoolSelection };

export function readL2Advertisement(object: Fields, report: Report): L2AdvertisementDraft {
  const spec = readFields(object['spec'], 'spec', report);
  return {
    source: report.origin.object,
    selection: readPoolSelection(spec, report),
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
