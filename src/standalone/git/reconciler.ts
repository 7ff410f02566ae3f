/**
 * The loop: looks at the branch at a fixed interval, and brings each new commit to the API server; once a minute it brings the
 * same commit again, so that what was changed by hand is as the commit says. What is unreadable or
 * refused is said once in the log, in an Event and in the annotation cleat.dev/last-error of ConfigMap
 * cleat-git-inventory. A refusal by the API server (which may depend on other objects) is tried again, later and later;
 * a fault in the files is not: only another commit can mend it.
 */
import { GIT_FIELD_MANAGER } from '../../api/annotations.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../api/kubernetes.ts';
import { UserError } from '../../api/user-error.ts';
import type { Clock, EventRecorder, KubeClient, Log, Startable } from '../../ports.ts';
import {
  entryOf,
  formatInventory,
  INVENTORY_NAME,
  type InventoryEntry,
  LAST_ERROR_ANNOTATION,
  mergeInventories,
  parseInventory,
  planPrune,
} from './inventory.ts';
import { type FindResource, formatFault, type ManifestFault, readManifests } from './manifests.ts';
import { orderObjects } from './order.ts';
import { GitRepository } from './repository.ts';
import { applyObjects, pruneObjects } from './rollout.ts';
import type { GitSource } from './source.ts';

/** How often a commit is tried before anything else runs; it may take two where its objects need one another. */
const FIRST_ATTEMPTS = 3;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
/** How often the commit in force is brought again. */
const AGAIN_EVERY_MS = 60_000;

export interface GitReconcilerDeps {
  readonly source: GitSource;
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the inventory is kept. */
  readonly namespace: string;
  /** How long between two looks at the branch. */
  readonly intervalMs: number;
  /** The kinds the API server serves now. */
  readonly findResource: FindResource;
}

/** What became of a commit. `broken` only another commit mends; `refused` may pass later. */
type Outcome =
  | { readonly kind: 'applied'; readonly count: number; readonly pruned: number }
  | { readonly kind: 'broken' | 'refused'; readonly faults: readonly ManifestFault[] };

export class GitReconciler implements Startable {
  readonly #deps: GitReconcilerDeps;
  readonly #repository: GitRepository;
  #inventory: readonly InventoryEntry[] = [];
  /** The last commit that is in force, '' before there is one. */
  #applied = '';
  /** The commit that needs no further try, in force or broken; '' while one is being retried. */
  #settled = '';
  /** What is wrong with the branch's commit; '' when it is in force. */
  #lastError = '';
  /** What kept the last look from seeing the branch or the API server; '' when nothing did. */
  #blindness = '';
  /** When the commit in force was last brought, by the monotonic clock. */
  #broughtMs = 0;
  #retry: { readonly commit: string; readonly delayMs: number; readonly atMs: number } | undefined;
  #cancelTimer: () => void = () => undefined;
  #pass: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();

  /** Throws UserError where the folder does not exist. */
  constructor(deps: GitReconcilerDeps) {
    this.#deps = deps;
    this.#repository = new GitRepository(deps.source);
  }

  /**
   * Resolves when the branch's commit is in force. Throws UserError where the repository cannot be read, the commit is broken,
   * or the API server refuses it three times: there is no good commit yet to keep running with.
   */
  async start(): Promise<void> {
    const held = await this.#deps.client.get<ConfigMap>(CONFIG_MAPS, this.#inventoryRef());
    this.#inventory = parseInventory(held?.data?.['objects'] ?? '');
    this.#applied = held?.data?.['commit'] ?? '';
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt++) {
      const outcome = await this.#bring(await this.#repository.revision());
      if (outcome.kind === 'applied') break;
      if (outcome.kind === 'broken' || attempt === FIRST_ATTEMPTS) throw new UserError(this.#lastError);
      await this.#pause(this.#retry?.delayMs ?? FIRST_RETRY_MS);
    }
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancelTimer();
    await this.#pass;
  }

  #schedule(): void {
    if (this.#stopping.signal.aborted) return;
    this.#cancelTimer = this.#deps.clock.after(this.#deps.intervalMs, () => {
      this.#pass = this.#look().finally(() => this.#schedule());
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#cancelTimer = this.#deps.clock.after(ms, resolve);
      this.#stopping.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** One look at the branch. Never throws: whatever fails is said and tried again at the next look. */
  async #look(): Promise<void> {
    try {
      const commit = await this.#repository.revision();
      const retry = this.#retry;
      const waits = retry?.commit === commit && this.#deps.clock.monotonicMs() < retry.atMs;
      const isDue = this.#deps.clock.monotonicMs() - this.#broughtMs >= AGAIN_EVERY_MS;
      if (commit !== this.#settled && !waits) await this.#bring(commit);
      else if (commit === this.#applied && isDue) await this.#bringAgain(commit);
      this.#blindness = '';
    } catch (error) {
      const what =
        error instanceof UserError ? error.message : `the API server cannot be reached: ${String(error)}`;
      if (what !== this.#blindness) this.#deps.log.error(what, { keeps: this.#applied });
      this.#blindness = what;
    }
  }

  async #bring(commit: string): Promise<Outcome> {
    const outcome = await this.#roll(commit);
    this.#settled = outcome.kind === 'refused' ? '' : commit;
    this.#retry = outcome.kind === 'refused' ? this.#postponed(commit) : undefined;
    if (outcome.kind === 'applied') this.#applied = commit;
    this.#broughtMs = this.#deps.clock.monotonicMs();
    const sentence = outcome.kind === 'applied' ? '' : this.#sentence(commit, outcome);
    const said = sentence === this.#lastError;
    this.#lastError = sentence;
    const written = await this.#writeInventory();
    if (outcome.kind === 'applied') {
      const what = `commit ${short(commit)} is in force: ${outcome.count} objects applied, ${outcome.pruned} removed`;
      this.#deps.log.info(what, { commit });
      this.#deps.events.record(written, 'Normal', 'CommitApplied', what);
    } else if (!said) {
      this.#deps.log.error(sentence, { commit, keeps: this.#applied });
      this.#deps.events.record(
        written,
        'Warning',
        outcome.kind === 'broken' ? 'CommitBroken' : 'CommitRefused',
        sentence,
      );
    }
    return outcome;
  }

  /** Says nothing where it goes well: nothing new is in force. */
  async #bringAgain(commit: string): Promise<void> {
    this.#broughtMs = this.#deps.clock.monotonicMs();
    const { kind } = await this.#roll(commit);
    // What is refused now is told, and tried, as that of a new commit.
    if (kind !== 'applied') await this.#bring(commit);
  }

  /** The commit's objects to the API server; nothing is touched where a file is at fault. */
  async #roll(commit: string): Promise<Outcome> {
    const { client, findResource, namespace } = this.#deps;
    const read = await this.#repository.manifests(commit);
    const { objects, faults } = readManifests(read.files, findResource);
    const broken = [...read.faults, ...faults];
    if (broken.length > 0) return { kind: 'broken', faults: broken };

    const before = this.#inventory;
    const now = objects.map(entryOf);
    const refused = await applyObjects(client, orderObjects(objects), async () => {
      this.#inventory = mergeInventories(before, now);
      if (this.#inventory.length > before.length) await this.#writeInventory();
    });
    if (refused.length > 0) return { kind: 'refused', faults: refused };
    const gone = planPrune(before, now, namespace);
    const stuck = await pruneObjects(client, gone);
    if (stuck.length > 0) return { kind: 'refused', faults: stuck };
    this.#inventory = now;
    return { kind: 'applied', count: objects.length, pruned: gone.length };
  }

  #postponed(commit: string): { commit: string; delayMs: number; atMs: number } {
    const next = this.#retry?.commit === commit ? this.#retry.delayMs * 2 : FIRST_RETRY_MS;
    const delayMs = Math.min(next, LAST_RETRY_MS);
    return { commit, delayMs, atMs: this.#deps.clock.monotonicMs() + delayMs };
  }

  #sentence(
    commit: string,
    outcome: { readonly kind: string; readonly faults: readonly ManifestFault[] },
  ): string {
    const [first] = outcome.faults;
    const others = outcome.faults.length - 1;
    const more = others > 0 ? ` (and ${others} more ${others === 1 ? 'fault' : 'faults'})` : '';
    const keeps =
      this.#applied === '' ? 'nothing of it is applied' : `commit ${short(this.#applied)} stays in force`;
    const fault = first === undefined ? '' : formatFault(first);
    return `commit ${short(commit)} is ${outcome.kind}, ${keeps}: ${fault}${more}`;
  }

  #inventoryRef(): { namespace: string; name: string } {
    return { namespace: this.#deps.namespace, name: INVENTORY_NAME };
  }

  #writeInventory(): Promise<ConfigMap> {
    return this.#deps.client.apply<ConfigMap>(
      CONFIG_MAPS,
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          ...this.#inventoryRef(),
          ...(this.#lastError === '' ? {} : { annotations: { [LAST_ERROR_ANNOTATION]: this.#lastError } }),
        },
        data: { commit: this.#applied, objects: formatInventory(this.#inventory) },
      },
      { fieldManager: GIT_FIELD_MANAGER, force: true },
    );
  }
}

function short(commit: string): string {
  return commit.slice(0, 7);
}
