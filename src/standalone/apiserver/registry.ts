/** The resources that are served right now. Built-in ones are added at start, custom ones come and go with their CRDs. */
import type { Definition } from './definition.ts';

export class Registry {
  readonly #definitions = new Map<string, Definition>();

  /** Serves a definition; takes the place of one at the same group, version and plural. */
  add(definition: Definition): void {
    const { group, version, plural } = definition.resource;
    this.#definitions.set(`${group}/${version}/${plural}`, definition);
  }

  /** Stops serving every version of a resource. */
  removeResource(group: string, plural: string): void {
    for (const [key, { resource }] of this.#definitions) {
      if (resource.group === group && resource.plural === plural) this.#definitions.delete(key);
    }
  }

  find(group: string, version: string, plural: string): Definition | undefined {
    return this.#definitions.get(`${group}/${version}/${plural}`);
  }

  /** In the order they were added. */
  all(): Definition[] {
    return [...this.#definitions.values()];
  }

  /** One definition of each resource, whatever number of versions it is served in. */
  resources(): Definition[] {
    const byResource = new Map<string, Definition>();
    for (const definition of this.#definitions.values()) {
      const key = `${definition.resource.group}/${definition.resource.plural}`;
      if (!byResource.has(key)) byResource.set(key, definition);
    }
    return [...byResource.values()];
  }

  /** The served versions of a group, in order of preference (see compareVersions). */
  versions(group: string): string[] {
    const versions = new Set(
      this.all()
        .filter(({ resource }) => resource.group === group)
        .map(({ resource }) => resource.version),
    );
    return [...versions].sort(compareVersions);
  }

  /** Groups other than core, in the order their first resource was added. */
  groups(): string[] {
    return [...new Set(this.all().map(({ resource }) => resource.group))].filter((group) => group !== '');
  }

  /** Every group and version, core first. */
  groupVersions(): { group: string; version: string }[] {
    return ['', ...this.groups()].flatMap((group) =>
      this.versions(group).map((version) => ({ group, version })),
    );
  }

  at(group: string, version: string): Definition[] {
    return this.all().filter(({ resource }) => resource.group === group && resource.version === version);
  }
}

const VERSION = /^v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?$/;

/** Kubernetes' order of preference: v10, v2, v1, v2beta1, v1alpha1, then anything else by name. */
export function compareVersions(a: string, b: string): number {
  const left = versionRank(a);
  const right = versionRank(b);
  for (const [index, rank] of left.entries()) {
    const difference = (right[index] ?? 0) - rank;
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function versionRank(version: string): number[] {
  const match = VERSION.exec(version);
  if (match === null) return [0, 0, 0];
  const stability = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1;
  return [stability, Number(match[1]), Number(match[3] ?? 0)];
}
