/** BGPAdvertisement objects: MetalLB's rules for one advertisement (internal/config/config.go, bgpAdvertisementFromCR). */
import type { Finding } from '../../api/findings.ts';
import type { Aliases } from './communities.ts';
import type { BgpCommunity } from './community.ts';
import { compareCommunities, formatCommunity, parseCommunity } from './community.ts';
import type { Read } from './objects.ts';
import type { PoolSelection } from './pool-selection.ts';
import { readPoolSelection } from './pool-selection.ts';
import type { Fields } from './read.ts';
import { readFields, readInteger, readNames, readPlacedNames } from './read.ts';
import { readSelectors } from './read-selector.ts';
import type { Report as ReportOfObject } from './report.ts';
import { Report } from './report.ts';
import type { BgpAdvertisement } from './snapshot.ts';

/** An advertisement as its object alone tells it. */
export type BgpAdvertisementDraft = Omit<BgpAdvertisement, 'pools' | 'communities'> & {
  readonly selection: PoolSelection;
  /** As written, communities and names of communities, each with its path. */
  readonly communities: ReadonlyMap<string, string>;
};

const ADDRESS_LENGTH = { absent: 32, min: 1, max: 32 };
const ADDRESS_LENGTH_V6 = { absent: 128, min: 0, max: 128 };
const LOCAL_PREF = { absent: 0, min: 0, max: 4_294_967_295 };

export function readBgpAdvertisement(object: Fields, report: ReportOfObject): BgpAdvertisementDraft {
  const spec = readFields(object['spec'], 'spec', report);
  const length = (field: string, bounds: typeof ADDRESS_LENGTH): number =>
    readInteger(spec[field], `spec.${field}`, report, bounds);
  const draft: BgpAdvertisementDraft = {
    source: report.origin.object,
    selection: readPoolSelection(spec, report),
    nodeSelectors: readSelectors(spec['nodeSelectors'], 'spec.nodeSelectors', report),
    serviceSelectors: readSelectors(spec['serviceSelectors'], 'spec.serviceSelectors', report),
    peers: new Set(readNames(spec['peers'], 'spec.peers', report)),
    aggregationLength: length('aggregationLength', ADDRESS_LENGTH),
    aggregationLengthV6: length('aggregationLengthV6', ADDRESS_LENGTH_V6),
    localPref: readInteger(spec['localPref'], 'spec.localPref', report, LOCAL_PREF),
    communities: readPlacedNames(spec['communities'], 'spec.communities', report),
  };
  report.addMissing('LB209', 'spec', 'is read and checked, but this version announces nothing by BGP yet');
  if (draft.serviceSelectors.length > 0) checkWholeAddresses(draft, report);
  return draft;
}

/** An aggregate holds addresses of Services that the selectors may not mean. */
function checkWholeAddresses(draft: BgpAdvertisementDraft, report: ReportOfObject): void {
  for (const [field, { absent }] of [
    ['aggregationLength', ADDRESS_LENGTH],
    ['aggregationLengthV6', ADDRESS_LENGTH_V6],
  ] as const) {
    if (draft[field] === absent) continue;
    report.add(
      'LB214',
      `spec.${field}`,
      draft[field],
      `excludes serviceSelectors: remove it, or write ${absent}`,
    );
  }
}

/** The communities meant, each once, in numeric order. A name that nobody gives may yet be given. */
export function resolveCommunities(
  { origin, value }: Read<BgpAdvertisementDraft>,
  aliases: Aliases,
  findings: Finding[],
): readonly BgpCommunity[] {
  const meant = new Map<string, BgpCommunity>();
  for (const [text, path] of value.communities) {
    const alias = aliases.get(text);
    const parsed = alias === undefined ? parseCommunity(text) : { ok: true as const, community: alias };
    if (parsed.ok) meant.set(formatCommunity(parsed.community), parsed.community);
    else if (text.includes(':')) new Report(origin, findings).add('LB217', path, text, parsed.why);
    else {
      const what = 'is no community, and no Community gives one this name: create one, or write 65000:100';
      new Report(origin, findings).add('LB216', path, text, what);
    }
  }
  return [...meant.values()].toSorted(compareCommunities);
}
