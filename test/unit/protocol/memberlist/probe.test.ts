/** One member list alone, whose others are played by the test: what it asks of whom and when, and what it does for others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LAN } from '../../../../src/protocol/memberlist/config.ts';
import { MemberList } from '../../../../src/protocol/memberlist/member-list.ts';
import type { Ack, IndirectPing, Message, Nack, Ping } from '../../../../src/protocol/memberlist/message.ts';
import { decodePacket } from '../../../../src/protocol/memberlist/packet.ts';
import type { Note } from '../../../../src/protocol/memberlist/station.ts';

const PORT = 7946;
/** So quick that the watch, which is impatient in the end, has no say. */
const QUICK = { ...LAN, probeIntervalMs: 200, probeTimeoutMs: 100 };
const VERSIONS = Uint8Array.of(1, 5, 2, 0, 0, 0);
const ADDRESSES: Readonly<Record<string, readonly number[]>> = {
  self: [10, 0, 0, 1],
  mute: [10, 0, 0, 2],
  'helper-1': [10, 0, 0, 3],
  'helper-2': [10, 0, 0, 4],
  'helper-3': [10, 0, 0, 5],
};
const textOf = (node: string): string => ADDRESSES[node]?.join('.') ?? '';
const nodeAt = (address: string): string =>
  Object.keys(ADDRESSES).find((node) => textOf(node) === address) ?? address;

interface Sent {
  readonly atMs: number;
  readonly to: string;
  readonly message: Message;
}

class Rig {
  readonly sent: Sent[] = [];
  readonly notes: (Note & { readonly atMs: number; readonly unhealth: number })[] = [];
  readonly streamed: string[] = [];
  /** What becomes of a message for somebody, once it is there. */
  plays: (to: string, message: Message) => Message | undefined = () => undefined;
  answersStreams = false;
  nowMs = 0;
  readonly list: MemberList;
  readonly #mail: (() => void)[] = [];

  constructor(...others: readonly string[]) {
    const self = { name: 'self', endpoint: { address: textOf('self'), port: PORT }, incarnation: 1 };
    this.list = new MemberList(
      self,
      QUICK,
      {
        random: () => 0,
        send: (to, bytes) => this.#send(nodeAt(to.address), bytes),
        exchange: () => {},
        // Its kernel is there: the watch leaves it to the protocol.
        contact: (_to, node) => void this.#mail.push(() => this.list.contacted(node, 'accepted')),
        pingByStream: (to, { seqNo }) => {
          this.streamed.push(nodeAt(to.address));
          if (this.answersStreams) this.#mail.push(() => this.list.receive({ type: 'ack', seqNo }, to));
        },
        changed: () => {},
        note: (note) => void this.notes.push({ ...note, atMs: this.nowMs, unhealth: this.list.unhealth }),
      },
      0,
    );
    for (const node of others) this.alive(node);
  }

  alive(node: string): void {
    const address = Uint8Array.from(ADDRESSES[node] ?? []);
    const meta = new Uint8Array();
    this.hears(node, { type: 'alive', node, incarnation: 1, address, port: PORT, meta, versions: VERSIONS });
  }

  hears(from: string, message: Message): void {
    this.list.receive(message, { address: textOf(from), port: PORT });
  }

  /** Nobody’s word raises its own doubts, but that it has to defend itself. */
  slander(times: number): void {
    for (let incarnation = 100; incarnation < 100 + times; incarnation += 1)
      this.hears('mute', { type: 'suspect', node: 'self', incarnation, from: 'mute' });
  }

  run(untilMs: number, done: () => boolean = () => false): void {
    while (!done() && this.list.dueMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.list.dueMs);
      this.list.advance(this.nowMs);
      for (let mail = this.#mail.shift(); mail !== undefined; mail = this.#mail.shift()) mail();
    }
    if (done()) return;
    this.nowMs = untilMs;
    this.list.advance(untilMs);
  }

  suspicion(of: string): Rig['notes'][number] | undefined {
    return this.notes.find(({ kind, node }) => kind === 'suspect' && node === of);
  }

  take<T extends Message['type']>(type: T): (readonly [to: string, message: Message & { type: T }])[] {
    return this.sent
      .splice(0)
      .flatMap(({ to, message }) => (isOf(message, type) ? [[to, message] as const] : []));
  }

  #send(to: string, bytes: Uint8Array): void {
    const decoded = decodePacket(bytes, { label: '' });
    assert.ok(decoded.kind === 'messages' && decoded.dropped === 0);
    for (const message of decoded.messages) {
      this.sent.push({ atMs: this.nowMs, to, message });
      const answer = this.plays(to, message);
      if (answer !== undefined) this.#mail.push(() => this.hears(to, answer));
    }
  }
}

function isOf<T extends Message['type']>(message: Message, type: T): message is Message & { type: T } {
  return message.type === type;
}

const ack = ({ seqNo }: Ping | IndirectPing): Ack => ({ type: 'ack', seqNo });
const nack = ({ seqNo }: IndirectPing): Nack => ({ type: 'nack', seqNo });

const request: IndirectPing = {
  type: 'indirectPing',
  seqNo: 4711,
  target: Uint8Array.from(ADDRESSES['mute'] ?? []),
  port: PORT,
  node: 'mute',
  nack: true,
};
const answers = (rig: Rig): (readonly [string, string, number])[] =>
  rig.sent
    .splice(0)
    .flatMap(({ to, message }) =>
      isOf(message, 'ack') || isOf(message, 'nack') ? [[to, message.type, message.seqNo] as const] : [],
    );

test('asked to ask, it asks by a number of its own and hands the answer on under the number it was given', () => {
  const rig = new Rig();
  rig.hears('helper-1', request);
  const [[to, ping] = ['', undefined], ...more] = rig.take('ping');
  assert.deepEqual([to, ping?.node, more.length], ['mute', 'mute', 0]);
  assert.ok(ping && ping.seqNo !== request.seqNo);
  rig.run(50);
  assert.deepEqual(answers(rig), []);
  rig.hears('mute', ack(ping));
  assert.deepEqual(answers(rig), [['helper-1', 'ack', 4711]]);
  rig.run(QUICK.probeTimeoutMs + 50);
  rig.hears('mute', ack(ping));
  assert.deepEqual(answers(rig), [], 'once');
});

test('without an answer in time it says so to who wants to know, and a late answer is nobody’s', () => {
  for (const wanted of [true, false]) {
    const rig = new Rig();
    rig.hears('helper-1', { ...request, nack: wanted });
    const [[, ping] = []] = rig.take('ping');
    assert.ok(ping);
    rig.run(QUICK.probeTimeoutMs - 1);
    assert.deepEqual(answers(rig), []);
    rig.run(QUICK.probeTimeoutMs);
    assert.deepEqual(answers(rig), wanted ? [['helper-1', 'nack', 4711]] : []);
    rig.hears('mute', ack(ping));
    assert.deepEqual(answers(rig), []);
  }
});

test('an answer goes to where the question says; by IPv6 too; nothing is asked at what is no address', () => {
  const rig = new Rig();
  const source = { address: Uint8Array.of(10, 0, 0, 5), port: 7000, node: 'helper-3' };
  const target = Uint8Array.from(Buffer.from('fd000016000000000000000000000012', 'hex'));
  rig.hears('helper-1', { ...request, target, source });
  const [[to, ping] = ['', undefined]] = rig.take('ping');
  assert.equal(to, 'fd00:16::12');
  assert.ok(ping);
  rig.hears('mute', ack(ping));
  assert.deepEqual(answers(rig), [['helper-3', 'ack', 4711]]);
  rig.hears('helper-1', { ...request, target: target.subarray(0, 5) });
  assert.deepEqual(rig.sent, []);
});

const HELPERS = ['helper-1', 'helper-2', 'helper-3'];

/** Helpers who answer for themselves, and for the mute one as `outcome` says. */
function suspecting(outcome: (ping: IndirectPing) => Message | undefined): Rig {
  const rig = new Rig('mute', ...HELPERS);
  rig.plays = (to, message) => {
    if (to === 'mute') return undefined;
    if (isOf(message, 'ping')) return ack(message);
    return isOf(message, 'indirectPing') ? outcome(message) : undefined;
  };
  rig.run(2000, () => rig.suspicion('mute') !== undefined);
  return rig;
}

test('who does not answer is asked through three others and over TCP, and then suspected', () => {
  const rig = suspecting(nack);
  const asked = rig.sent.filter(({ message }) => isOf(message, 'indirectPing') && message.nack);
  assert.deepEqual(asked.map(({ to }) => to).toSorted(), HELPERS);
  assert.deepEqual(rig.streamed, ['mute']);
  assert.equal(rig.suspicion('mute')?.by, 'self');
});

test('one that an other reaches is not suspected', () => {
  const rig = suspecting(ack);
  assert.deepEqual(rig.notes, []);
  assert.ok(rig.sent.some(({ message }) => isOf(message, 'indirectPing')));
});

test('nor is one that answers over TCP alone; that is said', () => {
  const rig = new Rig('mute');
  rig.answersStreams = true;
  rig.run(2000);
  assert.equal(rig.suspicion('mute'), undefined);
  assert.ok(rig.notes.some(({ kind, node }) => kind === 'streamOnly' && node === 'mute'));
});

test('Lifeguard: where others say that they had no answer either it is well itself; where they are silent it is not', () => {
  assert.equal(suspecting(nack).suspicion('mute')?.unhealth, 0);
  assert.equal(suspecting(() => undefined).suspicion('mute')?.unhealth, 3);
  let said = 0;
  assert.equal(
    suspecting((ping) => (ping.nack && said++ < 2 ? nack(ping) : undefined)).suspicion('mute')?.unhealth,
    1,
  );
});

test('Lifeguard: the worse it is itself, the longer it waits for others, up to eight times; and it recovers', () => {
  const waited = (slanders: number): number => {
    const rig = new Rig('mute');
    rig.slander(slanders);
    rig.run(5000, () => rig.suspicion('mute') !== undefined);
    return (rig.suspicion('mute')?.atMs ?? Infinity) / QUICK.probeIntervalMs;
  };
  assert.deepEqual([0, 1, 3, 7, 20].map(waited), [1, 2, 4, 8, 8]);
  const rig = new Rig('mute');
  rig.slander(20);
  assert.equal(rig.list.unhealth, QUICK.awarenessMaxMultiplier - 1);
  rig.plays = (_to, message) => (isOf(message, 'ping') ? ack(message) : undefined);
  const course: number[] = [];
  for (let probes = 0; probes < 9; probes += 1) {
    rig.run((probes + 0.5) * QUICK.probeIntervalMs);
    course.push(rig.list.unhealth);
  }
  assert.deepEqual(course, [6, 5, 4, 3, 2, 1, 0, 0, 0]);
});
