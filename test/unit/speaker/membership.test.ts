import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMembership, step } from '../../../src/speaker/membership.ts';
import type { Membership, MembershipEvent } from '../../../src/speaker/membership.ts';

const LEASE_MS = 2000;
const BEAT_MS = 500;

/** A stream of Leases as one speaker, `me`, sees it, and the time of its own clock. */
class Stream {
  state: Membership = createMembership('me', LEASE_MS);
  nowMs = 0;
  #number = 0;

  send(): string {
    const renewal = `me ${(this.#number += 1)}`;
    this.#step({ kind: 'sent', renewal, atMs: this.nowMs });
    return renewal;
  }

  see(node: string, renewal: string): void {
    this.#step({ kind: 'seen', node, renewal, atMs: this.nowMs });
  }

  gone(node: string): void {
    this.#step({ kind: 'gone', node });
  }

  judge(): string[] {
    this.#step({ kind: 'judge' });
    return [...this.state.alive].toSorted();
  }

  /** Everybody named renews, and the stream shows it. `me` may be one of them. */
  beat(...nodes: readonly string[]): string[] {
    this.nowMs += BEAT_MS;
    for (const node of nodes) this.see(node, node === 'me' ? this.send() : `${node} ${this.nowMs}`);
    return this.judge();
  }

  beats(times: number, ...nodes: readonly string[]): string[] {
    for (let i = 1; i < times; i += 1) this.beat(...nodes);
    return this.beat(...nodes);
  }

  #step(event: MembershipEvent): void {
    this.state = step(this.state, event);
  }
}

test('a speaker is a member once its own renewal has come back', () => {
  const stream = new Stream();
  const renewal = stream.send();
  assert.deepEqual(stream.judge(), []);
  stream.see('me', 'left over from the process before');
  assert.deepEqual(stream.judge(), []);
  stream.see('me', renewal);
  assert.deepEqual(stream.judge(), ['me']);
});

test('others are members as soon as their Lease is seen', () => {
  const stream = new Stream();
  assert.deepEqual(stream.beat('me', 'b', 'c'), ['b', 'c', 'me']);
});

test('one that stops renewing is lost after a whole lease, not before', () => {
  const stream = new Stream();
  stream.beats(10, 'me', 'b');
  for (let silentMs = BEAT_MS; silentMs < LEASE_MS; silentMs += BEAT_MS) {
    assert.deepEqual(stream.beat('me'), ['b', 'me'], `${silentMs} ms`);
  }
  assert.deepEqual(stream.beat('me'), ['me']);
  assert.deepEqual(stream.beat('me', 'b'), ['b', 'me'], 'and is back with its next renewal');
});

test('a deleted Lease is a clean stop: no waiting', () => {
  const stream = new Stream();
  stream.beats(10, 'me', 'b');
  stream.gone('b');
  assert.deepEqual(stream.judge(), ['me']);
});

test('while the API server is away nobody is lost, nor right after', () => {
  const stream = new Stream();
  stream.beats(10, 'me', 'b', 'c');
  for (let i = 0; i < 60; i += 1) {
    stream.nowMs += BEAT_MS;
    stream.send(); // never arrives
    assert.deepEqual(stream.judge(), ['b', 'c', 'me']);
  }
  // It is back, and one of the speakers needs a second longer than the other to notice.
  assert.deepEqual(stream.beat('me'), ['b', 'c', 'me']);
  assert.deepEqual(stream.beat('me', 'b'), ['b', 'c', 'me']);
  assert.deepEqual(stream.beats(2, 'me', 'b'), ['b', 'c', 'me']);
  assert.deepEqual(stream.beat('me', 'b', 'c'), ['b', 'c', 'me']);
});

test('one that died while the API server was away is lost a lease after its return', () => {
  const stream = new Stream();
  stream.beats(10, 'me', 'b');
  stream.nowMs += 60_000;
  assert.deepEqual(stream.beats(4, 'me'), ['b', 'me']);
  assert.deepEqual(stream.beat('me'), ['me']);
});

test('a suspended process that wakes up loses nobody, whatever order the news come in', () => {
  const stream = new Stream();
  stream.beats(10, 'me', 'b');
  stream.nowMs += 30_000;
  stream.see('me', stream.send());
  stream.see('b', 'b after');
  assert.deepEqual(stream.judge(), ['b', 'me']);
});

test('a renewal that took long to come back counts from when it was sent', () => {
  const stream = new Stream();
  stream.beats(10, 'me', 'b');
  // b is silent from here on, as far as the stream has told.
  stream.nowMs += 300;
  const first = stream.send();
  stream.nowMs += 1100;
  const second = stream.send();
  stream.nowMs += 100;
  stream.see('me', first);
  stream.nowMs += 1100;
  stream.see('me', second);
  // 2600 ms after b was seen, but when this was sent b had 1400 ms: its renewals may be behind this one in the stream.
  assert.deepEqual(stream.judge(), ['b', 'me']);
});

test('one that cannot renew, but sees the others renew for a whole lease, knows that it was given up', () => {
  const stream = new Stream();
  stream.beats(10, 'me', 'b');
  assert.deepEqual(stream.beats(3, 'b'), ['b', 'me']);
  assert.deepEqual(stream.beat('b'), ['b']);
  assert.deepEqual(stream.beat('b', 'me'), ['b', 'me'], 'and is back with its next renewal');
});

test('alone, it is never given up', () => {
  const stream = new Stream();
  stream.beats(10, 'me');
  stream.nowMs += 60_000;
  assert.deepEqual(stream.judge(), ['me']);
});

test('the Lease of a speaker that died before this one started is lost in time', () => {
  const stream = new Stream();
  stream.see('dead', 'years ago');
  assert.deepEqual(stream.beats(4, 'me'), ['dead', 'me']);
  assert.deepEqual(stream.beat('me'), ['me']);
  stream.see('dead', 'years ago'); // a list after a broken watch shows it again
  assert.deepEqual(stream.judge(), ['me']);
});

test('renewals that are never seen again do not pile up', () => {
  const stream = new Stream();
  for (let i = 0; i < 1000; i += 1) stream.send();
  assert.ok(stream.state.sent.length <= 100);
});

test('whatever stalls, no speaker that renews in time is ever lost', () => {
  // Each round: the stream is live or stands still; while it stands still everybody's renewals wait, and come at once.
  const rounds = fc.array(fc.record({ live: fc.boolean(), ms: fc.integer({ min: 100, max: 500 }) }), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(
      rounds,
      fc.array(fc.constantFrom('b', 'c', 'me'), { minLength: 3, maxLength: 3 }),
      (list, order) => {
        const stream = new Stream();
        stream.beats(3, 'me', 'b', 'c');
        const nodes = [...new Set([...order, 'me', 'b', 'c'])];
        for (const { live, ms } of list) {
          stream.nowMs += ms;
          const own = stream.send();
          if (live)
            for (const node of nodes) stream.see(node, node === 'me' ? own : `${node} ${stream.nowMs}`);
          assert.deepEqual(stream.judge(), ['b', 'c', 'me']);
        }
      },
    ),
  );
});
