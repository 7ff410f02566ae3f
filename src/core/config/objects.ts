/**
 * Objects of one kind, each read once: what an object says and what is wrong with it by itself do not depend on any other,
 * so they are remembered for as long as the object lives. Whoever changes one pool of a thousand pays for one.
 */
import type { Finding } from '../../api/findings.ts';
import type { ObjectRef } from '../../api/meta.ts';
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

/** Reads all objects of a kind that are to be in `namespace`; what has no name or is elsewhere is reported, and read all the same. */
export type ReadAll<T> = (objects: readonly unknown[], namespace: string) => readonly Read<T>[];

export function reader<T>(kind: string, read: ReadFields<T>): ReadAll<T> {
  const readOne = (object: unknown, namespace: string): Read<T> => {
    const fields = isFields(object) ? object : {};
    return readAs(originOf(refOf(kind, fields, namespace)), fields, (_, report) => {
      checkPlace(fields, namespace, report);
      return read(fields, report);
    });
  };
  const known = remember<object, Map<string, Read<T>>>(() => new Map());
  return (objects, namespace) =>
    objects.map((object) => {
      if (typeof object !== 'object' || object === null) return readOne(object, namespace);
      const byNamespace = known(object);
      const before = byNamespace.get(namespace);
      if (before !== undefined) return before;
      const now = readOne(object, namespace);
      byNamespace.set(namespace, now);
      return now;
    });
}

export function keyOf({ namespace = '', name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

/** Adds what is wrong with each object by itself. */
export function tell(reads: readonly Read<unknown>[], findings: Finding[]): void {
  for (const read of reads) findings.push(...read.findings);
}

/** By code unit, as Go compares, so the order does not depend on anybody's locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function compareSources(a: { readonly source: ObjectRef }, b: { readonly source: ObjectRef }): number {
  return compareText(keyOf(a.source), keyOf(b.source));
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
