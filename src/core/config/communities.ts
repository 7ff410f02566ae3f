/** Community objects: names for communities, over all objects together (MetalLB internal/config/config.go, communitiesFromCrs). */
import type { Finding } from '../../api/findings.ts';
import type { BgpCommunity } from './community.ts';
import { formatCommunity, parseCommunity } from './community.ts';
import type { Read } from './objects.ts';
import { keyOf } from './objects.ts';
import type { Fields } from './read.ts';
import { isFields, readFields, readList, readString } from './read.ts';
import type { Report as ReportOfObject } from './report.ts';
import { Report } from './report.ts';

export interface CommunityAlias {
  readonly name: string;
  readonly community: BgpCommunity;
  /** Where the name and the value stand. */
  readonly namePath: string;
  readonly valuePath: string;
}

/** What each name stands for. */
export type Aliases = ReadonlyMap<string, BgpCommunity>;

export function readCommunity(object: Fields, report: ReportOfObject): readonly CommunityAlias[] {
  const spec = readFields(object['spec'], 'spec', report);
  return readList(spec['communities'], 'spec.communities', report, (entry, path) =>
    readAlias(entry, path, report),
  );
}

function readAlias(value: unknown, path: string, report: ReportOfObject): CommunityAlias | undefined {
  if (!isFields(value)) {
    report.malformed(path, value ?? undefined, 'an object with name and value');
    return undefined;
  }
  const [namePath, valuePath] = [`${path}.name`, `${path}.value`];
  const name = readString(value['name'] ?? undefined, namePath, report);
  const text = readString(value['value'] ?? undefined, valuePath, report);
  if (name === undefined || text === undefined) return undefined;
  const parsed = parseCommunity(text);
  if (!parsed.ok) {
    report.add('LB217', valuePath, text, parsed.why);
    return undefined;
  }
  if (parseCommunity(name).ok) {
    const what = `is a community itself, and stands for ${formatCommunity(parsed.community)} wherever it is written`;
    report.add('LB225', namePath, name, what);
  }
  return { name, community: parsed.community, namePath, valuePath };
}

/**
 * The names of all objects. A name that is there twice is a fault; where a ConfigMap gives one the value an object gives it
 * too it is left over.
 */
export function joinAliases(reads: readonly Read<readonly CommunityAlias[]>[], findings: Finding[]): Aliases {
  const known = new Map<string, { community: BgpCommunity; origin: Report['origin'] }>();
  for (const { origin, value } of reads) {
    for (const { name, community, namePath } of value) {
      const earlier = known.get(name);
      if (earlier === undefined) {
        known.set(name, { community, origin });
        continue;
      }
      const { kind } = earlier.origin.object;
      const report = new Report(origin, findings);
      const isLeftOver =
        kind !== origin.object.kind && formatCommunity(community) === formatCommunity(earlier.community);
      if (isLeftOver)
        report.add(
          'LB213',
          namePath,
          name,
          `is in a ${kind} too, which counts: delete it from the ConfigMap`,
        );
      else
        report.add(
          'LB205',
          namePath,
          name,
          `is given in ${kind} ${keyOf(earlier.origin.object)} too: remove one`,
        );
    }
  }
  return new Map([...known].map(([name, { community }]) => [name, community]));
}
