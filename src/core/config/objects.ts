/**
 * Objects of one kind, each read once: what an object says and what is wrong with it by itself do not depend on any other,
 * so they are remembered for as long as the object lives. Whoever changes one pool of a thousand pays for one.
 */
import type { Finding } from '../../api/findings.ts';
import type { ObjectRef } from '../../api/meta.ts';
import type { Made } from './made.ts';
import { makeEach } from './made.ts';
import type { Fields } from './read.ts';
import { isFields } from './read.ts';
import { remember } from './remember.ts';
import type { Origin } from './report.ts';
import { Report, originOf } from './report.ts';

/** One object, or one part of the legacy ConfigMap that stands for one. */
export interface Read<T> {
  readonly origin: Origin;
  readonly value: T;
  /** What is wrong with it by itself. */
  readonly findings: readonly Finding[];
}

/** Reads the fields of an object; everything wrong with them goes to the report. */
export type ReadFields<T> = (object: Fields, report: Report) => T;

export function readAs<T>(origin: Origin, object: Fields, read: ReadFields<T>): Read<T> {
  const findings: Finding[] = [];
  return { origin, value: read(object, new Report(origin, findings)), findings };
}

/**
 * Reads all objects of a kind that are to be in `namespace`; what has no name or is elsewhere is reported, and read all the
 * same. `before` is what was read in the same namespace before.
 */
export type ReadAll<T> = (
  objects: readonly unknown[],
  namespace: string,
  before?: Made<unknown, Read<T>>,
) => Made<unknown, Read<T>>;

export function reader<T>(kind: string, read: ReadFields<T>): ReadAll<T> {
  const readIn = (object: unknown, namespace: string): Read<T> => {
    const fields = isFields(object) ? object : {};
    return readAs(originOf(refOf(kind, fields, namespace)), fields, (_, report) => {
      checkPlace(fields, namespace, report);
      return read(fields, report);
    });
  };
  const known = new Map<string, (object: unknown) => Read<T>>();
  const readerIn = (namespace: string): ((object: unknown) => Read<T>) => {
    const remembered = remember((object: object) => readIn(object, namespace));
    return (object) =>
      typeof object === 'object' && object !== null ? remembered(object) : readIn(object, namespace);
  };
  return (objects, namespace, before) => {
    const readOne = known.get(namespace) ?? readerIn(namespace);
    known.set(namespace, readOne);
    return makeEach(objects, readOne, before);
  };
}

export function keyOf({ namespace = '', name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

/** Adds what is wrong with each object by itself. */
export function tell(reads: readonly Pick<Read<unknown>, 'findings'>[], findings: Finding[]): void {
  for (const read of reads) if (read.findings.length > 0) findings.push(...read.findings);
}

/** The same of all that were read, where `told` is what was said of those before them. */
export function toldOf(
  { to, gone, come }: Pick<Made<unknown, Pick<Read<unknown>, 'findings'>>, 'to' | 'gone' | 'come'>,
  told: readonly Finding[] | undefined,
): readonly Finding[] {
  const isSilent = ({ findings }: Pick<Read<unknown>, 'findings'>): boolean => findings.length === 0;
  if (told !== undefined && gone.every(isSilent) && come.every(isSilent)) return told;
  const findings: Finding[] = [];
  tell(to, findings);
  return findings;
}

/** By code unit, as Go compares, so the order does not depend on anybody's locale. */
export function compareText(a: string, b: string): number {
  if (a < b) return -1;
  return a === b ? 0 : 1;
}

export function compareSources(
  { source: a }: { readonly source: ObjectRef },
  { source: b }: { readonly source: ObjectRef },
): number {
  return compareText(a.namespace ?? '', b.namespace ?? '') || compareText(a.name, b.name);
}

function refOf(kind: string, fields: Fields, namespace: string): ObjectRef {
  const metadata = isFields(fields['metadata']) ? fields['metadata'] : {};
  const name = typeof metadata['name'] === 'string' ? metadata['name'] : '';
  // Offline, before kubectl or a kustomization adds it, an object may have no namespace yet.
  const own = typeof metadata['namespace'] === 'string' ? metadata['namespace'] : namespace;
  return { kind, namespace: own, name };
}

function checkPlace(fields: Fields, namespace: string, report: Report): void {
  const { name, namespace: own } = report.origin.object;
  const metadata = isFields(fields['metadata']) ? fields['metadata'] : {};
  if (name === '') report.malformed('metadata.name', metadata['name'], 'a name');
  if (own === namespace) return;
  const what = `is not ${namespace}, where configuration is read: create it there`;
  report.add('LB207', 'metadata.namespace', own, what);
}
