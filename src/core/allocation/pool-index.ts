/**
 * Pools by whom they are open to, so that a Service is shown those it may use and the others cost it nothing, however many
 * there are and whomever they are reserved for.
 */
import { matchesAny } from '../config/selector.ts';
import type { LabelSelector } from '../../api/meta.ts';
import type { Pool } from '../config/snapshot.ts';
import type { HasRoom, Need, Want } from './pool-line.ts';
import { PoolLine } from './pool-line.ts';
import type { ServiceView } from './service-view.ts';

/** What of a Service decides which pools are open to it. */
export type Asker = Pick<ServiceView, 'namespace' | 'labels'>;

/** True where the Service may have an address of the pool, asked for or not. */
export function isOpenTo(pool: Pool, { namespace, labels }: Asker): boolean {
  return isOpenToNamespace(pool, namespace) && matchesAny(pool.allocation?.serviceSelectors ?? [], labels);
}

/** True where some Services of the namespace may, if their labels are right. */
export function isOpenToNamespace({ allocation }: Pool, namespace: string): boolean {
  return allocation?.namespaces?.has(namespace) ?? true;
}

export class PoolIndex {
  readonly #order: (a: Pool, b: Pool) => number;
  /** Pools that are open to everybody. */
  readonly #everybody: PoolLine;
  readonly #byNamespace: ReadonlyMap<string, PoolLine>;
  /** Pools with a selector that needs this label, under one of the labels each selector needs. */
  readonly #byLabel: ReadonlyMap<string, PoolLine>;
  /** Pools with a selector that needs no certain label. */
  readonly #others: PoolLine;
  readonly #linesOf = new Map<string, PoolLine[]>();

  constructor(pools: Iterable<Pool>, order: (a: Pool, b: Pool) => number, hasRoom: HasRoom) {
    this.#order = order;
    const everybody: Pool[] = [];
    const others: Pool[] = [];
    const byNamespace = new Map<string, Pool[]>();
    const byLabel = new Map<string, Pool[]>();
    for (const pool of [...pools].toSorted(order)) {
      const { namespaces, serviceSelectors = [] } = pool.allocation ?? {};
      if (serviceSelectors.length > 0) {
        const labels = new Set(serviceSelectors.map(labelNeeded));
        for (const label of labels) {
          if (label === undefined) others.push(pool);
          else file(byLabel, label, pool);
        }
      } else if (namespaces === undefined) everybody.push(pool);
      else for (const namespace of namespaces) file(byNamespace, namespace, pool);
    }
    const line = (members: readonly Pool[]): PoolLine => {
      const made = new PoolLine(members, hasRoom);
      for (const { name } of members) file(this.#linesOf, name, made);
      return made;
    };
    this.#everybody = line(everybody);
    this.#others = line(others);
    this.#byNamespace = new Map([...byNamespace].map(([name, members]) => [name, line(members)]));
    this.#byLabel = new Map([...byLabel].map(([label, members]) => [label, line(members)]));
  }

  has(pool: string): boolean {
    return this.#linesOf.has(pool);
  }

  /** For each of the needs the first pool open to the Service, and wanted, that has room for it; in no order. */
  withRoom(asker: Asker, needs: readonly Need[], isWanted: (pool: Pool) => boolean = always): Pool[] {
    const found: Pool[] = [];
    if (this.#linesOf.size === 0) return found;
    const isOpen = (pool: Pool) => isOpenTo(pool, asker) && isWanted(pool);
    const { open, perhaps } = this.#lines(asker);
    for (const need of needs) {
      for (const line of open) append(found, line.firstWithRoom(need, isWanted));
      for (const line of perhaps) append(found, line.firstWithRoom(need, isOpen));
    }
    return found;
  }

  /** The pools open to the Service that have such addresses, free or not, in order. */
  suiting(asker: Asker, want: Want): readonly Pool[] {
    const { open, perhaps } = this.#lines(asker);
    const [first = [], ...more] = [
      ...open.map((line) => line.suiting(want)),
      ...perhaps.map((line) => line.suiting(want).filter((pool) => isOpenTo(pool, asker))),
    ].filter((pools) => pools.length > 0);
    return more.length === 0 ? first : [...new Set([first, ...more].flat())].sort(this.#order);
  }

  /** To be told when a pool came to be full in a family, or to be so no more. */
  roomChanged(pool: string): void {
    for (const line of this.#linesOf.get(pool) ?? []) line.roomChanged(pool);
  }

  /** Lines all of whose pools are open to the Service, and lines of which some may be. */
  #lines({ namespace, labels }: Asker): { open: readonly PoolLine[]; perhaps: readonly PoolLine[] } {
    const perhaps = this.#others.pools.length === 0 ? [] : [this.#others];
    if (this.#byLabel.size > 0) {
      for (const key of Object.keys(labels)) {
        const line = this.#byLabel.get(labelOf(key, labels[key] ?? ''));
        if (line !== undefined) perhaps.push(line);
      }
    }
    const reserved = this.#byNamespace.get(namespace);
    return { open: reserved === undefined ? [this.#everybody] : [this.#everybody, reserved], perhaps };
  }
}

function always(): boolean {
  return true;
}

/** One label without which the selector does not match; undefined where it has none that is certain. */
function labelNeeded({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string | undefined {
  const [key] = Object.keys(matchLabels);
  if (key !== undefined) return labelOf(key, matchLabels[key] ?? '');
  const one = matchExpressions.find(({ operator, values = [] }) => operator === 'In' && values.length === 1);
  return one === undefined ? undefined : labelOf(one.key, one.values?.[0] ?? '');
}

/** No label's key has this character. */
function labelOf(key: string, value: string): string {
  return `${key}=${value}`;
}

function append<T>(list: T[], value: T | undefined): void {
  if (value !== undefined) list.push(value);
}

function file<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
