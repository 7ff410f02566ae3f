/** Storage on a disk in memory: what was acknowledged is there whatever happens to the disk's last bytes, and damage is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { UserError } from '../../../../../src/api/user-error.ts';
import { ApiError } from '../../../../../src/standalone/apiserver/definition.ts';
import type { Stored } from '../../../../../src/standalone/apiserver/definition.ts';
import { openState } from '../../../../../src/standalone/apiserver/persistence/data-directory.ts';
import type { Journal } from '../../../../../src/standalone/apiserver/persistence/journal.ts';
import { Storage } from '../../../../../src/standalone/apiserver/storage.ts';
import { MemoryDisk } from '../../../../support/memory-disk.ts';
import { RecordingLog } from '../../../../support/recording-log.ts';
import { runs } from '../../../../support/runs.ts';

const THINGS = { group: '', plural: 'things' };

interface Life {
  readonly storage: Storage;
  readonly journal: Journal;
  readonly log: RecordingLog;
}

function live(disk: MemoryDisk, leastLogBytes?: number): Life {
  const log = new RecordingLog();
  const options = { directory: '/data', log, firstRevision: 100 };
  const kept = openState(disk, leastLogBytes === undefined ? options : { ...options, leastLogBytes });
  return { storage: new Storage({ nowMs: () => 5, kept }), journal: kept.journal, log };
}

function put(storage: Storage, name: string, value: unknown = 0): Stored {
  const old = storage.find(THINGS, 'ns', name);
  const stored = storage.put(THINGS, { metadata: { name, namespace: 'ns', uid: `uid-${name}` }, value }, old);
  assert.ok(stored);
  return stored;
}

function remove(storage: Storage, name: string): void {
  const old = storage.find(THINGS, 'ns', name);
  if (old !== undefined) assert.ok(storage.remove(THINGS, old));
}

const durable = (storage: Storage): Promise<void> =>
  new Promise((resolve, reject) => storage.onceDurable((failure) => (failure ? reject(failure) : resolve())));

const stateOf = (storage: Storage): string => JSON.stringify(storage.list(THINGS));

/** Makes changes, each acknowledged before the next, and notes the state at each revision. */
async function write(storage: Storage, names: readonly string[], states: Map<number, string>): Promise<void> {
  states.set(storage.revision, stateOf(storage));
  for (const [index, name] of names.entries()) {
    if (name.startsWith('-')) remove(storage, name.slice(1));
    else put(storage, name, { index, text: 'é"\\\n' });
    states.set(storage.revision, stateOf(storage));
    await durable(storage);
  }
}

const STEPS = ['a', 'b', 'a', '-b', 'c', 'b', '-a', 'c'];

function logOf(disk: MemoryDisk): [string, Buffer] {
  const found = [...disk.contents()].findLast(([name]) => name.startsWith('log-'));
  assert.ok(found);
  return found;
}

test('a log cut at any byte gives every change that is whole in it, and goes on', async () => {
  const disk = new MemoryDisk();
  const states = new Map<number, string>();
  const { storage } = live(disk);
  await write(storage, STEPS, states);
  const [name, bytes] = logOf(disk);
  let before = 0;
  for (let length = 0; length <= bytes.length; length++) {
    const cut = new MemoryDisk(disk.contents().set(name, bytes.subarray(0, length)));
    const second = live(cut);
    const { revision } = second.storage;
    assert.equal(stateOf(second.storage), states.get(revision), `cut at ${length}`);
    assert.ok(revision >= before, 'a longer log never gives less');
    before = revision;
    // It can be written on, and read again.
    put(second.storage, 'z');
    await durable(second.storage);
    assert.equal(stateOf(live(cut).storage), stateOf(second.storage));
    assert.equal(live(cut).storage.revision, revision + 1);
  }
  assert.equal(before, storage.revision);
});

test('a flipped byte loses nothing that was acknowledged: it is repaired or refused', async () => {
  const disk = new MemoryDisk();
  const { storage, journal } = live(disk);
  await write(storage, STEPS, new Map());
  await journal.close();
  let refused = 0;
  for (const [name, bytes] of disk.contents()) {
    for (let offset = 0; offset < bytes.length; offset++) {
      const flipped = Buffer.from(bytes);
      flipped[offset] = (flipped[offset] ?? 0) ^ (1 << (offset % 8));
      const damaged = new MemoryDisk(disk.contents().set(name, flipped));
      try {
        assert.equal(stateOf(live(damaged).storage), stateOf(storage), `${name} byte ${offset}`);
      } catch (error) {
        assert.ok(error instanceof UserError, String(error));
        const [, file, at] =
          /^--data \/data: (\S+) is damaged at byte (\d+): .+; .*(?:backup|move )/.exec(error.message) ?? [];
        assert.equal(file, name, error.message);
        assert.ok(Number(at) <= offset, error.message);
        refused += 1;
      }
    }
  }
  assert.ok(refused > 500, `${refused} were refused`);
});

test('a power failure takes only what was not acknowledged', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...STEPS), { maxLength: 12 }),
      fc.array(fc.constantFrom('x', 'y'), { maxLength: 6 }),
      fc.infiniteStream(fc.boolean()),
      async (acknowledged, late, coins) => {
        const disk = new MemoryDisk();
        const states = new Map<number, string>();
        const { storage } = live(disk);
        await write(storage, acknowledged, states);
        const safe = storage.revision;
        for (const name of late) {
          put(storage, name);
          states.set(storage.revision, stateOf(storage));
        }
        const left = disk.afterPowerLoss(() => coins.next().value === true);
        const { storage: found } = live(new MemoryDisk(left));
        assert.ok(found.revision >= safe, `${found.revision} >= ${safe}`);
        assert.equal(stateOf(found), states.get(found.revision));
      },
    ),
    runs(100),
  );
});

test('any bytes at all in a log are read or refused, never thrown at', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(400), (noise, at) => {
      const disk = new MemoryDisk();
      live(disk);
      const [name, bytes] = logOf(disk);
      const content = Buffer.concat([bytes.subarray(0, at), noise]);
      try {
        live(new MemoryDisk(disk.contents().set(name, content)));
      } catch (error) {
        assert.ok(error instanceof UserError, String(error));
      }
    }),
  );
});

test('many changes share one sync, and nobody is told before it', async () => {
  const disk = new MemoryDisk();
  const { storage } = live(disk);
  const told: string[] = [];
  const before = disk.syncs;
  for (const name of ['a', 'b', 'c']) {
    put(storage, name);
    storage.onceDurable(() => told.push(name));
  }
  assert.equal(told.length, 0);
  await durable(storage);
  assert.deepEqual(told, ['a', 'b', 'c']);
  assert.equal(disk.syncs - before, 1);
  storage.onceDurable(() => told.push('at once'));
  assert.equal(told.length, 4);
});

test('revisions, uids, history and watches go on after a restart', async () => {
  const disk = new MemoryDisk();
  const first = live(disk);
  put(first.storage, 'a', 1);
  const from = first.storage.revision;
  put(first.storage, 'a', 2);
  put(first.storage, 'b');
  remove(first.storage, 'b');
  const at = first.storage.listAt(THINGS, from);
  await first.journal.close();

  const { storage } = live(disk);
  assert.equal(storage.revision, first.storage.revision);
  assert.equal(storage.find(THINGS, 'ns', 'a')?.metadata.uid, 'uid-a');
  assert.deepEqual(storage.listAt(THINGS, from), at);
  const seen: string[] = [];
  assert.ok(
    storage.watch(THINGS, from, ({ type, object, previous }) =>
      seen.push(
        `${type} ${object.metadata.name} ${object.metadata.resourceVersion} ${previous !== undefined}`,
      ),
    ),
  );
  put(storage, 'c');
  assert.deepEqual(seen, [
    'modified a 102 true',
    'added b 103 false',
    'deleted b 104 true',
    'added c 105 false',
  ]);
});

test('the directory stays small, and watches have a past right after a snapshot', async () => {
  const disk = new MemoryDisk();
  let life = live(disk, 2_000);
  let largest = 0;
  for (let round = 0; round < 400; round++) {
    put(life.storage, `n${round % 7}`, round);
    await durable(life.storage);
    largest = Math.max(largest, disk.sizeBytes);
    if (round % 90 !== 0) continue;
    const before = stateOf(life.storage);
    const { revision } = life.storage;
    await life.journal.close();
    life = live(disk, 2_000);
    assert.equal(stateOf(life.storage), before);
    assert.ok(life.storage.watch(THINGS, Math.max(100, revision - 5), () => undefined));
  }
  await life.journal.close();
  assert.ok(largest < 12_000, `${largest} bytes`);
  assert.equal(disk.names().filter((name) => name.startsWith('snapshot-')).length, 2);
});

test('a crash at any moment of giving up a log loses nothing', async () => {
  const disk = new MemoryDisk();
  const { storage } = live(disk, 600);
  const moments: { files: Map<string, Buffer>; revision: number; state: string }[] = [];
  const look = (): void => {
    moments.push({ files: disk.contents(), revision: storage.revision, state: stateOf(storage) });
  };
  for (const method of ['open', 'rename', 'remove', 'syncNames'] as const) {
    const real = disk[method].bind(disk) as (...args: never[]) => never;
    disk[method] = ((...args: never[]) => {
      look();
      const result = real(...args);
      look();
      return result;
    }) as never;
  }
  for (let round = 0; round < 40; round++) {
    put(storage, `n${round % 3}`, round);
    await durable(storage);
  }
  assert.ok(moments.length > 50);
  for (const { files, revision, state } of moments) {
    const found = live(new MemoryDisk(files)).storage;
    assert.equal(found.revision, revision);
    assert.equal(stateOf(found), state);
  }
});

test('a damaged older snapshot can be moved away: nothing is lost but the past', async () => {
  const disk = new MemoryDisk();
  const { storage, journal } = live(disk, 600);
  for (let round = 0; round < 40; round++) {
    put(storage, `n${round % 3}`, round);
    await durable(storage);
  }
  await journal.close();
  const [oldest = '', newest = ''] = disk
    .names()
    .filter((name) => name.startsWith('snapshot-'))
    .toSorted();
  const bytes = disk.read(oldest);
  const files = disk.contents().set(oldest, bytes.subarray(0, bytes.length - 3));
  assert.throws(
    () => live(new MemoryDisk(files)),
    (error: Error) => error.message.includes(oldest) && error.message.includes(`${newest} holds the state`),
  );
  const number = newest.replace('snapshot-', '');
  for (const name of files.keys()) if ((name.split('-')[1] ?? '') < number) files.delete(name);
  const after = live(new MemoryDisk(files)).storage;
  assert.equal(stateOf(after), stateOf(storage));
  assert.equal(after.compacted, Number(number));
});

test('a log or snapshot that is gone is missed', async () => {
  const disk = new MemoryDisk();
  const { storage, journal } = live(disk, 600);
  for (let round = 0; round < 40; round++) {
    put(storage, `n${round % 3}`, round);
    await durable(storage);
  }
  await journal.close();
  const names = disk.names().toSorted();
  const kept = stateOf(storage);
  for (const name of names) {
    const files = disk.contents();
    files.delete(name);
    // Without the older snapshot the newer one does; without the newer one the logs do.
    if (name.startsWith('snapshot-')) assert.equal(stateOf(live(new MemoryDisk(files)).storage), kept, name);
    else assert.throws(() => live(new MemoryDisk(files)), UserError, name);
  }
});

test('a full disk refuses the change and nothing else', async () => {
  const disk = new MemoryDisk();
  const { storage, log } = live(disk);
  put(storage, 'a');
  await durable(storage);
  const before = { state: stateOf(storage), revision: storage.revision };
  disk.capacityBytes = disk.sizeBytes + 20;
  assert.throws(
    () => put(storage, 'b'),
    (error: unknown) =>
      error instanceof ApiError &&
      error.status.code === 500 &&
      /nothing was changed, .* written to \/data \(ENOSPC: no space left on device/.test(error.message),
  );
  assert.deepEqual({ state: stateOf(storage), revision: storage.revision }, before);
  assert.equal(log.lines.at(-1)?.level, 'error');
  await durable(storage);

  disk.capacityBytes = Number.POSITIVE_INFINITY;
  put(storage, 'c');
  await durable(storage);
  assert.equal(stateOf(live(disk).storage), stateOf(storage));
});

test('a disk that fills up while a log is given up keeps the old one', async () => {
  const disk = new MemoryDisk();
  const { storage, journal } = live(disk, 600);
  for (let round = 0; round < 60; round++) {
    disk.capacityBytes =
      round < 3 || round > 40 ? Number.POSITIVE_INFINITY : disk.sizeBytes + ((round * 37) % 500);
    try {
      put(storage, `n${round % 3}`, round);
    } catch (error) {
      assert.ok(error instanceof ApiError);
    }
    await durable(storage);
    assert.equal(stateOf(live(new MemoryDisk(disk.contents())).storage), stateOf(storage), `round ${round}`);
  }
  await journal.close();
});

test('a sync that fails is the end: who waited and who comes is told', async () => {
  const disk = new MemoryDisk();
  const { storage } = live(disk);
  disk.syncFault = new Error('EIO: i/o error, fdatasync');
  put(storage, 'a');
  await assert.rejects(durable(storage), /could not be brought to disk \(EIO: i\/o error, fdatasync\)/);
  disk.syncFault = undefined;
  await assert.rejects(durable(storage), /could not be brought to disk/);
  assert.throws(() => put(storage, 'b'), /could not be brought to disk/);
});

test('after close nothing is written', async () => {
  const { storage, journal } = live(new MemoryDisk());
  put(storage, 'a');
  await journal.close();
  assert.throws(() => put(storage, 'b'), /the API server is stopping/);
});

test('a directory of a later format is refused in words', () => {
  const disk = new MemoryDisk();
  live(disk);
  const [name] = logOf(disk);
  const later = new MemoryDisk();
  const head = '{"format":"cleat-log","version":2,"revision":100}';
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(head.length, 0);
  frame.writeUInt32BE(crc32(head), 4);
  for (const [file, bytes] of disk.contents())
    later.files.set(file, {
      bytes: file === name ? Buffer.concat([frame, Buffer.from(head)]) : bytes,
      synced: bytes,
    });
  assert.throws(() => live(later), /format version 2, and this program reads version 1/);
});
