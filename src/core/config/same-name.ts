/**
 * Two objects of a kind cannot share a name. A part of the ConfigMap that was since made into an object that says the same is
 * merely left over (MetalLB 0.13 and later never read it again): the object counts, with a warning.
 */
import type { Finding } from '../../api/findings.ts';
import type { Read } from './objects.ts';
import { keyOf } from './objects.ts';
import { Report } from './report.ts';

export function keepOneOfEachName<T extends { readonly name: string }>(
  what: string,
  fromObjects: readonly Read<T>[],
  fromLegacy: readonly Read<T>[],
  same: (a: T, b: T) => boolean,
  findings: Finding[],
): Map<string, Read<T>> {
  const kept = new Map<string, Read<T>>();
  for (const read of fromObjects) keep(read);
  for (const read of fromLegacy) keep(read);
  return kept;

  function keep(read: Read<T>): void {
    const { name } = read.value;
    const earlier = kept.get(name);
    if (earlier === undefined || name === '') {
      kept.set(name, read);
      return;
    }
    const { object } = earlier.origin;
    const report = new Report(read.origin, findings);
    if (object.kind !== read.origin.object.kind && same(earlier.value, read.value)) {
      const article = object.kind.startsWith('I') ? 'an' : 'a';
      const which = `is ${article} ${object.kind} too, which counts: delete it from the ConfigMap`;
      report.add('LB213', 'metadata.name', name, which);
    } else {
      const whose = `is also the name of a ${what} in ${object.kind} ${keyOf(object)}: rename one`;
      report.add('LB205', 'metadata.name', name, whose);
    }
  }
}
