/**
 * Membership by the member list that MetalLB's speakers keep, so that speakers of both elect the same node: the state machine
 * of protocol/memberlist on real sockets, with the speakers' Pods to tell it where the others are.
 */
import { PODS } from '../api/kubernetes.ts';
import type { Pod } from '../api/kubernetes.ts';
import { parseAddress } from '../core/net/address.ts';
import { Alarm } from '../platform/alarm.ts';
import { GossipSockets } from '../platform/gossip-sockets.ts';
import type { GossipHandler } from '../platform/gossip-sockets.ts';
import type { Clock, KubeClient, Log, Startable, Store } from '../ports.ts';
import type { GossipConfig } from '../protocol/memberlist/config.ts';
import type { Endpoint } from '../protocol/memberlist/endpoint.ts';
import { MemberList } from '../protocol/memberlist/member-list.ts';
import type { NodeRow, Ping } from '../protocol/memberlist/message.ts';
import type { Circle } from '../protocol/memberlist/packet.ts';
import type { Note, Outlet } from '../protocol/memberlist/station.ts';
import type { MembershipListener } from './heartbeat.ts';

export interface GossipSettings {
  /** Where others find this speaker, and the port on which they all listen. */
  readonly endpoint: Endpoint;
  readonly listenAddress?: string;
  /** The label selector of the speakers' Pods. */
  readonly podSelector: string;
  readonly circle: Circle;
  readonly config: GossipConfig;
}

export interface GossipDeps {
  readonly client: Pick<KubeClient, 'observe'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  readonly nodeName: string;
  /** At least 0, less than 1. */
  readonly random: () => number;
}

/** Who is not found in this time is taken for dead, at the start; it is looked for further. */
const JOIN_WITHIN_MS = 1500;
/** Between the first message that this speaker leaves and its silence: others take over, and their frames arrive. */
const HANDOVER_MS = 60;
const OPEN_AGAIN_AFTER_MS = 1000;
/** The same fault of the same sender is said once in this time. */
const SAY_AGAIN_AFTER_MS = 600_000;
const MOST_COMPLAINTS = 1000;

export class Gossip implements Startable {
  readonly #deps: GossipDeps;
  readonly #settings: GossipSettings;
  readonly #listener: MembershipListener;
  readonly #pods: Store<Pod> & Startable;
  #sockets: GossipSockets | undefined;
  readonly #said = new Map<string, number>();
  #list: MemberList | undefined;
  #alive: ReadonlySet<string> = new Set();
  #joined = false;
  #stopped = false;
  #reporting = false;
  /** Others took this speaker for dead since the last report. */
  #revived = false;
  #cancelJoin = (): void => {};
  /** What rings when the list has something to do, and when that is. */
  #alarm: Alarm | undefined;
  #dueMs = Infinity;

  constructor(settings: GossipSettings, deps: GossipDeps, listener: MembershipListener) {
    this.#settings = settings;
    this.#deps = deps;
    this.#listener = listener;
    const { namespace } = deps;
    this.#pods = deps.client.observe<Pod>(PODS, { namespace, labelSelector: settings.podSelector });
  }

  /** From here on this node counts as a member: call it when everything else is ready to announce. */
  async start(): Promise<void> {
    const { clock, nodeName } = this.#deps;
    await this.#pods.start();
    await this.#pods.whenSynced();
    await this.#open();
    if (this.#stopped) return;
    this.#alarm = new Alarm(() => {
      this.#dueMs = Infinity;
      this.#act(() => {});
    });
    const self = {
      name: nodeName,
      endpoint: this.#settings.endpoint,
      // Seconds since 1970: more than in any earlier life, so nobody holds that one's death against this one.
      incarnation: Math.floor(clock.nowMs() / 1000),
    };
    this.#list = new MemberList(self, this.#settings.config, this.#outlet(), clock.monotonicMs());
    this.#pods.subscribe(() => this.#act((list) => list.expect(this.#endpoints())));
    this.#act((list) => list.expect(this.#endpoints()));
    this.#cancelJoin = clock.after(JOIN_WITHIN_MS, () => this.#join());
    if (this.#list.complete) this.#join();
  }

  /** Leaves, so that others take over at once, and gives them the time for it. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelJoin();
    const others = (this.#list?.living.size ?? 0) > 1;
    this.#act((list) => list.leave());
    if (others) await new Promise<void>((resolve) => void this.#deps.clock.after(HANDOVER_MS, resolve));
    this.#alarm?.close();
    this.#list = undefined;
    await this.#sockets?.stop();
    await this.#pods.stop();
  }

  /** Again and again: who stops may still have the port, and an address may be on its way. */
  async #open(): Promise<void> {
    const { endpoint, circle, listenAddress, config } = this.#settings;
    const listen = listenAddress === undefined ? {} : { listenAddress };
    const options = { endpoint, circle, streamTimeoutMs: config.tcpTimeoutMs, ...listen };
    for (let said = false; !this.#stopped; said = true) {
      const sockets = new GossipSockets(options, this.#handler());
      try {
        await sockets.start();
        this.#sockets = sockets;
        return;
      } catch (error) {
        if (!said) this.#deps.log.error('this node takes no part in announcing', { error });
        await new Promise<void>((resolve) => void this.#deps.clock.after(OPEN_AGAIN_AFTER_MS, resolve));
      }
    }
  }

  #join(): void {
    if (this.#joined || this.#stopped) return;
    this.#joined = true;
    this.#cancelJoin();
    this.#report();
  }

  /** Everything goes through here: the list learns the time, does it, and has its next timer set. */
  #act(action: (list: MemberList) => void): void {
    const list = this.#list;
    if (list === undefined) return;
    const { clock } = this.#deps;
    list.advance(clock.monotonicMs());
    action(list);
    const { dueMs } = list;
    if (dueMs === this.#dueMs) return;
    this.#dueMs = dueMs;
    this.#alarm?.set(dueMs - clock.monotonicMs());
  }

  #outlet(): Outlet {
    return {
      random: this.#deps.random,
      send: (to, message, checksummed) => this.#sockets?.send(to, message, checksummed),
      exchange: (to, join) => void this.#exchange(to, join),
      contact: (to, node) => void this.#contact(to, node),
      pingByStream: (to, ping, timeoutMs) => void this.#pingByStream(to, ping, timeoutMs),
      changed: () => this.#changed(),
      note: (note) => this.#note(note),
    };
  }

  #handler(): GossipHandler {
    return {
      receive: (messages, from) =>
        this.#act((list) => {
          for (const message of messages) list.receive(message, from);
        }),
      exchange: (rows) => {
        const known = this.#list?.rows ?? [];
        this.#act((list) => list.merge(rows));
        return known;
      },
      isMeant: (ping) => this.#list?.isMeant(ping) ?? false,
      refuse: (why, { address }) => this.#refuse(why, address),
    };
  }

  async #exchange(to: Endpoint, join: boolean): Promise<void> {
    const known: readonly NodeRow[] = this.#list?.rows ?? [];
    const rows = await this.#sockets?.exchange(to, known, join);
    this.#act((list) => {
      if (rows !== undefined) list.merge(rows);
      list.exchanged(to);
      if (list.complete) this.#join();
    });
  }

  async #contact(to: Endpoint, node: string): Promise<void> {
    const outcome = await this.#sockets?.contact(to);
    if (outcome === 'accepted' || outcome === 'refused') this.#act((list) => list.contacted(node, outcome));
  }

  async #pingByStream(to: Endpoint, ping: Ping, timeoutMs: number): Promise<void> {
    if ((await this.#sockets?.ping(to, ping, timeoutMs)) !== true) return;
    this.#act((list) => list.receive({ type: 'ack', seqNo: ping.seqNo }, to));
  }

  /** Once for all that happens in one turn. */
  #changed(): void {
    if (!this.#joined || this.#reporting) return;
    this.#reporting = true;
    this.#deps.clock.after(0, () => {
      this.#reporting = false;
      if (!this.#stopped) this.#report();
    });
  }

  #report(): void {
    const living = this.#list?.living ?? new Set();
    const came = [...living].some((node) => !this.#alive.has(node));
    const went = [...this.#alive].some((node) => !living.has(node));
    this.#alive = living;
    // Who was taken for dead was replaced, even if it missed nobody itself: neighbours believe who spoke last.
    const returned = came || this.#revived;
    this.#revived = false;
    if (returned || went) this.#listener(living, returned);
  }

  /** Where the Pods are, in the family of addresses that this speaker has. */
  #endpoints(): Endpoint[] {
    const { address: own, port } = this.#settings.endpoint;
    const family = parseAddress(own)?.family;
    return [...this.#pods.values()].flatMap(({ status = {} }) => {
      if (status.phase === 'Succeeded' || status.phase === 'Failed') return [];
      const all = [...(status.podIPs ?? []).map(({ ip }) => ip), status.podIP];
      const address = all.find((ip) => ip !== undefined && parseAddress(ip)?.family === family);
      return address === undefined ? [] : [{ address, port }];
    });
  }

  #note({ kind, node, by }: Note): void {
    const { log } = this.#deps;
    if (kind === 'dead') log.info('a speaker is dead', { speaker: node, by });
    else if (kind === 'suspect') log.debug('a speaker is suspected', { speaker: node, by });
    else if (kind === 'revived') {
      log.warn('others took this speaker for dead', { by });
      this.#revived = true;
      this.#changed();
    } else if (kind === 'refuted') log.warn('somebody suspected this speaker', { by });
    else if (kind === 'streamOnly')
      this.#sayOnce(`streamOnly ${node}`, 'a speaker answers over TCP only: let UDP through to it', {
        speaker: node,
      });
    else
      this.#sayOnce(`conflict ${node} ${by}`, 'two speakers have the name of one node', {
        speaker: node,
        by,
      });
  }

  #refuse(why: string, from: string): void {
    const advice = ADVICE[why];
    if (advice !== undefined) this.#sayOnce(`${why} ${from}`, advice, { from });
  }

  #sayOnce(what: string, message: string, fields: Record<string, string>): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - (this.#said.get(what) ?? -Infinity) < SAY_AGAIN_AFTER_MS) return;
    // Senders can be made up.
    if (this.#said.size >= MOST_COMPLAINTS) this.#said.clear();
    this.#said.set(what, nowMs);
    this.#deps.log.warn(message, fields);
  }
}

const KEY_ADVICE =
  'a member list message cannot be decrypted: its sender has another key; give all speakers the same Secret and restart them';

const ADVICE: Readonly<Record<string, string>> = {
  key: KEY_ADVICE,
  clear:
    'a member list message is not encrypted although this speaker has a key; give all speakers the same Secret and restart them',
  label: 'a member list message carries the label of another cluster',
  malformed: 'a member list message cannot be read',
  tooLong: 'a member list message is too long',
  checksum: 'a member list message arrived damaged',
};
