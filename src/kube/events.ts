/**
 * Kubernetes Events, the lines under `kubectl describe`. Best effort by design: recording never throws and never waits, a
 * repeat within ten minutes only raises the count of the Event that is there, and where the API server is slower than the
 * news, the newest are dropped and counted. Where an object has more and more to say for one reason, it is
 * said in one Event that always shows the newest (client-go tools/record: EventAggregator).
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
/** So many messages of one object and reason are told one by one. */
const SINGLE_MESSAGES = 10;
const COMBINED = '(combined from similar events): ';
const FLUSH_MS = 2_000;

/** One Event, written or about to be. */
interface Entry {
  readonly event: Event & { metadata: { name: string; namespace: string } };
  /** Wall time of the newest repeat. */
  lastMs: number;
  count: number;
  /** The newest. */
  message: string;
  /** The count the API server knows; 0 before the Event is created. */
  written: number;
  queued: boolean;
}

export class KubeEventRecorder implements EventRecorder, Startable {
  readonly #options: EventRecorderOptions;
  readonly #capacity: number;
  /** By everything that makes two Events the same, oldest repeat first. */
  readonly #entries = new Map<string, Entry>();
  /** What objects have said, by everything but the message; oldest first. */
  readonly #similar = new Map<string, { readonly messages: Set<string>; lastMs: number }>();
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
    const group = JSON.stringify([object.kind, namespace, name, uid, type, reason]);
    const nowMs = this.#options.clock.nowMs();
    const isCombined = this.#hasMoreToSay(group, message, nowMs);
    const identity = isCombined ? group : JSON.stringify([group, message]);
    let entry = this.#entries.get(identity);
    if (entry === undefined || nowMs - entry.lastMs > REPEAT_WITHIN_MS) {
      entry = {
        event: this.#describe(object, type, reason, nowMs),
        lastMs: nowMs,
        count: 0,
        message,
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
    entry.message = isCombined ? `${COMBINED}${message}` : message;
    renew(this.#entries, identity, entry);
    if (!entry.queued) {
      entry.queued = true;
      this.#queue.push(entry);
    }
    this.#writing ??= this.#writeAll();
  }

  /** True where an object has said too much of one kind lately for another Event of its own. */
  #hasMoreToSay(group: string, message: string, nowMs: number): boolean {
    let said = this.#similar.get(group);
    if (said === undefined || nowMs - said.lastMs > REPEAT_WITHIN_MS)
      said = { messages: new Set(), lastMs: nowMs };
    said.lastMs = nowMs;
    renew(this.#similar, group, said);
    if (said.messages.has(message)) return false;
    if (said.messages.size >= SINGLE_MESSAGES) return true;
    said.messages.add(message);
    return false;
  }

  #describe(object: KubeObject, type: 'Normal' | 'Warning', reason: string, nowMs: number): Entry['event'] {
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
    const { event, count, message } = entry;
    const lastTimestamp = timestamp(entry.lastMs);
    if (entry.written > 0) {
      try {
        await client.patch(EVENTS, event.metadata, 'merge', { count, lastTimestamp, message }, { signal });
        entry.written = count;
        return;
      } catch (error) {
        // The API server keeps Events for an hour: one that is gone is written anew.
        if (!isRefusal(error, 404)) throw error;
      }
    }
    try {
      await client.create<Event>(EVENTS, { ...event, message, count, lastTimestamp }, { signal });
    } catch (error) {
      // It is there: only the answer to an earlier try was lost. The next repeat changes it.
      if (!isRefusal(error, 409)) throw error;
    }
    entry.written = count;
  }
}

/** Puts an entry last, and forgets the first where there are too many. */
function renew<V>(entries: Map<string, V>, key: string, value: V): void {
  entries.delete(key);
  entries.set(key, value);
  if (entries.size <= REMEMBERED) return;
  const [oldest] = entries.keys();
  if (oldest !== undefined) entries.delete(oldest);
}

/** RFC 3339 with seconds, as metav1.Time is written. */
function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
