import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressGuard } from '../../../src/speaker/address-guard.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const VIP = '172.16.0.100';
const FRIENDS = ['02:00:00:00:00:11'];
const STRANGER = { mac: '02:00:00:00:00:99', interface: 'eth0' };

class World {
  readonly clock = new VirtualClock();
  readonly probedMs: number[] = [];
  readonly announcedMs: number[] = [];
  watched: readonly [addresses: string, friends: string] = ['', ''];
  rows = new Map([[VIP, { address: VIP, interfaces: 'all' as const }]]);
  admitted = '';
  /** Answers each probe. */
  occupied = false;
  readonly guard = new AddressGuard(
    this.clock,
    {
      announce: () => void this.announcedMs.push(this.clock.monotonicMs()),
      probe: () => {
        this.probedMs.push(this.clock.monotonicMs());
        if (this.occupied) this.clock.after(1, () => this.claim());
      },
      watch: (addresses, friends) =>
        (this.watched = [addresses.map(({ address }) => address).join(), friends.join()]),
    },
    () => this.admit(),
  );

  constructor(friends: readonly string[] | undefined = FRIENDS) {
    this.guard.setFriends(friends);
  }

  admit(fresh: readonly string[] = []): void {
    this.admitted = [...this.guard.admit(this.rows, new Set(fresh)).keys()].join();
  }

  claim(): void {
    this.guard.hear({ kind: 'claimed', address: VIP, ...STRANGER });
  }

  rivals(): string {
    return [...this.guard.rivals()].map(([address, { mac }]) => `${address} ${mac}`).join();
  }
}

test('a new address is asked for three times, and announced when nobody answers', async () => {
  const world = new World();
  world.admit([VIP]);
  assert.equal(world.admitted, '');
  assert.deepEqual(world.watched, [VIP, FRIENDS.join()]);
  await world.clock.advance(239);
  assert.equal(world.admitted, '');
  await world.clock.advance(1);
  assert.equal(world.admitted, VIP);
  assert.deepEqual(world.probedMs, [0, 80, 160]);
  await world.clock.advance(60_000);
  assert.equal(world.probedMs.length, 3);
  assert.equal(world.clock.pending, 0, 'no timer is left');
});

test('an address that was announced before, here or elsewhere, waits for nothing', () => {
  const world = new World();
  world.admit();
  assert.equal(world.admitted, VIP);
  assert.deepEqual(world.probedMs, []);
});

test('where nodes cannot be told from strangers nothing is asked, and nothing is held against anybody', async () => {
  const world = new World();
  world.guard.setFriends(undefined);
  world.admit([VIP]);
  assert.equal(world.admitted, VIP);
  world.claim();
  await world.clock.advance(2000);
  world.claim();
  assert.equal(world.admitted, VIP);
  assert.deepEqual([world.probedMs, world.announcedMs], [[], []]);
});

test('an address that another host has is not announced until that host has gone', async () => {
  const world = new World();
  world.occupied = true;
  world.admit([VIP]);
  await world.clock.advance(1000);
  assert.equal(world.admitted, '');
  assert.equal(world.rivals(), `${VIP} ${STRANGER.mac}`);
  const asked = world.probedMs.length;
  await world.clock.advance(60_000);
  assert.equal(world.admitted, '');
  assert.ok(world.probedMs.length - asked <= 18, 'three questions each ten seconds');
  world.occupied = false;
  await world.clock.advance(10_500);
  assert.equal(world.admitted, VIP);
  assert.equal(world.rivals(), '');
  assert.deepEqual(world.announcedMs, [], 'it was never fought for');
});

test('while announced: the first claim is contradicted once, who gives way is forgiven', async () => {
  const world = new World();
  world.admit();
  await world.clock.advance(5000);
  for (let i = 0; i < 5; i += 1) {
    world.claim();
    await world.clock.advance(100);
  }
  assert.deepEqual(world.announcedMs, [5000]);
  await world.clock.advance(60_000);
  assert.equal(world.admitted, VIP);
  assert.equal(world.rivals(), '');
});

test('while announced: who goes on is given way to, also when he only answers', async () => {
  for (const insists of [true, false]) {
    const world = new World();
    world.admit();
    world.occupied = !insists;
    world.claim();
    assert.equal(world.admitted, VIP);
    await world.clock.advance(1200);
    if (insists) world.claim();
    await world.clock.advance(1);
    assert.equal(world.admitted, '', `insists: ${insists}`);
    assert.equal(world.announcedMs.length, 1, 'no fight');
    world.occupied = false;
    await world.clock.advance(10_500);
    assert.equal(world.admitted, VIP);
  }
});

test('when a node turns up that does not say what it has, everything is announced', async () => {
  const world = new World();
  world.occupied = true;
  world.admit([VIP]);
  await world.clock.advance(500);
  assert.equal(world.admitted, '');
  world.guard.setFriends(undefined);
  assert.equal(world.admitted, VIP);
  assert.deepEqual(world.watched, ['', '']);
  await world.clock.advance(60_000);
  assert.equal(world.admitted, VIP);
});

test('an address that goes while it is asked for leaves nothing behind', async () => {
  const world = new World();
  world.admit([VIP]);
  world.rows.clear();
  world.admit();
  await world.clock.advance(1000);
  assert.equal(world.probedMs.length, 1);
  world.claim();
  assert.equal(world.rivals(), '');
  world.rows.set(VIP, { address: VIP, interfaces: 'all' });
  world.admit([VIP]);
  world.guard.stop();
  await world.clock.advance(1000);
  assert.equal(world.clock.pending, 0);
});
