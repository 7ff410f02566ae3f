/**
 * What users are about to do. A GitOps tool tries out all objects of a commit before it applies any (Flux dry-runs them all and
 * goes no further where one is refused), or applies one after the other whatever is refused (Argo CD). So what was tried and
 * not done, a dry run or a refused write, is remembered for a while as an intent of its user, and a refusal that the user's own
 * other intents would turn is only a warning: the commit converges on the tool's next try.
 *
 * What must always hold: an intent makes no verdict harsher, so losing one costs one more try and nothing else; nobody's
 * intents count for anybody else; and memory is bounded whatever is tried.
 */
import type { KubeObject } from '../../api/meta.ts';
import type { Change } from './facts.ts';

const REMEMBERED_MS = 10 * 60_000;
const MOST_INTENTS = 1_000;
/** UTF-16 units of JSON. */
const LARGEST_INTENT = 256 * 1024;
const LARGEST_SUM = 16 * 1024 * 1024;

interface Intent {
  readonly user: string;
  /** Without what no rule looks at, such as who owns which field. */
  readonly change: Change;
  readonly size: number;
  readonly atMs: number;
}

export class Intents {
  /** In the order they were heard. */
  readonly #heard = new Map<string, Intent>();
  #sum = 0;

  get size(): number {
    return this.#heard.size;
  }

  /** To be told of what was judged; `done` where it was allowed and no dry run. `nowMs` is monotonic. */
  observe(change: Change, done: boolean, nowMs: number): void {
    if (done && change.operation !== 'DELETE') return;
    const key = keyOf(change);
    this.#forget(key);
    if (done) return;
    const intent = intentOf(change, nowMs);
    if (intent.size > LARGEST_INTENT) return;
    this.#heard.set(key, intent);
    this.#sum += intent.size;
    this.#makeRoom(nowMs);
  }

  /** What else the user of `change` is about to do, oldest first. */
  beside(change: Change, nowMs: number): readonly Change[] {
    this.#makeRoom(nowMs);
    const own = keyOf(change);
    return [...this.#heard]
      .filter(([key, { user }]) => user === change.user && key !== own)
      .map(([, intent]) => intent.change);
  }

  #makeRoom(nowMs: number): void {
    for (const [key, { atMs }] of this.#heard) {
      const isFresh = nowMs - atMs < REMEMBERED_MS;
      if (isFresh && this.#heard.size <= MOST_INTENTS && this.#sum <= LARGEST_SUM) return;
      this.#forget(key);
    }
  }

  #forget(key: string): void {
    this.#sum -= this.#heard.get(key)?.size ?? 0;
    this.#heard.delete(key);
  }
}

function intentOf(change: Change, atMs: number): Intent {
  const { object, oldObject: _, ...rest } = change;
  const kept = { ...rest, ...(object !== undefined && { object: trimmed(object) }) } as Change;
  return { user: change.user, change: kept, size: JSON.stringify(kept).length, atMs };
}

function trimmed(object: KubeObject): KubeObject {
  const { name, generateName, namespace, labels, annotations } = object.metadata;
  const metadata = Object.fromEntries(
    Object.entries({ name, generateName, namespace, labels, annotations }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  const { spec, data } = object as { spec?: unknown; data?: unknown };
  return { metadata, ...(spec !== undefined && { spec }), ...(data !== undefined && { data }) } as KubeObject;
}

/** Without a name yet, what the author gave stands for it. */
function keyOf({ user, kind, namespace, name, object }: Change): string {
  return JSON.stringify([user, kind, namespace, name || (object?.metadata.generateName ?? '')]);
}
