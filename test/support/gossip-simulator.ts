/**
 * A cluster of member lists under virtual time: every datagram is encoded and decoded, takes its time or is lost, links are
 * cut, programs killed or stopped for a while. A seed replays it all.
 */
import { LAN } from '../../src/protocol/memberlist/config.ts';
import type { GossipConfig } from '../../src/protocol/memberlist/config.ts';
import type { Endpoint } from '../../src/protocol/memberlist/endpoint.ts';
import { MemberList } from '../../src/protocol/memberlist/member-list.ts';
import type { Ping } from '../../src/protocol/memberlist/message.ts';
import { decodePacket, encodePacket } from '../../src/protocol/memberlist/packet.ts';
import type { Note } from '../../src/protocol/memberlist/station.ts';

const CIRCLE = { label: '' };
const PORT = 7946;
const CONNECT_TIMEOUT_MS = 1000;

export interface Weather {
  /** Share of datagrams and of first SYNs that get lost. */
  loss: number;
  /** One way: at least, and at most. */
  delayMs: readonly [number, number];
}

interface Loss {
  readonly atMs: number;
  readonly by: string;
  readonly of: string;
}

export class SimulatedNode {
  readonly name: string;
  readonly endpoint: Endpoint;
  list: MemberList;
  state: 'running' | 'killed' = 'running';
  /** Until then the program stands still, and its kernel keeps what comes in. */
  stoppedUntilMs = 0;
  /** Only nodes of the same island reach each other. */
  island = 0;
  living: ReadonlySet<string> = new Set();
  wakeMs = Infinity;

  constructor(name: string, endpoint: Endpoint, list: MemberList) {
    this.name = name;
    this.endpoint = endpoint;
    this.list = list;
  }
}

export class GossipSimulator {
  readonly weather: Weather = { loss: 0, delayMs: [0.2, 1] };
  readonly nodes: SimulatedNode[] = [];
  /** Whenever somebody took somebody off its list. */
  readonly losses: Loss[] = [];
  readonly notes: (Note & { readonly at: string })[] = [];
  datagrams = 0;
  exchanges = 0;
  readonly #byAddress = new Map<string, SimulatedNode>();
  readonly #random: () => number;
  readonly #heap = new Heap();
  #nowMs = 0;
  #lives = 0;

  constructor(count: number, seed: number, config: GossipConfig = LAN) {
    this.#random = generator(seed);
    for (let i = 0; i < count; i += 1) {
      const name = `node-${String(i).padStart(3, '0')}`;
      const endpoint = { address: `10.0.${i >> 8}.${i & 255}`, port: PORT };
      const node: SimulatedNode = new SimulatedNode(
        name,
        endpoint,
        this.#list(() => node, name, endpoint, config),
      );
      node.living = node.list.living;
      this.nodes.push(node);
      this.#byAddress.set(endpoint.address, node);
    }
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Everybody is told where everybody is. */
  introduce(): void {
    const endpoints = this.nodes.map(({ endpoint }) => endpoint);
    for (const node of this.nodes) this.act(node, () => node.list.expect(endpoints));
  }

  /** Another address of a node: there it is reached, and does not say so. */
  alias(node: SimulatedNode, address: string): Endpoint {
    this.#byAddress.set(address, node);
    return { address, port: PORT };
  }

  node(index: number): SimulatedNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`no node ${index}`);
    return node;
  }

  /** Lets a node do something now. */
  act(node: SimulatedNode, action: () => void): void {
    if (node.state === 'killed') return;
    node.list.advance(this.#nowMs);
    action();
    this.#wake(node);
  }

  run(ms: number): void {
    this.#runUntil(this.#nowMs + ms, () => false);
  }

  /** Runs until it holds, at most `ms`; the time it took, or undefined. */
  runUntil(ms: number, holds: () => boolean): number | undefined {
    const startMs = this.#nowMs;
    this.#runUntil(startMs + ms, holds);
    return holds() ? this.#nowMs - startMs : undefined;
  }

  /** True where all of them have exactly these on their lists. */
  agree(nodes: readonly SimulatedNode[], on: readonly SimulatedNode[] = nodes): boolean {
    return nodes.every(({ living }) => living.size === on.length && on.every(({ name }) => living.has(name)));
  }

  #list(self: () => SimulatedNode, name: string, endpoint: Endpoint, config: GossipConfig): MemberList {
    const outlet = {
      random: this.#random,
      send: (to: Endpoint, message: Uint8Array, checksummed: boolean) =>
        this.#send(self(), to, encodePacket(message, CIRCLE, checksummed)),
      exchange: (to: Endpoint) => this.#exchange(self(), to),
      contact: (to: Endpoint, node: string) => this.#contact(self(), to, node),
      pingByStream: (to: Endpoint, ping: Ping) => this.#pingByStream(self(), to, ping),
      changed: () => this.#compare(self()),
      note: (note: Note) => void this.notes.push({ ...note, at: name }),
    };
    this.#lives += 1;
    return new MemberList({ name, endpoint, incarnation: this.#lives }, config, outlet, this.#nowMs);
  }

  #compare(node: SimulatedNode): void {
    const { living } = node.list;
    for (const name of node.living)
      if (!living.has(name)) this.losses.push({ atMs: this.#nowMs, by: node.name, of: name });
    node.living = living;
  }

  #send(from: SimulatedNode, to: Endpoint, bytes: Uint8Array): void {
    this.datagrams += 1;
    const receiver = this.#byAddress.get(to.address);
    if (receiver === undefined || this.#random() < this.weather.loss) return;
    this.#after(this.#delay(), () => {
      if (!this.#linked(from, receiver)) return;
      this.#deliver(receiver, () => {
        const decoded = decodePacket(bytes, CIRCLE);
        if (decoded.kind !== 'messages' || decoded.dropped > 0)
          throw new Error('a datagram that cannot be read');
        for (const message of decoded.messages) receiver.list.receive(message, from.endpoint);
      });
    });
  }

  #exchange(from: SimulatedNode, to: Endpoint): void {
    this.exchanges += 1;
    const receiver = this.#byAddress.get(to.address);
    const ours = from.list.rows;
    const done = (): void => this.#deliver(from, () => from.list.exchanged(to));
    if (receiver === undefined || receiver.state === 'killed' || !this.#linked(from, receiver)) {
      this.#after(CONNECT_TIMEOUT_MS, done);
      return;
    }
    this.#after(3 * this.#delay(), () =>
      this.#deliver(receiver, () => {
        const theirs = receiver.list.rows;
        receiver.list.merge(ours);
        this.#after(this.#delay(), () => {
          if (this.#linked(from, receiver)) this.#deliver(from, () => from.list.merge(theirs));
          done();
        });
      }),
    );
  }

  #contact(from: SimulatedNode, to: Endpoint, name: string): void {
    const receiver = this.#byAddress.get(to.address);
    if (receiver === undefined || !this.#linked(from, receiver) || this.#random() < 2 * this.weather.loss)
      return;
    const outcome = receiver.state === 'killed' ? 'refused' : 'accepted';
    this.#after(2 * this.#delay(), () => this.#deliver(from, () => from.list.contacted(name, outcome)));
  }

  #pingByStream(from: SimulatedNode, to: Endpoint, { seqNo }: Ping): void {
    const receiver = this.#byAddress.get(to.address);
    if (receiver === undefined || receiver.state === 'killed' || !this.#linked(from, receiver)) return;
    this.#after(3 * this.#delay(), () =>
      this.#deliver(receiver, () =>
        this.#after(this.#delay(), () =>
          this.#deliver(from, () => from.list.receive({ type: 'ack', seqNo }, to)),
        ),
      ),
    );
  }

  /** Once the program runs, with the timers that are due before it, as an event loop does. */
  #deliver(node: SimulatedNode, action: () => void): void {
    if (node.stoppedUntilMs > this.#nowMs)
      this.#after(node.stoppedUntilMs - this.#nowMs, () => this.act(node, action));
    else this.act(node, action);
  }

  #linked(a: SimulatedNode, b: SimulatedNode): boolean {
    return a.island === b.island;
  }

  #delay(): number {
    const [least, most] = this.weather.delayMs;
    return least + this.#random() * (most - least);
  }

  #after(ms: number, run: () => void): void {
    this.#heap.push({ atMs: this.#nowMs + ms, run });
  }

  #wake(node: SimulatedNode): void {
    const { dueMs } = node.list;
    if (dueMs >= node.wakeMs && node.wakeMs > this.#nowMs) return;
    node.wakeMs = dueMs;
    const atMs = Math.max(dueMs, node.stoppedUntilMs, this.#nowMs);
    this.#heap.push({ atMs, run: () => this.#ring(node, dueMs) });
  }

  #ring(node: SimulatedNode, dueMs: number): void {
    if (node.wakeMs !== dueMs) return;
    node.wakeMs = Infinity;
    this.#deliver(node, () => {});
  }

  #runUntil(endMs: number, holds: () => boolean): void {
    for (const node of this.nodes) this.#wake(node);
    while (!holds()) {
      const next = this.#heap.peek();
      if (next === undefined || next.atMs > endMs) {
        this.#nowMs = endMs;
        return;
      }
      this.#heap.pop();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
  }
}

interface Happening {
  readonly atMs: number;
  readonly run: () => void;
}

class Heap {
  readonly #items: Happening[] = [];

  peek(): Happening | undefined {
    return this.#items[0];
  }

  push(item: Happening): void {
    const items = this.#items;
    let at = items.length;
    for (let up = (at - 1) >> 1; at > 0; up = (at - 1) >> 1) {
      const parent = items[up];
      if (parent === undefined || parent.atMs <= item.atMs) break;
      items[at] = parent;
      at = up;
    }
    items[at] = item;
  }

  pop(): void {
    const items = this.#items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [a, b] = [items[left], items[left + 1]];
      const down = a !== undefined && b !== undefined && b.atMs < a.atMs ? left + 1 : left;
      const child = items[down];
      if (child === undefined || child.atMs >= last.atMs) break;
      items[at] = child;
      at = down;
    }
    items[at] = last;
  }
}

/** Numbers of 0 to 1 from a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
