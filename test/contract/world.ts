/**
 * What a case of the contract sees of an API server, and the transcript of it. The same case runs on the real kube-apiserver and
 * on the embedded one; what must be the same is what they answer, word for word, so every request of a case is put on its
 * transcript: code, warnings and body, with what no two runs share (uids, times, versions, allocated numbers) named instead of shown.
 */
import assert from 'node:assert/strict';
import type { Resource } from '../../src/api/meta.ts';
import type { ConnectedClient } from '../../src/kube/client.ts';
import { at, type Answer, type Api, type AskOptions, type Watching } from '../support/api-server.ts';

export interface Case {
  readonly title: string;
  run(world: World): Promise<void>;
}

export const MERGE = 'application/merge-patch+json';
export const STRATEGIC = 'application/strategic-merge-patch+json';
export const JSON_PATCH = 'application/json-patch+json';
export const APPLY = 'application/apply-patch+yaml';
export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
export const METADATA = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json';

export interface SeeOptions extends AskOptions {
  /** What of the body goes on the transcript; all of it without. */
  readonly see?: (body: unknown) => unknown;
  /** Shows managedFields in full, not only whose they are. */
  readonly ownership?: boolean;
}

export class World {
  readonly api: Api;
  readonly client: ConnectedClient;
  /** A namespace of this case's own. */
  readonly namespace: string;
  readonly transcript: unknown[] = [];
  /** More that differs between runs: text and the name it goes by. */
  readonly names = new Map<string, string>();
  readonly #ends: (() => unknown)[] = [];

  constructor(api: Api, client: ConnectedClient, namespace: string) {
    this.api = api;
    this.client = client;
    this.namespace = namespace;
  }

  /** What is to be undone when the case is over. */
  after(end: () => unknown): void {
    this.#ends.push(end);
  }

  async end(): Promise<void> {
    for (const end of this.#ends.toReversed()) await end();
  }

  /** The path of a namespaced core resource in the case's namespace, or of a name in it. */
  path(plural: string, name?: string): string {
    return `/api/v1/namespaces/${this.namespace}/${plural}${name === undefined ? '' : `/${name}`}`;
  }

  pathOf({ group, version, plural, namespaced }: Resource, name?: string): string {
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const place = namespaced ? `/namespaces/${this.namespace}` : '';
    return `${root}${place}/${plural}${name === undefined ? '' : `/${name}`}`;
  }

  /** Asks, and puts the question and the answer on the transcript. */
  async see(method: string, path: string, options: SeeOptions = {}): Promise<Answer> {
    const { see = (body: unknown) => body, ownership = false, ...ask } = options;
    const answer = await this.api.ask(method, path, ask);
    const { warning } = answer.headers;
    const isJson = (answer.headers['content-type'] ?? '').includes('json');
    this.note(`${method} ${path}`, {
      code: answer.code,
      ...(warning === undefined ? {} : { warning }),
      body: isJson ? see(ownership ? answer.body : withoutFields(answer.body)) : answer.text,
    });
    return answer;
  }

  /** As see, off the transcript, for what only prepares; must succeed. */
  async do(method: string, path: string, options: AskOptions = {}): Promise<Answer> {
    const answer = await this.api.ask(method, path, options);
    assert.ok(answer.code < 300, `${method} ${path}: ${answer.text}`);
    return answer;
  }

  /** Puts anything on the transcript. */
  note(what: string, seen: unknown): void {
    this.transcript.push({ [this.#normalText(what, '')]: this.#normal(seen) });
  }

  /** Puts the next events of a watch on the transcript. */
  async noteEvents(what: string, watching: Watching, count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const { type, object } = await watching.next();
      this.note(`${what}: event`, { type, object: withoutFields(object) });
    }
  }

  #normal(value: unknown, key = ''): unknown {
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#normal(item, key));
      // Entries are listed by time, which is in seconds.
      if (key === 'managedFields') return items.toSorted((a, b) => (keyOfEntry(a) < keyOfEntry(b) ? -1 : 1));
      if (key !== 'causes') return items;
      // kube-apiserver goes through Go maps: the faults of one object come in any order, and some twice.
      const byText = new Map(items.map((item) => [JSON.stringify(item), item]));
      return [...byText.keys()].toSorted().map((text) => byText.get(text));
    }
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value)
          // Our tables do not explain their columns.
          .filter(([inner]) => key !== 'columnDefinitions' || inner !== 'description')
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([inner, item]) => [inner, this.#normal(item, inner)]),
      );
    }
    if (typeof value === 'number') return NUMBERED.has(key) && value >= 30_000 ? 'PORT' : value;
    return typeof value === 'string' ? this.#normalText(value, key) : value;
  }

  #normalText(text: string, key: string): string {
    if (key === 'resourceVersion') return 'VERSION';
    if (key === 'continue') return 'TOKEN';
    let normal = text;
    for (const [found, name] of this.names) normal = normal.replaceAll(found, name);
    return normal
      .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UID')
      .replace(/("resourceVersion\\?":\\?")\d+/g, '$1VERSION')
      .replace(/(ResourceVersion in record) \(\d+\)/g, '$1 (VERSION)')
      .replace(/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, 'TIME')
      .replace(
        / is invalid: \[(.*)\]$/,
        (_, faults: string) =>
          ` is invalid: [${faults
            .split(/, (?=[\w.[\]]+: )/)
            .toSorted()
            .join(', ')}]`,
      )
      .replace(/\b10\.96\.(?!0\.1\b|255\.2)\d+\.\d+\b/g, 'CLUSTER-IP')
      .replace(/\bfd00:10:96::[0-9a-f]+\b/g, 'CLUSTER-IP-6');
  }
}

const NUMBERED: ReadonlySet<string> = new Set(['nodePort', 'healthCheckNodePort']);

function keyOfEntry(entry: unknown): string {
  return typeof entry === 'string'
    ? entry
    : JSON.stringify(['manager', 'operation', 'subresource'].map((key) => at(entry, key)));
}

/** managedFields by manager, operation and subresource only. */
function withoutFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutFields);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === 'managedFields' && Array.isArray(item)
        ? item.map((entry) =>
            ['manager', 'operation', 'subresource']
              .map((field) => at(entry, field))
              .filter((part) => typeof part === 'string')
              .join(' '),
          )
        : withoutFields(item),
    ]),
  );
}
