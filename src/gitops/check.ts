/** A set of manifests judged: what there is to say, where, and whether a cluster would refuse any of it. */
import { createHash } from 'node:crypto';
import type { FindingCode, Level } from '../api/findings.ts';
import { FINDINGS, formatFinding } from '../api/findings.ts';
import type { ConfigMap } from '../api/kubernetes.ts';
import { CONFIG_MAPS } from '../api/kubernetes.ts';
import { LEGACY_CONFIG_KEY } from '../api/metallb.ts';
import type { BgpType } from '../core/config/bgp-type.ts';
import { remember } from '../core/config/remember.ts';
import type { SetOptions } from '../core/policy/judge-set.ts';
import { judgeSet } from '../core/policy/judge-set.ts';
import { parseTextualYaml } from '../platform/yaml.ts';
import type { ManifestText, Unreadable } from './manifests.ts';
import { placeOf, readManifests } from './manifests.ts';

export interface CheckOptions {
  readonly namespace: string;
  readonly enforce: Level;
  readonly lbClass?: string;
  readonly bgpType: BgpType;
  /** The time, for what expires; absent: nothing has. */
  readonly nowMs?: number;
}

export interface CheckFinding {
  readonly code: FindingCode;
  readonly reason: string;
  readonly level: Level;
  readonly object: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
  };
  /** As kubectl writes it. */
  readonly path: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The sentence without the code. */
  readonly message: string;
  /** What could be written instead. */
  readonly suggestion?: string;
}

/** What `cleat check -o json` prints. */
export interface CheckReport {
  readonly findings: readonly CheckFinding[];
  readonly unreadable: readonly Unreadable[];
  readonly summary: {
    /** All that were read, judged or not. */
    readonly objects: number;
    readonly deny: number;
    readonly warn: number;
    readonly audit: number;
    readonly unreadable: number;
  };
}

export function checkManifests(texts: readonly ManifestText[], options: CheckOptions): CheckReport {
  const { manifests, unreadable } = readManifests(texts);
  const manifestOf = new Map(manifests.map((manifest) => [manifest.object, manifest]));
  const judged = judgeSet([...manifestOf.keys()], setOptions(options));
  const findings = judged.flatMap(({ finding, level, object }): CheckFinding[] => {
    const manifest = object && manifestOf.get(object);
    if (manifest === undefined) return [];
    const { code, path, message, suggestion } = finding;
    return [
      {
        code,
        reason: FINDINGS[code].reason,
        level,
        object: { apiVersion: manifest.object.apiVersion ?? '', ...finding.object },
        path,
        file: manifest.file,
        ...placeOf(manifest, path),
        message,
        ...(suggestion !== undefined && { suggestion }),
      },
    ];
  });
  const count = (wanted: Level): number => findings.filter(({ level }) => level === wanted).length;
  const summary = {
    objects: manifests.length,
    deny: count('deny'),
    warn: count('warn'),
    audit: count('audit'),
    unreadable: unreadable.length,
  };
  return { findings, unreadable, summary };
}

/** 0 nothing would be refused, 1 something would, 2 not everything could be read. */
export function exitCodeOf({ summary }: CheckReport): 0 | 1 | 2 {
  if (summary.unreadable > 0) return 2;
  return summary.deny > 0 ? 1 : 0;
}

/** `site/web.yaml:7:19: deny: Service default/web: LB101 spec.loadBalancerIP …`, a line each, and a summary. */
export function formatReport({ findings, unreadable, summary }: CheckReport): string {
  const said = findings.map(({ file, line, column, level, object, ...finding }) => {
    const { kind, namespace, name } = object;
    const named = `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
    return `${file}:${line}:${column}: ${level}: ${named}: ${formatFinding({ ...finding, object })}`;
  });
  const faults = unreadable.map(({ file, line, message }) => `${file}:${line}: ${message}`);
  const counted = `objects: ${summary.objects}, refused: ${summary.deny}, warnings: ${summary.warn}`;
  return [...faults, ...said, counted, ''].join('\n');
}

export function setOptions({ namespace, enforce, lbClass, bgpType, nowMs }: CheckOptions): SetOptions {
  const source = { kind: CONFIG_MAPS.kind, namespace, name: '' };
  return {
    namespace,
    defaultLevel: enforce,
    bgpType,
    ...(lbClass !== undefined && { loadBalancerClass: lbClass }),
    ...(nowMs !== undefined && { nowMs }),
    sha256: (text) => createHash('sha256').update(text).digest(),
    readLegacy: remember(({ metadata, data }: ConfigMap) => {
      const text = data?.[LEGACY_CONFIG_KEY];
      if (text === undefined) return undefined;
      const parsed = parseTextualYaml(text);
      const named = { ...source, name: metadata.name ?? '' };
      return parsed.ok ? { source: named, document: parsed.value } : { source: named, malformed: parsed.why };
    }),
  };
}
