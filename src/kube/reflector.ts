/**
 * Keeps a store equal to what the API server holds: list, then watch from the list's resourceVersion, for ever. A watch that
 * ends resumes from the last version seen. It is listed again only when the server forgot that version (410, as an
 * answer or as an ERROR event) or sent something that cannot be understood; the store turns a list into differences, so
 * listeners see each change once and no change is lost.
 *
 * Failures wait with exponential backoff that only real progress resets. Silence has its own limit: bookmarks come about
 * every minute, so a watch that is silent for much longer has lost its peer and is opened again at once.
 */
import type { KubeObject, Resource, Status } from '../api/meta.ts';
import type { Clock, Log, Meter, ObserveOptions, Startable } from '../ports.ts';
import { backoffMs } from './backoff.ts';
import { KubeError, isRefusal } from './kube-error.ts';
import { LineSplitter, LineTooLong } from './line-splitter.ts';
import { listAll } from './list.ts';
import { apiVersionOf, resourcePath } from './path.ts';
import type { ObjectStore } from './store.ts';
import { MAX_RETRY_AFTER_SECONDS, sleep } from './transport.ts';
import type { Transport } from './transport.ts';

export interface WatchTimings {
  /** A watch without a byte for this long is given up. Default 150 s. */
  readonly inactivityMs?: number;
  /** First wait after a failure, and the longest one. Default 200 ms and 10 s. */
  readonly backoffBaseMs?: number;
  readonly backoffCapMs?: number;
  /** The longest wait while the resource does not exist (its CRD is still to come). Default 1.5 s. */
  readonly notFoundCapMs?: number;
}

export interface ReflectorDeps<T extends KubeObject> {
  readonly transport: Transport;
  readonly store: ObjectStore<T>;
  readonly resource: Resource;
  readonly options: ObserveOptions;
  readonly timings: WatchTimings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly meter?: Meter | undefined;
}

/** The API server limits requests to 3 MiB; an event is one object in JSON with a little around it. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
/** A watch that lived this long did its work, even when nothing happened in it. */
const LIVED_MS = 10_000;

/** This failure in a row is said aloud, once: the first two are ordinary, the hundredth is no news. */
const LOUD_FAILURES = 3;

/** The longest wait for a kind that may be missing. */
const MISSING_CAP_MS = 30_000;

/** Why a watch is over, when it did not fail. */
type WatchEnd = 'ended' | 'silent';

/** Thrown where only a new list can help. `reason` is for the metric. */
class ListNeeded extends Error {
  override readonly name = 'ListNeeded';
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export class Reflector<T extends KubeObject> implements Startable {
  readonly #deps: ReflectorDeps<T>;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  /** The version to watch from; undefined: list first. */
  #resourceVersion: string | undefined;
  /** In a row. Each is reset by its own success only: a list that works says nothing about the watch after it. */
  readonly #failures = { list: 0, watch: 0 };

  constructor(deps: ReflectorDeps<T>) {
    this.#deps = deps;
  }

  /** Begins in the background: the API server need not be there yet. Wait for the store's whenSynced(). */
  async start(): Promise<void> {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let waitMs: number;
      try {
        if (this.#resourceVersion === undefined) await this.#list();
        waitMs = this.#afterEnd(await this.#watch());
      } catch (error) {
        if (signal.aborted) return;
        waitMs = this.#afterFailure(error);
      }
      // Even without a wait one turn of the event loop passes, so that a hasty server cannot starve the process.
      await sleep(this.#deps.clock, waitMs, signal).catch(() => undefined);
    }
  }

  async #list(): Promise<void> {
    const { transport, resource, options, store } = this.#deps;
    const list = await listAll<T>(transport, resource, options, this.#stopping.signal);
    this.#count('listed');
    store.replaceAll(list.items.map(withoutManagedFields));
    this.#resourceVersion = list.metadata.resourceVersion ?? '';
    this.#succeeded('list');
  }

  async #watch(): Promise<{ reason: WatchEnd; livedMs: number }> {
    const startedMs = this.#deps.clock.monotonicMs();
    const reason = await this.#follow();
    return { reason, livedMs: this.#deps.clock.monotonicMs() - startedMs };
  }

  /** Opens one watch and takes over its events until it is over. */
  async #follow(): Promise<WatchEnd> {
    const { transport, resource, options, clock, random } = this.#deps;
    const { namespace, labelSelector, fieldSelector } = options;
    const path = resourcePath(
      resource,
      { namespace },
      {
        labelSelector,
        fieldSelector,
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: this.#resourceVersion,
        // Spread out, so that the watches of all clients do not end together (client-go does the same).
        timeoutSeconds: 300 + Math.floor(random() * 300),
      },
    );
    const attempt = new AbortController();
    const stop = (): void => attempt.abort();
    this.#stopping.signal.addEventListener('abort', stop, { once: true });
    let silent = false;
    const limitSilence = (): (() => void) =>
      clock.after(options.silentAfterMs ?? this.#deps.timings.inactivityMs ?? 150_000, () => {
        silent = true;
        attempt.abort();
      });
    let cancel = limitSilence();
    try {
      const lines = new LineSplitter(MAX_LINE_BYTES);
      for await (const chunk of await transport.open(path, attempt.signal)) {
        cancel();
        cancel = limitSilence();
        for (const line of lines.push(chunk)) this.#take(line);
      }
      return 'ended';
    } catch (error) {
      if (silent) return 'silent';
      throw error;
    } finally {
      cancel();
      attempt.abort();
      this.#stopping.signal.removeEventListener('abort', stop);
    }
  }

  /** Takes over one event of a watch. */
  #take(line: string): void {
    const event = parseEvent<T>(line);
    if (event.type === 'ERROR') {
      const status = event.object as unknown as Status;
      throw new ListNeeded(String(status.code), status.message ?? 'the watch reports an error');
    }
    const { store, resource } = this.#deps;
    const object = withoutManagedFields(event.object);
    object.apiVersion ??= apiVersionOf(resource);
    object.kind ??= resource.kind;
    if (event.type === 'DELETED') store.remove(object);
    else if (event.type !== 'BOOKMARK') store.put(object);
    this.#resourceVersion = object.metadata.resourceVersion;
    this.#succeeded('watch');
  }

  /** How long to wait after a watch that did not fail. */
  #afterEnd(end: { reason: WatchEnd; livedMs: number }): number {
    this.#count(end.reason);
    if (end.reason === 'silent' || end.livedMs >= LIVED_MS) {
      this.#succeeded('watch');
      return 0;
    }
    this.#failures.watch += 1;
    return this.#backoffMs();
  }

  #succeeded(step: 'list' | 'watch'): void {
    const { log, resource } = this.#deps;
    if (this.#failures[step] >= LOUD_FAILURES)
      log.info('a resource can be followed again', { resource: resource.plural });
    this.#failures[step] = 0;
  }

  #afterFailure(error: unknown): number {
    const { log, resource, timings } = this.#deps;
    this.#count(reasonOf(error));
    const step = this.#resourceVersion === undefined ? 'list' : 'watch';
    const failures = (this.#failures[step] += 1);
    if (!isResumable(error)) this.#resourceVersion = undefined;
    if (isRefusal(error, 404) && this.#deps.options.mayBeMissing === true) return this.#afterMissing();
    log[failures === LOUD_FAILURES ? 'warn' : 'debug']('cannot follow a resource; trying again', {
      resource: resource.plural,
      failures,
      reason: error instanceof Error ? error.message : String(error),
    });
    const missing = isRefusal(error, 404);
    const askedSeconds = error instanceof KubeError ? (error.retryAfterSeconds ?? 0) : 0;
    const asked = Math.min(askedSeconds, MAX_RETRY_AFTER_SECONDS) * 1000;
    return Math.max(this.#backoffMs(missing ? (timings.notFoundCapMs ?? 1_500) : undefined), asked);
  }

  /**
   * A kind that may be missing is: there are no objects of it. Whoever installs it does so once, so there is time. What was
   * known already stays: a kind that is taken away takes its objects along, one event each.
   */
  #afterMissing(): number {
    const { store } = this.#deps;
    if (!store.synced) store.replaceAll([]);
    return this.#backoffMs(MISSING_CAP_MS);
  }

  #backoffMs(cap?: number): number {
    const { timings, random } = this.#deps;
    const limits = { baseMs: timings.backoffBaseMs ?? 200, capMs: cap ?? timings.backoffCapMs ?? 10_000 };
    return backoffMs(this.#failures.list + this.#failures.watch, limits, random);
  }

  #count(reason: string): void {
    this.#deps.meter?.count('cleat_kube_watch_rounds_total', {
      resource: this.#deps.resource.plural,
      reason,
    });
  }
}

/**
 * True where the watch may go on from the version last seen: the connection broke, or the server is overloaded or down.
 * Every other answer speaks about the version or the resource (504 is how a version from the future is refused).
 */
function isResumable(error: unknown): boolean {
  if (error instanceof KubeError) return error.code === 429 || (error.code >= 500 && error.code !== 504);
  return !(error instanceof ListNeeded || error instanceof LineTooLong);
}

function reasonOf(error: unknown): string {
  if (error instanceof KubeError) return String(error.code);
  if (error instanceof ListNeeded) return error.reason;
  return error instanceof LineTooLong ? 'garbled' : 'broken';
}

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

const EVENT_TYPES = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

function parseEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  let event: Partial<WatchEvent<T>> | null;
  try {
    event = JSON.parse(line) as Partial<WatchEvent<T>> | null;
  } catch {
    throw new ListNeeded('garbled', 'a watch event is not JSON');
  }
  const { type, object } = event ?? {};
  if (type === undefined || !EVENT_TYPES.has(type) || typeof object !== 'object' || object === null) {
    throw new ListNeeded('garbled', 'a watch event has no known type or no object');
  }
  const { metadata } = object as { metadata?: unknown };
  if (
    type !== 'ERROR' &&
    (typeof metadata !== 'object' || metadata === null || object.metadata.resourceVersion === undefined)
  ) {
    throw new ListNeeded('garbled', 'the object of a watch event has no resourceVersion');
  }
  return { type, object };
}

/** managedFields is half of many objects and nobody here reads it. */
function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  object.metadata = metadata;
  return object;
}
