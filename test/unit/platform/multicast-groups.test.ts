import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MulticastGroups } from '../../../src/platform/multicast-groups.ts';
import { ENOMEM } from '../../../src/platform/native.ts';
import type { Native } from '../../../src/platform/native.ts';

const IPV6_JOIN_GROUP = 20;
const IPV6_LEAVE_GROUP = 21;
const ENODEV = -19;
const GROUP = 0xff02n << 112n;

/** Sockets with room for a few memberships each, on interfaces 1 to 9. */
class FakeKernel {
  readonly sockets = new Map<number, Set<string>>();
  #next = 3;
  room = 2;

  readonly native: Native = {
    ...({} as Native),
    socket: () => {
      this.sockets.set(this.#next, new Set());
      return this.#next++;
    },
    close: (fd) => {
      this.sockets.delete(fd);
      return 0;
    },
    setsockopt: (fd, _level, name, value) => {
      const members = this.sockets.get(fd) ?? assert.fail('not open');
      const membership = Buffer.from(value as Uint8Array);
      const text = `${membership.readUInt16BE(14)} on ${name === 1 ? 0 : membership.readInt32LE(16)}`;
      if (name === IPV6_JOIN_GROUP) {
        if (membership.readInt32LE(16) > 9) return ENODEV;
        if (members.size >= this.room) return ENOMEM;
        members.add(text);
      }
      if (name === IPV6_LEAVE_GROUP) assert.ok(members.delete(text));
      return 0;
    },
  };

  get memberships(): string[] {
    return [...this.sockets.values()].flatMap((members) => [...members]).toSorted();
  }
}

const of = (low: number, index: number): { group: bigint; index: number } => ({
  group: GROUP | BigInt(low),
  index,
});

test('joins what is new, leaves what is gone, and asks for each membership once', () => {
  const kernel = new FakeKernel();
  const groups = new MulticastGroups(kernel.native);
  groups.set([of(1, 2), of(1, 2), of(1, 3)]);
  assert.deepEqual(kernel.memberships, ['1 on 2', '1 on 3']);
  groups.set([of(1, 3), of(2, 3)]);
  assert.deepEqual(kernel.memberships, ['1 on 3', '2 on 3']);
  groups.set([]);
  assert.deepEqual(kernel.memberships, []);
});

test('more groups than one socket may have are joined with several', () => {
  const kernel = new FakeKernel();
  const groups = new MulticastGroups(kernel.native);
  const many = [1, 2, 3, 4, 5].map((low) => of(low, 2));
  groups.set(many);
  assert.equal(kernel.memberships.length, 5);
  assert.equal(kernel.sockets.size, 3);
  groups.set(many.slice(1));
  assert.equal(kernel.memberships.length, 4);
  groups.close();
  assert.equal(kernel.sockets.size, 0);
});

test('an interface that is gone costs nothing, and is tried again', () => {
  const kernel = new FakeKernel();
  const groups = new MulticastGroups(kernel.native);
  groups.set([of(1, 17), of(1, 2)]);
  assert.deepEqual(kernel.memberships, ['1 on 2']);
  assert.equal(kernel.sockets.size, 1);
  groups.set([of(1, 3), of(1, 2)]);
  assert.deepEqual(kernel.memberships, ['1 on 2', '1 on 3']);
});
