/**
 * gitops/ are the offline doors: manifests in files, judged without a cluster by the rules of core/policy, with the codes and
 * sentences the webhook has. It only reads; nothing in it speaks to an API server.
 *
 * This file finds the objects in texts and says where in them a field stands.
 */
import type { KubeObject } from '../api/meta.ts';
import { LEGACY_CONFIG_KEY } from '../api/metallb.ts';
import type { YamlDocument, YamlPath, YamlPlace } from '../platform/yaml.ts';
import { lineOfPath, parseYamlDocuments } from '../platform/yaml.ts';

export interface ManifestText {
  /** What messages call it. */
  readonly file: string;
  readonly text: string;
}

/** An object as it stands in its file. */
export interface Manifest {
  readonly object: KubeObject;
  readonly file: string;
  readonly document: YamlDocument;
  /** Where in the document the object begins: not at its top where it is an item of a List. */
  readonly within: YamlPath;
}

/** Why a text could not be read. */
export interface Unreadable {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** Every object of every text; a List is its items. What is no Kubernetes object, such as values of a chart, is passed over. */
export function readManifests(texts: readonly ManifestText[]): {
  readonly manifests: readonly Manifest[];
  readonly unreadable: readonly Unreadable[];
} {
  const manifests: Manifest[] = [];
  const unreadable: Unreadable[] = [];
  for (const { file, text } of texts) {
    const { documents, faults } = parseYamlDocuments(text);
    unreadable.push(...faults.map(({ line, why }) => ({ file, line, message: `is not YAML: ${why}` })));
    for (const document of documents)
      manifests.push(...manifestsIn(document.value, { file, document, within: [] }));
  }
  return { manifests, unreadable };
}

function manifestsIn(value: unknown, place: Omit<Manifest, 'object'>): readonly Manifest[] {
  if (!isFields(value) || typeof value['kind'] !== 'string') return [];
  const { items } = value;
  if (value['kind'].endsWith('List') && Array.isArray(items)) {
    return items.flatMap((item, index) =>
      manifestsIn(item, { ...place, within: [...place.within, 'items', index] }),
    );
  }
  return isFields(value['metadata']) ? [{ ...place, object: value as unknown as KubeObject }] : [];
}

/** Where a field, written as kubectl writes its path, stands in the file; the nearest thing around it where it is missing. */
export function placeOf({ object, document, within }: Manifest, path: string): YamlPlace {
  const steps = stepsOf(path);
  const [first, second, ...inside] = steps;
  const config = (object as { data?: Record<string, unknown> }).data?.[LEGACY_CONFIG_KEY];
  if (first !== 'data' || second !== LEGACY_CONFIG_KEY || typeof config !== 'string')
    return document.place([...within, ...steps]);
  // The configuration is a text of its own in the ConfigMap.
  return document.place([...within, first, second], lineOfPath(config, inside));
}

/** `spec.addresses[0]`, `metadata.annotations[metallb.io/loadBalancerIPs]` as keys and indexes. */
function stepsOf(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|\[([^\]]*)\]|([^.[\]]+)/g)].map(([, index, key, name]) =>
    index === undefined ? (key ?? name ?? '') : Number(index),
  );
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
