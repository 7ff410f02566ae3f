/**
 * The interfaces the shells are written against. Adapters implement them in kube/ and platform/; tests implement them in
 * memory. Nothing here does anything.
 */
import type { KubeList, KubeObject, Resource } from './api/meta.ts';
import type { NodeLink } from './api/node-links.ts';

/** Something with a life: start resolves once it works, stop resolves once nothing of it is left. stop is idempotent. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Time. Decisions never read it; shells pass what they read. */
export interface Clock {
  /** Wall time in milliseconds since the epoch. */
  nowMs(): number;
  /** Monotonic milliseconds, for durations. */
  monotonicMs(): number;
  /** Calls back once after `ms`; the returned function cancels. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
}

export type LogFields = Record<string, unknown>;

/** Structured log lines. Never pass a secret, a token or a whole object. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Log;
}

/** Metrics. Names and labels are declared where the meter is made; an undeclared name is a bug and throws. */
export interface Meter {
  /** Adds to a counter. */
  count(name: string, labels?: Record<string, string>, by?: number): void;
  /** Sets a gauge. */
  set(name: string, labels: Record<string, string>, value: number): void;
  /** Removes one series of a gauge. */
  remove(name: string, labels: Record<string, string>): void;
  /** Observes a duration in seconds. */
  observe(name: string, labels: Record<string, string>, seconds: number): void;
}

export interface StoreEvent<T> {
  readonly type: 'added' | 'modified' | 'deleted';
  /** `namespace/name`, or `name` for cluster-scoped objects. */
  readonly key: string;
  readonly object: T;
  /** What the store held before; absent for 'added'. */
  readonly previous?: T;
}

/** A read-only, always current picture of one resource, kept by a reflector. Objects in it are frozen: who wants another one makes another one. */
export interface Store<T extends KubeObject> {
  /** True once the first list is complete; stays true. */
  readonly synced: boolean;
  readonly size: number;
  get(key: string): T | undefined;
  values(): IterableIterator<T>;
  /** Calls back at each change, synchronously and in order, after replaying what is there as 'added'. Returns the way to stop. */
  subscribe(listener: (event: StoreEvent<T>) => void): () => void;
  /** Resolves once synced. Rejects only when the signal aborts. */
  whenSynced(signal?: AbortSignal): Promise<void>;
}

export interface ObserveOptions {
  /** Only this namespace; all namespaces without. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** The kind need not be installed: where the API server does not know it, there are none of it, and it is looked for again. */
  mayBeMissing?: boolean;
  /** How long a watch may be silent before it is opened anew, for resources that change all the time. Default 150 s. */
  silentAfterMs?: number;
}

export interface WriteOptions {
  fieldManager?: string;
  subresource?: 'status';
  dryRun?: boolean;
  /** Refuse an object with a field the server does not know; without, such fields are dropped. */
  strict?: boolean;
  signal?: AbortSignal;
  /** Asked each time before the write is sent, repeats included; false: it is not sent, and rejects. */
  onlyWhile?: () => boolean;
}

export type PatchType = 'json' | 'merge' | 'strategic';

/**
 * The API server, in raw JSON. Every refusal is thrown as a KubeError (kube/kube-error.ts) that carries the Status; a lost
 * connection is thrown as the transport's own error.
 */
export interface KubeClient {
  /** Starts a list+watch that lives until stop(); the same arguments give a new, independent store. */
  observe<T extends KubeObject>(resource: Resource, options?: ObserveOptions): Store<T> & Startable;
  get<T extends KubeObject>(
    resource: Resource,
    ref: { namespace?: string; name: string },
  ): Promise<T | undefined>;
  list<T extends KubeObject>(resource: Resource, options?: ObserveOptions): Promise<KubeList<T>>;
  create<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  update<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  /** Server-side apply; `force` takes ownership of fields others own. */
  apply<T extends KubeObject>(
    resource: Resource,
    object: Partial<T> & { metadata: { name: string; namespace?: string } },
    options: WriteOptions & { fieldManager: string; force?: boolean },
  ): Promise<T>;
  patch<T extends KubeObject>(
    resource: Resource,
    ref: { namespace?: string; name: string },
    type: PatchType,
    body: unknown,
    options?: WriteOptions,
  ): Promise<T>;
  /** Resolves false where the object was already gone. */
  delete(
    resource: Resource,
    ref: { namespace?: string; name: string },
    options?: WriteOptions,
  ): Promise<boolean>;
}

/** Whether this process, of several, is the one that writes what only one may write. */
export interface Leadership {
  /** By the clock, at this moment. */
  leads(): boolean;
  /** Calls back when leading begins and when it ends. Returns the way to stop. */
  subscribe(listener: (leads: boolean) => void): () => void;
}

/** Writes core/v1 Events. Never throws and never blocks: an event that cannot be written is counted and dropped. */
export interface EventRecorder {
  record(
    object: KubeObject & { apiVersion?: string },
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void;
}

/** YAML text to a plain value; the reason in words where it is not YAML. */
export type ParseYaml = (text: string) => { ok: true; value: unknown } | { ok: false; why: string };

/** An address this node answers for, and on which of its interfaces. */
export interface AnsweredAddress {
  /** Canonical text, IPv4 or IPv6. */
  readonly address: string;
  /** Names; those that do not exist answer once they do. */
  readonly interfaces: readonly string[] | 'all';
}

/** What happened for one address since it was last told. */
export interface PacketCounts {
  readonly address: string;
  readonly requests: number;
  readonly responses: number;
  readonly gratuitous: number;
}

export type PacketEvent =
  /**
   * Interfaces came, went or changed: the names of all that are not excluded, whether up or not, and those on which
   * neighbours can be spoken to now. None of either while the adapter itself does not work. Without `links` these are not known.
   */
  | {
      readonly kind: 'interfaces';
      readonly names: readonly string[];
      readonly links?: readonly NodeLink[];
    }
  | { readonly kind: 'counted'; readonly counts: readonly PacketCounts[] }
  /** Another host, none of the friends, says that it has a watched address. Ten times a second for each at the most. */
  | { readonly kind: 'claimed'; readonly address: string; readonly mac: string; readonly interface: string };

/** Answers ARP and neighbour solicitations for addresses the kernel does not have. */
export interface PacketIo extends Startable {
  /** Replaces everything that is answered for. It stays in force until the next call, also across faults of the adapter. */
  answer(addresses: readonly AnsweredAddress[]): void;
  /** Tells the neighbours once, now, who has these addresses; those not answered for are skipped. */
  announce(addresses: readonly string[]): void;
  /**
   * Replaces what is listened for: others that say they have one of these addresses. `friends` are the hardware addresses of
   * those who may.
   */
  watch(addresses: readonly AnsweredAddress[], friends: readonly string[]): void;
  /** Asks the neighbours once, now, who has these addresses; those not watched are skipped. */
  probe(addresses: readonly string[]): void;
  /** Calls back with the interfaces at once when they are known, then at each event. Returns the way to stop. */
  subscribe(listener: (event: PacketEvent) => void): () => void;
}
