/** What links the nodes have, as their speakers say in their ConfigurationStates. */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../api/meta.ts';
import { CONFIGURATION_STATES } from '../api/metallb.ts';
import { LINKS_ANNOTATION } from '../api/node-links.ts';
import type { NodeLink } from '../api/node-links.ts';
import type { KubeClient, Startable, Store } from '../ports.ts';

const NAME_PREFIX = 'speaker-';

export interface ClusterLinksDeps {
  readonly client: Pick<KubeClient, 'observe'>;
  readonly namespace: string;
  readonly nodeName: string;
}

export class ClusterLinks implements Startable {
  readonly #nodeName: string;
  readonly #states: Store<KubeObject> & Startable;
  readonly #published = new Map<string, readonly NodeLink[]>();
  readonly #listener: () => void;
  readonly #macs = new Set<string>();
  #own: readonly NodeLink[] | undefined;
  #unsubscribe = (): void => {};

  /** `listener` is called at each change. */
  constructor({ client, namespace, nodeName }: ClusterLinksDeps, listener: () => void) {
    this.#nodeName = nodeName;
    this.#listener = listener;
    this.#states = client.observe(CONFIGURATION_STATES, { namespace, mayBeMissing: true });
  }

  async start(): Promise<void> {
    this.#unsubscribe = this.#states.subscribe(({ type, object }) => {
      const { name = '', annotations } = object.metadata;
      if (!name.startsWith(NAME_PREFIX)) return;
      const node = name.slice(NAME_PREFIX.length);
      const links = type === 'deleted' ? undefined : parseLinks(annotations?.[LINKS_ANNOTATION]);
      if (isDeepStrictEqual(links, this.#published.get(node))) return;
      if (links === undefined) this.#published.delete(node);
      else this.#published.set(node, this.#remember(links));
      this.#listener();
    });
    await this.#states.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#states.stop();
  }

  /** This node's, as it sees them itself. */
  setOwn(links: readonly NodeLink[]): void {
    this.#own = this.#remember(links);
    this.#listener();
  }

  /**
   * All hardware addresses that nodes have or had; undefined where one of `members` does not say, such as a speaker of
   * MetalLB’s, whose frames could not be told from a stranger’s.
   */
  macs(members: Iterable<string>): readonly string[] | undefined {
    if (this.#own === undefined) return undefined;
    const all = [...members].every((node) => node === this.#nodeName || this.#published.has(node));
    return all ? [...this.#macs].toSorted() : undefined;
  }

  /**
   * Node -> links, for each that is known. Of this node's own those that the others know of as well: they elect by what was
   * published, and where it were ahead of them, two would announce.
   */
  current(): ReadonlyMap<string, readonly NodeLink[]> {
    if (this.#own === undefined) return this.#published;
    const published = this.#published.get(this.#nodeName);
    const names = published && new Set(published.map(({ name }) => name));
    const own = this.#own.filter(({ name }) => names?.has(name) ?? true);
    return new Map(this.#published).set(this.#nodeName, own);
  }

  #remember(links: readonly NodeLink[]): readonly NodeLink[] {
    for (const { mac } of links) this.#macs.add(mac);
    return links;
  }
}

/** As it is in the annotation. */
export function formatLinks(links: readonly NodeLink[]): string {
  return JSON.stringify(links.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
}

/** Undefined for what is no such text: the node's links are not known then. */
function parseLinks(text = ''): readonly NodeLink[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every(isLink) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isLink(value: unknown): value is NodeLink {
  if (typeof value !== 'object' || value === null) return false;
  const { name, mac, families, subnets } = value as Partial<Record<keyof NodeLink, unknown>>;
  const lists = [families, subnets].every(
    (it) => Array.isArray(it) && it.every((text) => typeof text === 'string'),
  );
  return typeof name === 'string' && typeof mac === 'string' && lists;
}
