/**
 * Two objects of a kind cannot share a name. A part of the ConfigMap that was since made into an object that says the same is
 * merely left over (MetalLB 0.13 and later never read it again): the object counts, with a warning.
 */
import type { Finding } from '../../api/findings.ts';
import type { Read } from './objects.ts';
import { compareText, keyOf } from './objects.ts';
import { Report } from './report.ts';

/** One of each name, in the order of names; of equals the first, objects before the ConfigMap. */
export function keepOneOfEachName<T extends { readonly name: string }>(
  what: string,
  fromObjects: readonly Read<T>[],
  fromLegacy: readonly Read<T>[],
  same: (a: T, b: T) => boolean,
  findings: Finding[],
): readonly Read<T>[] {
  // Sorting keeps the order of equals, so they are neighbours, and mostly there is nothing to sort.
  const sorted = [...fromObjects, ...fromLegacy].sort((a, b) => compareText(a.value.name, b.value.name));
  let earlier: Read<T> | undefined;
  return sorted.filter((read) => {
    if (earlier?.value.name !== read.value.name) {
      earlier = read;
      return true;
    }
    const { name } = read.value;
    const { object } = earlier.origin;
    const report = new Report(read.origin, findings);
    if (object.kind !== read.origin.object.kind && same(earlier.value, read.value)) {
      const article = object.kind.startsWith('I') ? 'an' : 'a';
      const which = `is ${article} ${object.kind} too, which counts: delete it from the ConfigMap`;
      report.add('LB213', 'metadata.name', name, which);
    } else if (name !== '') {
      const whose = `is also the name of a ${what} in ${object.kind} ${keyOf(object)}: rename one`;
      report.add('LB205', 'metadata.name', name, whose);
    }
    return false;
  });
}
