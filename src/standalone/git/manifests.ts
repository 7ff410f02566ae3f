/**
 * Files of one commit to objects that can be applied, or faults that name file, line, object and remedy. One fault anywhere
 * means that nothing of the commit is applied, so every fault is reported, not only the first.
 */
import type { KubeObject, Resource } from '../../api/meta.ts';
import { parseYamlDocuments } from '../../platform/yaml.ts';

export interface ManifestFile {
  /** Path inside the repository. */
  readonly path: string;
  readonly text: string;
}

/** One object of a commit, checked as far as it can be without the API server. */
export interface GitObject {
  readonly resource: Resource;
  readonly kind: string;
  /** Absent for cluster-scoped objects; `default` where the manifest names none. */
  readonly namespace?: string;
  readonly name: string;
  readonly file: string;
  /** Line the document begins at, from 1. */
  readonly line: number;
  readonly body: KubeObject & { metadata: { name: string; namespace?: string } };
}

export interface ManifestFault {
  readonly file: string;
  readonly line?: number;
  /** `Kind namespace/name` as far as it is known. */
  readonly object?: string;
  /** What is wrong, and what would be right. */
  readonly what: string;
}

/** The resource that serves a kind, or undefined where none does. */
export type FindResource = (apiVersion: string, kind: string) => Resource | undefined;

/** Reads every document of every file. Kinds that a CustomResourceDefinition of the same commit brings are known too. */
export function readManifests(
  files: readonly ManifestFile[],
  findResource: FindResource,
): { objects: GitObject[]; faults: ManifestFault[] } {
  const faults: ManifestFault[] = [];
  const documents = files.flatMap((file) => readDocuments(file, faults));
  const own = new Map(documents.flatMap((document) => kindsDefinedBy(document.value)));
  const find: FindResource = (apiVersion, kind) =>
    own.get(`${apiVersion} ${kind}`) ?? findResource(apiVersion, kind);
  const objects: GitObject[] = [];
  const seen = new Map<string, GitObject>();
  for (const document of documents) {
    const object = readObject(document, find);
    if ('what' in object) {
      faults.push(object);
      continue;
    }
    const twin = seen.get(formatObject(object));
    if (twin === undefined) {
      seen.set(formatObject(object), object);
      objects.push(object);
    } else {
      const what = `is already at ${twin.file}:${twin.line}; keep one of the two`;
      faults.push({ file: object.file, line: object.line, object: formatObject(object), what });
    }
  }
  return { objects, faults };
}

/** `pools/a.yaml:7: IPAddressPool metallb-system/a has no spec; …`: one fault as one sentence. */
export function formatFault(fault: ManifestFault): string {
  const place = fault.line === undefined ? fault.file : `${fault.file}:${fault.line}`;
  return fault.object === undefined ? `${place} ${fault.what}` : `${place}: ${fault.object} ${fault.what}`;
}

/** `Kind namespace/name`, the way messages name an object. */
export function formatObject(object: {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}): string {
  return `${object.kind} ${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}`;
}

interface Document {
  readonly file: string;
  readonly line: number;
  readonly value: unknown;
}

/** The documents of one file; a List is its items, each at the line of the List. */
function readDocuments(file: ManifestFile, faults: ManifestFault[]): Document[] {
  const parsed = parseYamlDocuments(file.text);
  faults.push(
    ...parsed.faults.map((fault) => ({
      file: file.path,
      line: fault.line,
      what: `is not YAML: ${fault.why}; correct it`,
    })),
  );
  return parsed.documents.flatMap(({ value, line }) => {
    const isList = isRecord(value) && value['apiVersion'] === 'v1' && value['kind'] === 'List';
    const values: unknown[] = isList && Array.isArray(value['items']) ? value['items'] : [value];
    return values.map((item) => ({ file: file.path, line, value: item }));
  });
}

function readObject({ file, line, value }: Document, find: FindResource): GitObject | ManifestFault {
  const fault = (what: string, object?: string): ManifestFault => ({
    file,
    line,
    what,
    ...(object === undefined ? {} : { object }),
  });
  if (!isRecord(value)) return fault('is not a Kubernetes object; write apiVersion, kind and metadata');
  const { apiVersion, kind, metadata } = value;
  if (typeof apiVersion !== 'string' || apiVersion === '')
    return fault('has no apiVersion; write for example apiVersion: v1');
  if (typeof kind !== 'string' || kind === '') return fault('has no kind; write for example kind: Service');
  if (!isRecord(metadata) || typeof metadata['name'] !== 'string' || metadata['name'] === '') {
    return fault('has no metadata.name as text; objects in Git need one', kind);
  }
  const { name, namespace } = metadata;
  if (namespace !== undefined && typeof namespace !== 'string') {
    return fault('has a metadata.namespace that is not text; write it in quotes', `${kind} ${name}`);
  }
  const named = formatObject({ kind, name, ...(namespace === undefined ? {} : { namespace }) });
  const resource = find(apiVersion, kind);
  if (resource === undefined) {
    return fault(
      `is of kind ${kind} in ${apiVersion}, which this API server does not serve; correct it, or move it out of the folder`,
      named,
    );
  }
  if (!resource.namespaced && namespace !== undefined) {
    return fault('belongs to no namespace; remove metadata.namespace', named);
  }
  const home = resource.namespaced ? { namespace: namespace ?? 'default' } : {};
  return {
    resource,
    kind,
    name,
    file,
    line,
    ...home,
    body: { ...value, metadata: { ...metadata, name, ...home } },
  };
}

/** The kinds a CustomResourceDefinition document defines, keyed `group/version Kind`. */
function kindsDefinedBy(value: unknown): [string, Resource][] {
  if (!isRecord(value) || value['kind'] !== 'CustomResourceDefinition' || !isRecord(value['spec'])) return [];
  const { group, names, scope, versions } = value['spec'];
  if (typeof group !== 'string' || !isRecord(names) || !Array.isArray(versions)) return [];
  const { kind, plural } = names;
  if (typeof kind !== 'string' || typeof plural !== 'string') return [];
  return versions
    .map((each: unknown) => (isRecord(each) ? each['name'] : undefined))
    .filter((version) => typeof version === 'string')
    .map((version) => [
      `${group}/${version} ${kind}`,
      { group, version, plural, kind, namespaced: scope === 'Namespaced' },
    ]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
