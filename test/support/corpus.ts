/**
 * The golden corpus: an input for every finding there is. `LB101.yaml` is a set of manifests that `cleat check` finds it in, with
 * the flags its first line names. A folder is a change: what is stored, and the object that is written or deleted.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { AddressPolicy, AddressReservation, PolicyException } from '../../src/api/cleat.ts';
import type { Finding, FindingCode } from '../../src/api/findings.ts';
import type { Namespace, Service } from '../../src/api/kubernetes.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { IPAddressPool, L2Advertisement } from '../../src/api/metallb.ts';
import type { BgpType } from '../../src/core/config/bgp-type.ts';
import type { Change } from '../../src/core/policy/facts.ts';
import { verdict } from '../../src/core/policy/verdict.ts';
import type { CheckFinding } from '../../src/gitops/check.ts';
import { checkManifests } from '../../src/gitops/check.ts';
import { readManifests } from '../../src/gitops/manifests.ts';
import { factsOf } from './policy.ts';

const folder = path.resolve(import.meta.dirname, '../corpus');
const NOW_MS = Date.parse('2026-11-01T00:00:00Z');

export interface CorpusCase {
  readonly code: FindingCode;
  /** Everything found, sentence and all. */
  readonly findings: readonly (Finding & Pick<Partial<CheckFinding>, 'level'>)[];
}

export function corpus(): readonly CorpusCase[] {
  return globSync('LB*', { cwd: folder })
    .toSorted()
    .map((name) => {
      const code = name.replace(/\.yaml$/, '') as FindingCode;
      return { code, findings: name.endsWith('.yaml') ? findingsOfSet(name) : findingsOfChange(name) };
    });
}

/** The sentence of a finding, with its code, as its case of the corpus has it. */
export function corpusSentences(): ReadonlyMap<FindingCode, string> {
  return new Map(
    corpus().map(({ code, findings }) => {
      const found = findings.find((finding) => finding.code === code);
      if (found === undefined) throw new Error(`test/corpus/${code} has no finding ${code}`);
      return [code, `${code} ${found.message}`];
    }),
  );
}

/** What `cleat check` is given. */
export function readCorpus(name: string): { readonly text: string; readonly bgpType: BgpType } {
  const text = readFileSync(path.join(folder, name), 'utf8');
  const [, bgpType = 'native'] = /^# cleat check --bgp-type (\S+)$/m.exec(text) ?? [];
  return { text, bgpType: bgpType as BgpType };
}

function findingsOfSet(name: string): readonly CheckFinding[] {
  const { text, bgpType } = readCorpus(name);
  const options = { namespace: 'metallb-system', enforce: 'deny', bgpType, nowMs: NOW_MS } as const;
  return checkManifests([{ file: name, text }], options).findings;
}

function findingsOfChange(name: string): readonly Finding[] {
  const objectsIn = (file: string): readonly KubeObject[] =>
    readManifests([{ file, text: readCorpus(`${name}/${file}`).text }]).manifests.map(({ object }) => object);
  const stored = objectsIn('stored.yaml');
  const isDeletion = globSync(`${name}/deletion.yaml`, { cwd: folder }).length > 0;
  const [object] = objectsIn(isDeletion ? 'deletion.yaml' : 'change.yaml');
  if (object === undefined) throw new Error(`test/corpus/${name} changes nothing`);
  const { kind = '', metadata } = object;
  const own = metadata.namespace ?? metadata.name ?? '';
  const oldObject = stored.find(
    (each) =>
      each.kind === kind &&
      each.metadata.name === metadata.name &&
      each.metadata.namespace === metadata.namespace,
  );
  const change = {
    kind,
    operation: isDeletion ? 'DELETE' : oldObject === undefined ? 'CREATE' : 'UPDATE',
    namespace: own,
    name: metadata.name,
    ...(!isDeletion && { object }),
    ...(oldObject && { oldObject }),
    dryRun: false,
    user: 'jane',
  } as Change;
  const of = <T extends KubeObject>(wanted: string): T[] =>
    stored.filter((each) => each.kind === wanted) as T[];
  const facts = factsOf({
    pools: of<IPAddressPool>('IPAddressPool'),
    l2Advertisements: of<L2Advertisement>('L2Advertisement'),
    namespaces: of<Namespace>('Namespace'),
    reservations: of<AddressReservation>('AddressReservation'),
    policies: of<AddressPolicy>('AddressPolicy'),
    exceptions: of<PolicyException>('PolicyException'),
    services: of<Service>('Service'),
    // A world in which nothing is stored is one that has not been listed yet.
    facts: { loaded: stored.length > 0 },
  });
  return verdict(facts, change).findings;
}
