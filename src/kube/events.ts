/**
 * Kubernetes Events, the lines under `kubectl describe`. Best effort by design: recording never throws and never waits, a
 * repeat within ten minutes only raises the count of the Event that is there, and where the API server is slower than the
 * news, the newest are dropped and counted.
 */
import { EVENTS } from '../api/kubernetes.ts';
import type { Event } from '../api/kubernetes.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Clock, EventRecorder, KubeClient, Log, Meter, Startable } from '../ports.ts';
import { isRefusal } from './kube-error.ts';
import { sleep } from './transport.ts';

export interface EventRecorderOptions {
  readonly client: Pick<KubeClient, 'create' | 'patch'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Who says it: CONTROLLER_COMPONENT or SPEAKER_COMPONENT of api/annotations.ts. */
  readonly component: string;
  /** The node, where what is said is true of one node only. */
  readonly host?: string | undefined;
  readonly meter?: Meter | undefined;
  /** Events waiting to be written. Default 1000. */
  readonly capacity?: number;
}

/** client-go aggregates over ten minutes and remembers 4096 Events. */
const REPEAT_WITHIN_MS = 10 * 60_000;
const REMEMBERED = 4096;
const FLUSH_MS = 2_000;

/** One Event, written or about to be. */
interface Entry {
  readonly event: Event & { metadata: { name: string; namespace: string } };
  /** Wall time of the newest repeat. */
  lastMs: number;
  count: number;
  /** The count the API server knows; 0 before the Event is created. */
  written: number;
  queued: boolean;
}

export class KubeEventRecorder implements EventRecorder, Startable {
  readonly #options: EventRecorderOptions;
  readonly #capacity: number;
  /** By everything that makes two Events the same, oldest repeat first. */
  readonly #entries = new Map<string, Entry>();
  readonly #queue: Entry[] = [];
  readonly #stopping = new AbortController();
  #writing: Promise<void> | undefined;
  #serial = 0n;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? 1000;
  }

  async start(): Promise<void> {}

  /** Gives what waits two seconds to be written. */
  async stop(): Promise<void> {
    const flushed = this.#writing ?? Promise.resolve();
    await Promise.race([flushed, sleep(this.#options.clock, FLUSH_MS)]);
    this.#stopping.abort();
    this.#queue.length = 0;
    await this.#writing;
  }

  record(
    object: KubeObject & { apiVersion?: string },
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    if (this.#stopping.signal.aborted) return;
    const { name = '', namespace = '', uid = '' } = object.metadata;
    const identity = JSON.stringify([object.kind, namespace, name, uid, type, reason, message]);
    const nowMs = this.#options.clock.nowMs();
    let entry = this.#entries.get(identity);
    if (entry === undefined || nowMs - entry.lastMs > REPEAT_WITHIN_MS) {
      entry = {
        event: this.#describe(object, type, reason, message, nowMs),
        lastMs: nowMs,
        count: 0,
        written: 0,
        queued: false,
      };
    }
    if (!entry.queued && this.#queue.length >= this.#capacity) {
      this.#options.meter?.count('cleat_events_dropped_total', { reason: 'full' });
      return;
    }
    entry.count += 1;
    entry.lastMs = nowMs;
    this.#entries.delete(identity);
    this.#entries.set(identity, entry);
    this.#forgetOldest();
    if (!entry.queued) {
      entry.queued = true;
      this.#queue.push(entry);
    }
    this.#writing ??= this.#writeAll();
  }

  #forgetOldest(): void {
    if (this.#entries.size <= REMEMBERED) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  #describe(
    object: KubeObject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    nowMs: number,
  ): Entry['event'] {
    const { component, host } = this.#options;
    const { name = '', namespace = '', uid, resourceVersion } = object.metadata;
    // client-go names an Event after its object and the nanosecond; a serial number keeps two of one millisecond apart.
    this.#serial += 1n;
    const suffix = (BigInt(Math.floor(nowMs)) * 1_000_000n + (this.#serial % 1_000_000n)).toString(16);
    const time = timestamp(nowMs);
    return {
      apiVersion: 'v1',
      kind: 'Event',
      // Events about cluster-scoped objects live in `default`, where kubectl looks for them.
      metadata: { name: `${name}.${suffix}`, namespace: namespace === '' ? 'default' : namespace },
      involvedObject: {
        ...(object.apiVersion === undefined ? {} : { apiVersion: object.apiVersion }),
        ...(object.kind === undefined ? {} : { kind: object.kind }),
        ...(namespace === '' ? {} : { namespace }),
        name,
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      type,
      reason,
      message,
      source: host === undefined ? { component } : { component, host },
      reportingComponent: component,
      reportingInstance: host ?? '',
      firstTimestamp: time,
      lastTimestamp: time,
    };
  }

  async #writeAll(): Promise<void> {
    // What is recorded in the same turn is counted together before it is written.
    await Promise.resolve();
    for (let entry = this.#queue.shift(); entry !== undefined; entry = this.#queue.shift()) {
      entry.queued = false;
      try {
        await this.#write(entry);
        this.#options.meter?.count('cleat_events_written_total');
      } catch (error) {
        this.#options.meter?.count('cleat_events_dropped_total', { reason: 'failed' });
        const { reason, involvedObject } = entry.event;
        this.#options.log.debug('an Event could not be written', {
          event: reason,
          object: involvedObject.name,
          error,
        });
      }
    }
    this.#writing = undefined;
  }

  async #write(entry: Entry): Promise<void> {
    const { client } = this.#options;
    const { signal } = this.#stopping;
    const { event, count } = entry;
    const lastTimestamp = timestamp(entry.lastMs);
    if (entry.written > 0) {
      try {
        await client.patch(EVENTS, event.metadata, 'merge', { count, lastTimestamp }, { signal });
        entry.written = count;
        return;
      } catch (error) {
        // The API server keeps Events for an hour: one that is gone is written anew.
        if (!isRefusal(error, 404)) throw error;
      }
    }
    try {
      await client.create<Event>(EVENTS, { ...event, count, lastTimestamp }, { signal });
    } catch (error) {
      // It is there: only the answer to an earlier try was lost. The next repeat changes it.
      if (!isRefusal(error, 409)) throw error;
    }
    entry.written = count;
  }
}

/** RFC 3339 with seconds, as metav1.Time is written. */
function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
