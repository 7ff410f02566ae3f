/**
 * Keeps a store equal to what the API server holds: read everything, then watch from there, for ever. Everything is read as
 * the first events of the watch itself (sendInitialEvents, KEP-3157), which costs the API server least, or in a paged list
 * where the server does not stream. A watch that ends resumes from the last version seen. Everything is read again only when the
 * server forgot that version (410, as an answer or as an ERROR event) or sent something that cannot be understood; the store
 * turns it into differences, so listeners see each change once and no change is lost.
 *
 * Failures wait with exponential backoff that only real progress resets. Silence has its own limit: bookmarks come about
 * every minute, so a watch that is silent for much longer has lost its peer and is opened again at once.
 */
import type { KubeObject, Resource } from '../api/meta.ts';
import type { Clock, Log, Meter, ObserveOptions, Startable } from '../ports.ts';
import { backoffMs } from './backoff.ts';
import { KubeError, isRefusal } from './kube-error.ts';
import { LineSplitter, LineTooLong } from './line-splitter.ts';
import { listAll } from './list.ts';
import { withoutManagedFields } from './managed-fields.ts';
import { apiVersionOf, resourcePath } from './path.ts';
import type { Query } from './path.ts';
import { keyOf } from './store.ts';
import type { ObjectStore } from './store.ts';
import { MAX_RETRY_AFTER_SECONDS, sleep } from './transport.ts';
import type { Transport } from './transport.ts';
import { endsInitialEvents, ListNeeded, parseWatchEvent } from './watch-event.ts';
import type { WatchEvent } from './watch-event.ts';

export interface WatchTimings {
  /** A watch without a byte for this long is given up. Default 150 s. */
  readonly inactivityMs?: number;
  /** Who streams initial events but is silent for this long before their end does not stream them. Default 2 s. */
  readonly initialSilenceMs?: number;
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

export class Reflector<T extends KubeObject> implements Startable {
  readonly #deps: ReflectorDeps<T>;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  /** The version to watch from; undefined: read everything first. */
  #resourceVersion: string | undefined;
  /** What came of the initial events so far; undefined: none are awaited. */
  #initial: Map<string, T> | undefined;
  /** False once the server has shown that it does not stream what there is. */
  #streams = true;
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
        if (this.#resourceVersion === undefined && !this.#streams) await this.#list();
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
    store.replaceAll(list.items.map(withoutManagedFields));
    this.#haveRead('listed', list.metadata.resourceVersion ?? '');
  }

  #haveRead(how: 'listed' | 'streamed', resourceVersion: string): void {
    this.#count(how);
    this.#resourceVersion = resourceVersion;
    this.#succeeded('list');
  }

  async #watch(): Promise<{ reason: WatchEnd; livedMs: number }> {
    const startedMs = this.#deps.clock.monotonicMs();
    const reason = await this.#follow();
    return { reason, livedMs: this.#deps.clock.monotonicMs() - startedMs };
  }

  /** Opens one watch and takes over its events until it is over. */
  async #follow(): Promise<WatchEnd> {
    const { transport, resource, options, timings, clock, random } = this.#deps;
    const { namespace, labelSelector, fieldSelector } = options;
    this.#initial = this.#resourceVersion === undefined ? new Map() : undefined;
    const from: Query =
      this.#initial === undefined
        ? { resourceVersion: this.#resourceVersion }
        : { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' };
    const path = resourcePath(
      resource,
      { namespace },
      {
        labelSelector,
        fieldSelector,
        watch: true,
        allowWatchBookmarks: true,
        ...from,
        // Spread out, so that the watches of all clients do not end together (client-go does the same).
        timeoutSeconds: 300 + Math.floor(random() * 300),
      },
    );
    const attempt = new AbortController();
    const stop = (): void => attempt.abort();
    this.#stopping.signal.addEventListener('abort', stop, { once: true });
    let silent = false;
    const watchSilenceMs = options.silentAfterMs ?? timings.inactivityMs ?? 150_000;
    const initialSilenceMs = timings.initialSilenceMs ?? 2_000;
    let heardMs = clock.monotonicMs();
    // One timer that looks back: a new one for each of ten thousand events would cost as much as reading them.
    const limitSilence = (): (() => void) => {
      const limitMs = this.#initial === undefined ? watchSilenceMs : initialSilenceMs;
      const leftMs = heardMs + limitMs - clock.monotonicMs();
      if (leftMs > 0) return clock.after(leftMs, () => (cancel = limitSilence()));
      silent = true;
      attempt.abort();
      return () => undefined;
    };
    let cancel = limitSilence();
    try {
      const lines = new LineSplitter(MAX_LINE_BYTES);
      for await (const chunk of await transport.open(path, attempt.signal)) {
        for (const line of lines.push(chunk)) this.#take(parseWatchEvent<T>(line));
        heardMs = clock.monotonicMs();
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
  #take(event: WatchEvent<T>): void {
    const { store, resource } = this.#deps;
    const { object } = event;
    object.apiVersion ??= apiVersionOf(resource);
    object.kind ??= resource.kind;
    if (this.#initial !== undefined) {
      this.#collect(this.#initial, event);
      return;
    }
    if (event.type === 'DELETED') store.remove(object);
    else if (event.type !== 'BOOKMARK') store.put(object);
    this.#resourceVersion = object.metadata.resourceVersion;
    this.#succeeded('watch');
  }

  /** Initial events count only once they are complete: the store never shows half of what there is. */
  #collect(initial: Map<string, T>, event: WatchEvent<T>): void {
    const { type, object } = event;
    if (type === 'DELETED') initial.delete(keyOf(object));
    else if (type !== 'BOOKMARK') initial.set(keyOf(object), object);
    else if (!endsInitialEvents(event))
      throw new ListNeeded('unstreamed', 'the server does not know sendInitialEvents');
    else {
      this.#initial = undefined;
      this.#deps.store.replaceAll([...initial.values()]);
      this.#haveRead('streamed', object.metadata.resourceVersion ?? '');
    }
  }

  /** How long to wait after a watch that did not fail. */
  #afterEnd(end: { reason: WatchEnd; livedMs: number }): number {
    if (this.#initial !== undefined) return this.#listInstead();
    this.#count(end.reason);
    if (end.reason === 'silent' || end.livedMs >= LIVED_MS) {
      this.#succeeded('watch');
      return 0;
    }
    this.#failures.watch += 1;
    return this.#backoffMs();
  }

  /** The server does not stream: it has to be asked in the other way, at once. */
  #listInstead(): number {
    this.#streams = false;
    this.#initial = undefined;
    this.#count('unstreamed');
    return 0;
  }

  #succeeded(step: 'list' | 'watch'): void {
    const { log, resource } = this.#deps;
    if (this.#failures[step] >= LOUD_FAILURES)
      log.info('a resource can be followed again', { resource: resource.plural });
    this.#failures[step] = 0;
  }

  #afterFailure(error: unknown): number {
    const { log, resource, timings } = this.#deps;
    if (this.#initial !== undefined && speaksAgainstStreaming(error)) return this.#listInstead();
    this.#initial = undefined;
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

/**
 * True where a list may do what initial events did not: the server refused the request as such (422 where the feature is
 * off, other codes elsewhere), or sent something else. Who may not, is not there, is overloaded or broken would not list either.
 */
function speaksAgainstStreaming(error: unknown): boolean {
  if (!(error instanceof KubeError)) return error instanceof ListNeeded || error instanceof LineTooLong;
  return error.code < 500 && ![401, 403, 404, 408, 429].includes(error.code);
}

function reasonOf(error: unknown): string {
  if (error instanceof KubeError) return String(error.code);
  if (error instanceof ListNeeded) return error.reason;
  return error instanceof LineTooLong ? 'garbled' : 'broken';
}
