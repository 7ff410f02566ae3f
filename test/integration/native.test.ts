/** The addon itself, with UDP on loopback: no privileges are needed for that. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { EAGAIN, NativeSocket, READABLE, loadNative } from '../../src/platform/native.ts';
import type { Native } from '../../src/platform/native.ts';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_BROADCAST = 6;
const EBADF = -9;
const EEXIST = -17;
const EINVAL = -22;
const root = path.resolve(import.meta.dirname, '../..');
const native = loadNative();
const scratch = mkdtempSync(path.join(tmpdir(), 'cleat-native-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** struct sockaddr_in of 127.0.0.1. */
function loopback(port: number): Uint8Array {
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(port, 2);
  address.set([127, 0, 0, 1], 4);
  return address;
}

/** A port nobody else has: 0 lets the kernel choose, and a datagram to oneself shows what it chose. */
function boundSocket(): { socket: NativeSocket; address: Uint8Array } {
  for (let port = 20_000 + (process.pid % 10_000); ; port += 1) {
    const socket = new NativeSocket(native, AF_INET, SOCK_DGRAM, 0);
    try {
      socket.bind(loopback(port));
      return { socket, address: loopback(port) };
    } catch {
      socket.close(); // taken: the next one
    }
  }
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

test('datagrams go and come, and the poll tells', async () => {
  const { socket: one, address: addressOfOne } = boundSocket();
  const { socket: other, address: addressOfOther } = boundSocket();
  const bytes = new Uint8Array(100);
  const from = new Uint8Array(16);
  assert.equal(one.receive(bytes, from), EAGAIN);
  const readable = Promise.withResolvers<void>();
  one.onReadable(readable.resolve);
  assert.equal(other.send(Buffer.from('hello'), addressOfOne), 5);
  await readable.promise;
  assert.equal(one.receive(bytes, from), 5);
  assert.equal(Buffer.from(bytes.subarray(0, 5)).toString(), 'hello');
  assert.deepEqual(from, new Uint8Array(addressOfOther));
  one.close();
  other.close();
  one.close();
});

test('only part of a buffer is sent, never more than there is', () => {
  const { socket, address } = boundSocket();
  const fd = native.socket(AF_INET, SOCK_DGRAM, 0);
  assert.equal(native.sendmsg(fd, Buffer.from('hello'), 4, address, null), 4);
  assert.equal(native.sendmsg(fd, Buffer.from('hello'), 6, address, null), EINVAL);
  assert.equal(native.sendmsg(fd, Buffer.from('hello'), -1, address, null), EINVAL);
  assert.equal(socket.receive(new Uint8Array(10), null), 4);
  native.close(fd);
  socket.close();
});

test('a thread asks for short slices of processor time without a privilege', () => {
  assert.equal(native.schedule(100_000, os.getPriority()), 0);
  assert.equal(native.schedule(-1, os.getPriority()), EINVAL);
  assert.equal(native.schedule(0, os.getPriority()), 0, 'and for what the kernel thinks best');
});

test('a connected socket: options, and the lengths and flags of what it receives', () => {
  const { socket, address } = boundSocket();
  const fd = native.socket(AF_INET, SOCK_DGRAM, 0);
  assert.equal(native.connect(fd, address), 0);
  assert.equal(native.sendmsg(fd, Buffer.from('x'), 1, null, null), 1);
  const sender = new Uint8Array(16);
  assert.equal(socket.receive(new Uint8Array(10), sender), 1);
  assert.equal(socket.send(Buffer.from('hello'), sender), 5);

  const from = new Uint8Array(28);
  const lengths = new Int32Array(3);
  const MSG_TRUNC = 0x20;
  assert.equal(native.recvmsg(fd, new Uint8Array(2), from, null, lengths), 2);
  assert.deepEqual([...lengths], [16, 0, MSG_TRUNC]);
  assert.deepEqual(from.subarray(0, 16), new Uint8Array(address));

  assert.equal(native.getsockoptInt(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
  assert.equal(native.setsockopt(fd, SOL_SOCKET, SO_BROADCAST, 1), 0);
  assert.equal(native.getsockoptInt(fd, SOL_SOCKET, SO_BROADCAST), 1);
  native.close(fd);
  socket.close();
});

test('a descriptor has one owner and one poll', () => {
  const fd = native.socket(AF_INET, SOCK_DGRAM, 0);
  const ignore = (): void => {};
  assert.equal(native.pollEvents(fd, READABLE), EBADF, 'no poll yet');
  assert.equal(native.pollOpen(fd, READABLE, ignore), 0);
  assert.equal(native.pollOpen(fd, READABLE, ignore), EEXIST);
  assert.equal(native.pollEvents(fd, READABLE), 0);
  assert.equal(native.pollClose(fd), 0);
  assert.equal(native.pollClose(fd), EBADF);
  assert.equal(native.pollOpen(fd, READABLE, ignore), 0, 'and another one after it');
  assert.equal(native.close(fd), 0);
  assert.equal(native.close(fd), EBADF);
  assert.equal(native.pollOpen(fd, READABLE, ignore), EBADF);
  assert.equal(native.close(0), EBADF, 'standard input is not ours');
});

test('after pollClose the callback is not called, whatever was pending', async () => {
  const { socket: other, address } = boundSocket();
  const fd = native.socket(AF_INET, SOCK_DGRAM, 0);
  other.close();
  native.bind(fd, address);
  const sender = new NativeSocket(native, AF_INET, SOCK_DGRAM, 0);
  let calls = 0;
  native.pollOpen(fd, READABLE, () => {
    calls += 1;
    native.pollClose(fd);
  });
  sender.send(Buffer.from('x'), address);
  sender.send(Buffer.from('y'), address);
  while (calls === 0) await new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(calls, 1);
  native.close(fd);
  sender.close();
});

test('a released descriptor stays open for its new owner', () => {
  const before = descriptors();
  const fd = native.socket(AF_INET, SOCK_DGRAM, 0);
  assert.equal(native.release(fd), 0);
  assert.equal(native.release(fd), EBADF);
  assert.equal(native.close(fd), EBADF);
  assert.equal(descriptors(), before + 1);
  assert.equal(native.getsockoptInt(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM, 'it works');
  closeSync(fd);
  assert.equal(descriptors(), before);
});

test('arguments of any type give a number, and never more than that', () => {
  const junk = fc.oneof(
    fc.constantFrom(undefined, null, NaN, Infinity, 1e12, 1.5, -1, '7', {}, [], true, 5n, Symbol('x')),
    fc.constantFrom(
      new Uint8Array(3),
      new Float64Array(3),
      new Int32Array(2),
      new DataView(new ArrayBuffer(4)),
    ),
    fc.constantFrom(
      new ArrayBuffer(4),
      new Uint8Array(new SharedArrayBuffer(4)),
      new Uint8Array(0),
      () => {},
    ),
  );
  // Never a real descriptor: junk must not reach one of this process.
  const surface: Record<Exclude<keyof Native, 'timer'>, fc.Arbitrary<unknown>> = {
    socket: junk,
    close: fc.constant(-1),
    release: fc.constant(-1),
    bind: fc.constant(-1),
    connect: fc.constant(-1),
    setsockopt: fc.constant(-1),
    getsockoptInt: fc.constant(-1),
    attachFilter: fc.constant(-1),
    sendmsg: fc.constant(-1),
    recvmsg: fc.constant(-1),
    schedule: fc.constant(-1),
    timerSet: fc.constant(-1),
    pollOpen: fc.constant(-1),
    pollEvents: fc.constant(-1),
    pollClose: fc.constant(-1),
  };
  for (const [name, first] of Object.entries(surface)) {
    const call = native[name as keyof Native] as (...args: unknown[]) => unknown;
    fc.assert(
      fc.property(fc.oneof(first, junk), fc.array(junk, { maxLength: 5 }), (fd, rest) => {
        const result = call(fd, ...rest);
        assert.ok(Number.isInteger(result) && (result as number) < 0, `${name} gave ${String(result)}`);
      }),
    );
    assert.ok((call() as number) < 0, `${name} without arguments`);
  }
});

test('an exception in a poll’s callback ends the worker like any other, and its poll with it', async () => {
  const { address, socket } = boundSocket();
  const worker = startWorker(`
    const fd = native.socket(2, 2, 0);
    native.pollOpen(fd, 2, () => { throw new Error('in the callback'); });
  `);
  const [error] = (await Promise.race([
    new Promise((resolve) => worker.once('error', (thrown) => resolve([thrown]))),
    new Promise((resolve) => worker.once('exit', () => resolve([undefined]))),
  ])) as [Error | undefined];
  assert.equal(error?.message, 'in the callback');
  await worker.terminate();
  socket.send(Buffer.from('x'), address);
  socket.close();
});

test('fifty workers terminated with open polls: no crash, no descriptor left', async () => {
  await cycle();
  const before = descriptors();
  for (let i = 0; i < 50; i += 1) await cycle();
  assert.equal(descriptors(), before);

  async function cycle(): Promise<void> {
    const worker = startWorker(`
      for (let i = 0; i < 4; i++) native.pollOpen(native.socket(2, 2, 0), 1, () => {});
      native.socket(2, 2, 0); // and one without a poll
      require('node:worker_threads').parentPort.postMessage('up');
      setInterval(() => {}, 1000);
    `);
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
  }
});

test('a process that exits in the middle of everything exits with its own code', () => {
  const script = `
    const native = require(${JSON.stringify(path.join(root, 'native/build/netsys.node'))});
    native.pollOpen(native.socket(2, 2, 0), 2, () => process.exit(3));
  `;
  assert.equal(spawnSync(process.execPath, ['-e', script]).status, 3);
});

test('an addon that is missing, or is none, is a sentence with the remedy', () => {
  const none = path.join(scratch, 'none.node');
  writeFileSync(none, 'this is no shared library');
  for (const [place, expected] of [
    [
      path.join(scratch, 'missing.node'),
      /^UserError The native addon .*missing\.node does not load .*make setup/,
    ],
    [none, /^UserError The native addon .*none\.node does not load .*make setup/],
  ] as const) {
    assert.match(loadElsewhere({ CLEAT_NATIVE: place }, path.join(root, 'src/platform/native.ts')), expected);
  }
  // A copy of the source without the addon anywhere near.
  const copy = path.join(scratch, 'copy/src/platform');
  mkdirSync(copy, { recursive: true });
  cpSync(path.join(root, 'src/platform/native.ts'), path.join(copy, 'native.ts'));
  cpSync(path.join(root, 'src/api'), path.join(scratch, 'copy/src/api'), { recursive: true });
  const said = loadElsewhere({ CLEAT_NATIVE: '' }, path.join(copy, 'native.ts'));
  assert.match(said, /^UserError The native addon netsys\.node is missing: .*make setup.*gcc/);
});

test('the build compiles what is new, once, and names the package that brings a compiler', () => {
  const place = path.join(scratch, 'build');
  for (const part of ['tools/build-native.ts', 'native', 'package.json']) {
    cpSync(path.join(root, part), path.join(place, part), { recursive: true });
  }
  rmSync(path.join(place, 'native/build'), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(place, 'node_modules'));
  const build = (env: Record<string, string> = {}) =>
    spawnSync(process.execPath, ['tools/build-native.ts'], {
      cwd: place,
      env: { PATH: process.env['PATH'], ...env },
      encoding: 'utf8',
    });
  const output = path.join(place, 'native/build/netsys.node');
  const withoutCompiler = build({ PATH: scratch });
  assert.equal(withoutCompiler.status, 2);
  assert.match(withoutCompiler.stderr, /C compiler.*apt-get install gcc/);

  const first = build();
  assert.deepEqual([first.status, first.stderr], [0, '']);
  const { ino } = statSync(output);
  assert.equal(build({ PATH: scratch }).status, 0, 'up to date: no compiler is needed');
  assert.equal(statSync(output).ino, ino);

  // Far enough ahead that the slowest build ends before it.
  const later = new Date(Date.now() + 3_600_000);
  utimesSync(path.join(place, 'native/netsys.c'), later, later);
  assert.equal(build({ PATH: scratch }).status, 2);
  assert.equal(build().status, 0);
  assert.notEqual(statSync(output).ino, ino);

  writeFileSync(path.join(place, 'native/netsys.c'), '#include <no-such-header.h>\n');
  utimesSync(path.join(place, 'native/netsys.c'), later, later);
  const broken = build();
  assert.equal(broken.status, 1);
  assert.match(broken.stderr, /no-such-header.*\n[^]*could not compile.*libc6-dev/);
  assert.ok(statSync(output).size > 0, 'the last good one is kept');
});

function startWorker(body: string): Worker {
  const load = `const native = require(${JSON.stringify(path.join(root, 'native/build/netsys.node'))});`;
  return new Worker(load + body, { eval: true });
}

/** What a fresh process says when it loads the addon through `module`. */
function loadElsewhere(env: Record<string, string>, module: string): string {
  const script = `
    import { loadNative } from ${JSON.stringify(module)};
    try { loadNative(); } catch (error) { console.log(error.name, error.message); }
  `;
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  }).stdout;
}
