/** A speaker's Lease and everybody's: writes the own, reads all, and keeps the membership that follows from them. */
import { SPEAKER_FIELD_MANAGER } from '../api/annotations.ts';
import { LEASES } from '../api/kubernetes.ts';
import type { Lease } from '../api/kubernetes.ts';
import type { Clock, KubeClient, Log, Startable, Store, StoreEvent } from '../ports.ts';
import { createMembership, step } from './membership.ts';
import type { Membership, MembershipEvent } from './membership.ts';

const RENEW_EVERY_MS = 500;
const LEASE_SECONDS = 2;
/** A write that takes longer is given up for a newer one. */
const WRITE_TIMEOUT_MS = 1000;
/**
 * The stream shows at least the own renewals. Where it does not, its peer may be gone without a word, such as an API
 * server on the very node that died; until another one is asked the list is frozen.
 */
const SILENT_AFTER_MS = 5000;
const LABEL = { 'app.kubernetes.io/component': 'speaker' };
const NAME_PREFIX = 'cleat-speaker-';

export interface HeartbeatDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the Leases are. */
  readonly namespace: string;
  readonly nodeName: string;
}

/** `returned`: some speaker, or this one, is back after others had taken its addresses or may have. */
export type MembershipListener = (alive: ReadonlySet<string>, returned: boolean) => void;

export class Heartbeat implements Startable {
  readonly #deps: HeartbeatDeps;
  readonly #listener: MembershipListener;
  readonly #leases: Store<Lease> & Startable;
  #membership: Membership;
  #cancelTimer: (() => void) | undefined;
  /** The write under way, or the last one. Never rejects. */
  #renewal: Promise<void> | undefined;
  /** A judgement is due. */
  #judging = false;
  #steadySinceMs: number | undefined;
  #failing = false;
  #stopped = false;

  constructor(deps: HeartbeatDeps, listener: MembershipListener) {
    this.#deps = deps;
    this.#listener = listener;
    this.#membership = createMembership(deps.nodeName, LEASE_SECONDS * 1000);
    this.#leases = deps.client.observe<Lease>(LEASES, {
      namespace: deps.namespace,
      labelSelector: Object.entries(LABEL)
        .map(([key, value]) => `${key}=${value}`)
        .join(),
      silentAfterMs: SILENT_AFTER_MS,
    });
  }

  /** From here on this node counts as a member: call it when everything else is ready to announce. */
  async start(): Promise<void> {
    await this.#leases.start();
    this.#leases.subscribe((event) => this.#hear(event));
    await this.#leases.whenSynced();
    if (!this.#stopped) this.#renewal = this.#renew();
    await this.#renewal;
  }

  /** Deletes the Lease, so that others take over at once. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelTimer?.();
    if (this.#renewal !== undefined) {
      await this.#renewal; // else it might be written after it was deleted
      await this.#release();
    }
    await this.#leases.stop();
  }

  async #release(): Promise<void> {
    const { client, namespace, nodeName } = this.#deps;
    try {
      await this.#bounded((signal) =>
        client.delete(LEASES, { namespace, name: NAME_PREFIX + nodeName }, { signal }),
      );
    } catch (error) {
      this.#deps.log.warn('the Lease could not be deleted: others take over when it expires', { error });
    }
  }

  #hear({ type, object }: StoreEvent<Lease>): void {
    const { holderIdentity: node = '', renewTime: renewal = '' } = object.spec ?? {};
    if (node === '' || object.metadata.name !== NAME_PREFIX + node) return;
    if (type === 'deleted') this.#step({ kind: 'gone', node });
    else this.#step({ kind: 'seen', node, renewal, atMs: this.#deps.clock.monotonicMs() });
    // A list or a burst of events is judged when all of it has been heard: in the middle of one the oldest news of some
    // would stand against the newest of others.
    if (this.#judging) return;
    this.#judging = true;
    this.#deps.clock.after(0, () => this.#judge());
  }

  #judge(): void {
    this.#judging = false;
    if (this.#stopped) return;
    const before = this.#membership;
    this.#step({ kind: 'judge' });
    const { alive, self, members } = this.#membership;
    const joined = [...alive].some((node) => !before.alive.has(node));
    const left = [...before.alive].some((node) => !alive.has(node));
    const steadySinceMs = members.get(self)?.steadySinceMs;
    const resumed = steadySinceMs !== this.#steadySinceMs;
    this.#steadySinceMs = steadySinceMs;
    if (joined || left || resumed) this.#listener(alive, joined || resumed);
  }

  #step(event: MembershipEvent): void {
    this.#membership = step(this.#membership, event);
  }

  /** Writes the Lease and sees to it that it is written again. */
  async #renew(): Promise<void> {
    const { clock, client, log, namespace, nodeName } = this.#deps;
    const atMs = clock.monotonicMs();
    const renewTime = formatMicroTime(clock.nowMs());
    this.#step({ kind: 'sent', renewal: renewTime, atMs });
    try {
      await this.#bounded((signal) =>
        client.apply<Lease>(
          LEASES,
          {
            apiVersion: 'coordination.k8s.io/v1',
            kind: 'Lease',
            metadata: { name: NAME_PREFIX + nodeName, namespace, labels: LABEL },
            spec: { holderIdentity: nodeName, leaseDurationSeconds: LEASE_SECONDS, renewTime },
          },
          { fieldManager: SPEAKER_FIELD_MANAGER, force: true, signal },
        ),
      );
      if (this.#failing) log.info('the Lease is renewed again');
      this.#failing = false;
    } catch (error) {
      if (!this.#failing)
        log.warn('the Lease could not be renewed: the list of speakers is frozen', { error });
      this.#failing = true;
    }
    if (this.#stopped) return;
    const elapsedMs = clock.monotonicMs() - atMs;
    this.#cancelTimer = clock.after(Math.max(0, RENEW_EVERY_MS - elapsedMs), () => {
      this.#renewal = this.#renew();
    });
  }

  async #bounded<T>(write: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const cancel = this.#deps.clock.after(WRITE_TIMEOUT_MS, () =>
      controller.abort(new Error(`no answer within ${WRITE_TIMEOUT_MS} ms`)),
    );
    try {
      return await write(controller.signal);
    } finally {
      cancel();
    }
  }
}

/** meta/v1 MicroTime with its six digits, so that the server stores the very same text. */
function formatMicroTime(nowMs: number): string {
  return new Date(nowMs).toISOString().replace('Z', '000Z');
}
