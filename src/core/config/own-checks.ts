/**
 * What the kinds of cleat.dev say beside the pools and beside each other. None of it is a fault: a pool may be about to be made, and
 * a policy about to be changed. So it is only told, to whoever changes something about it and wherever findings are.
 */
import type { Finding } from '../../api/findings.ts';
import type { AddressRange } from '../net/address.ts';
import { rangesOverlap } from '../net/range.ts';
import type { PolicyDraft, ResolvedPolicy } from './address-policy.ts';
import type { RangeEntry, ReservationDraft } from './address-reservation.ts';
import type { Read } from './objects.ts';
import { compareText } from './objects.ts';
import { rememberForList } from './remember.ts';
import { Report } from './report.ts';
import type { Pool } from './snapshot.ts';

type Pools = ReadonlyMap<string, Pool>;

/** Where an entry was found last: pools seldom change, so it is mostly still there. */
const lastSeen = new WeakMap<RangeEntry, Pool>();

export interface BesidePools {
  readonly reservations: readonly Read<ReservationDraft>[];
  readonly policies: readonly Read<PolicyDraft>[];
}

/** LB235 and LB237. */
export function findingsBesidePools(
  { reservations, policies }: BesidePools,
  pools: Pools,
): readonly Finding[] {
  const findings: Finding[] = [];
  checkReserved(reservations, pools, findings);
  checkPoolNames(policies, pools, findings);
  return findings;
}

/** LB237: entries without a single address of a pool. */
function checkReserved(reads: readonly Read<ReservationDraft>[], pools: Pools, findings: Finding[]): void {
  for (const { value, origin } of reads)
    for (const entry of value.entries) {
      if (isInPool(entry, pools)) continue;
      const what = 'is in no pool, so it keeps nothing yet: correct it, or add it to a pool';
      new Report(origin, findings).add('LB237', entry.path, entry.text, what);
    }
}

function isInPool(entry: RangeEntry, pools: Pools): boolean {
  const known = lastSeen.get(entry);
  if (known !== undefined && pools.get(known.name) === known) return true;
  const found = [...pools.values()].find((pool) => hasSomeOf(pool, entry.range));
  if (found !== undefined) lastSeen.set(entry, found);
  return found !== undefined;
}

function hasSomeOf({ ranges }: Pool, range: AddressRange): boolean {
  return ranges.some((own) => rangesOverlap(own, range));
}

/** LB235: names of pools that there are none of, each once. */
function checkPoolNames(reads: readonly Read<PolicyDraft>[], pools: Pools, findings: Finding[]): void {
  for (const { value, origin } of reads)
    for (const [pool, path] of value.poolNames)
      if (!pools.has(pool))
        new Report(origin, findings).add(
          'LB235',
          path,
          pool,
          'is no pool: create it, or name one that exists',
        );
}

/** Policies that meet in some namespaces. */
interface Meeting {
  readonly policies: readonly ResolvedPolicy[];
  /** Absent: every namespace. */
  readonly namespaces?: readonly string[];
}

interface Clash {
  readonly about: ResolvedPolicy;
  readonly path: 'spec.pools' | 'spec.defaultPool';
  /** The policies it does not fit, and what is wrong with it beside them. */
  readonly besides: readonly ResolvedPolicy[];
}

/** LB236: policies that leave a namespace no pool together, or no use for its default pool. `all` are in the order of their names. */
export const findingsOfMeetings = rememberForList((all: readonly ResolvedPolicy[]): readonly Finding[] => {
  const findings: Finding[] = [];
  const clashes = new Map<string, { readonly clash: Clash; readonly where: string[] | undefined }>();
  for (const { policies, namespaces } of meetings(all)) {
    const clash = clashOf(policies);
    if (clash === undefined) continue;
    const name = JSON.stringify([clash.about.policy.source.name, clash.path]);
    const known = clashes.get(name);
    if (known === undefined) clashes.set(name, { clash, where: namespaces && [...namespaces] });
    else known.where?.push(...(namespaces ?? []));
  }
  for (const { clash, where } of clashes.values()) tellClash(clash, where, findings);
  return findings;
});

/** Those for every namespace first. */
function meetings(all: readonly ResolvedPolicy[]): readonly Meeting[] {
  const telling = all.filter(({ policy }) => policy.pools !== undefined || policy.defaultPool !== undefined);
  if (telling.length < 2) return [];
  const everywhere = telling.filter(({ policy }) => policy.namespaces === undefined);
  const named = new Map<string, ResolvedPolicy[]>();
  for (const each of telling)
    for (const namespace of each.policy.namespaces ?? []) {
      const known = named.get(namespace);
      if (known === undefined) named.set(namespace, [each]);
      else known.push(each);
    }
  // Mostly the same few policies meet in many namespaces.
  const places = new Map(all.map(({ policy }, index) => [policy, index]));
  // In the order of names, whatever the order in which they were chosen.
  const inOrder = [...named].toSorted(([a], [b]) => compareText(a, b));
  const together = Map.groupBy(inOrder, ([, own]) => own.map(({ policy }) => places.get(policy)).join());
  return [
    { policies: everywhere },
    ...[...together.values()].map((group) => ({
      policies: telling.filter((each) => everywhere.includes(each) || group[0]?.[1].includes(each) === true),
      namespaces: group.map(([namespace]) => namespace),
    })),
  ];
}

function clashOf(policies: readonly ResolvedPolicy[]): Clash | undefined {
  let allowed: readonly string[] | undefined;
  const before: ResolvedPolicy[] = [];
  for (const each of policies) {
    const { pools } = each.policy;
    if (pools === undefined) continue;
    allowed = (allowed ?? [...pools]).filter((pool) => pools.has(pool));
    if (allowed.length === 0) return { about: each, path: 'spec.pools', besides: before };
    before.push(each);
  }
  const giver = policies.find(({ policy }) => policy.defaultPool !== undefined);
  const given = giver?.policy.defaultPool;
  if (giver === undefined || given === undefined || allowed?.includes(given) !== false) return undefined;
  const besides = policies.filter(({ policy }) => policy.pools?.has(given) === false).slice(0, 1);
  return { about: giver, path: 'spec.defaultPool', besides };
}

function tellClash(
  { about, path, besides }: Clash,
  where: readonly string[] | undefined,
  findings: Finding[],
): void {
  const { origin, policy } = about;
  const others = besides.map((each) => each.policy.source.name).join(', ');
  const [first = '', ...more] = where ?? [];
  const counted = more.length === 0 ? '' : ` and ${more.length} more`;
  const place = where === undefined ? 'every namespace' : `namespace ${first}${counted}`;
  const [value, what] =
    path === 'spec.pools'
      ? [
          [...(policy.pools ?? [])],
          `leaves ${place} no pool beside AddressPolicy ${others}: allow one in all`,
        ]
      : [
          policy.defaultPool,
          `is shut to ${place} by AddressPolicy ${others}: allow it there, or name another`,
        ];
  new Report(origin, findings).add('LB236', path, value, what);
}
