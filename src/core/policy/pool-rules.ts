/**
 * Rules for configuration objects: the world with the change in it must not have faults that the world without it does
 * not have. What was wrong already is the same fault before and after, so mending one of two faults is never refused.
 */
import type { Finding } from '../../api/findings.ts';
import { gateLevelOf } from '../../api/findings.ts';
import { CONFIG_MAPS } from '../../api/kubernetes.ts';
import type { ObjectRef } from '../../api/meta.ts';
import { LEGACY_CONFIG_MAP } from '../../api/metallb.ts';
import type { ConfigInput, LoadedConfig } from '../config/load.ts';
import { isFault, sameRanges } from '../config/load.ts';
import type { Snapshot } from '../config/snapshot.ts';
import { isWorldChange, loadAfter, loadBefore, refOf } from './changed-world.ts';
import type { Change, ConfigMapChange, ConfigurationChange, Facts, Remark } from './facts.ts';

/** What the configuration would have wrong with it that it has not now. */
export function judgeConfiguration(facts: Facts, change: Change): readonly Remark[] {
  if (!isWorldChange(change) || change.kind === 'Namespace') return [];
  if (change.kind === 'ConfigMap' && !isLegacyConfig(facts.configInput, change)) return [];

  const after = loadAfter(facts.configInput, change);
  const added = addedTo(findingsBefore(facts, change), after.findings);
  const own = added.filter((finding) => isAbout(finding, change));
  // What this change causes may be written on another object: the second pool of one name, or a ConfigMap set aside.
  const caused = own.some(isFault) ? [] : added.filter((finding) => !isAbout(finding, change));
  const level = (finding: Finding): Remark['level'] => {
    const level = levelOf(finding, facts, isSetAside(finding) && dropsLegacyPools(facts.snapshot, after));
    // What is not there cannot have faults: those of others are theirs, and whoever cleans up is only told.
    return change.object === undefined && level === 'deny' ? 'warn' : level;
  };
  return [...own, ...caused.map(named)].map((finding) => ({ finding, level: level(finding) }));
}

/**
 * A ConfigMap that is set aside takes its pools with it. Where they are in force that would strand their Services, so it is
 * refused to whoever causes it; a ConfigMap left over from MetalLB, never in force here, is only mentioned.
 */
function dropsLegacyPools(inForce: Snapshot, after: LoadedConfig): boolean {
  const pools = [...inForce.pools.values()].filter(({ source }) => source.kind === CONFIG_MAPS.kind);
  return pools.some((pool) => {
    const then = after.snapshot?.pools.get(pool.name);
    return then === undefined || !sameRanges(then, pool);
  });
}

function isSetAside({ code }: Finding): boolean {
  return code === 'LB213';
}

function levelOf(finding: Finding, facts: Facts, stranding: boolean): Remark['level'] {
  const level = stranding ? 'deny' : gateLevelOf(finding.code);
  // What has not been listed yet may be what would make it right.
  return level === 'deny' && !facts.listed ? 'warn' : level;
}

function isLegacyConfig(input: ConfigInput, change: ConfigMapChange): boolean {
  return change.namespace === input.namespace && change.name === LEGACY_CONFIG_MAP;
}

/** Findings of the stored world; with the old object as the API server sends it, which a store may not have seen yet. */
function findingsBefore(facts: Facts, change: ConfigurationChange): readonly Finding[] {
  if (change.kind === 'ConfigMap' || change.oldObject === undefined) return facts.configFindings;
  return loadBefore(facts.configInput, change).findings;
}

function isAbout({ object }: Finding, change: ConfigurationChange): boolean {
  const { namespace, name } = refOf(change);
  return object.kind === change.kind && object.namespace === namespace && object.name === name;
}

function named(finding: Finding): Finding {
  return { ...finding, message: `${describe(finding.object)}: ${finding.message}` };
}

function describe({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

/** What is said after and was not before. Mostly it is the same objects that are said, however many. */
function addedTo(before: readonly Finding[], after: readonly Finding[]): readonly Finding[] {
  const said = new Set(before);
  const others = after.filter((finding) => !said.has(finding));
  if (others.length === 0) return others;
  const names = new Set(others.map(({ object }) => object.name));
  const known = new Set(before.filter(({ object }) => names.has(object.name)).map(identityOf));
  return others.filter((finding) => !known.has(identityOf(finding)));
}

/** The same fault of the same object, wherever in a list the value stands now. */
function identityOf({ code, object, path, value }: Finding): string {
  return JSON.stringify([
    code,
    object.kind,
    object.namespace,
    object.name,
    path.replaceAll(/\[\d+\]/g, ''),
    value,
  ]);
}
