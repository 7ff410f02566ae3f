/** `--data`: real processes on a real disk, killed while they write. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Cleat } from '../support/cleat.ts';
import { askServer, at, openWatch, textAt } from '../support/api-server.ts';
import type { Answer, Target } from '../support/api-server.ts';
import { until } from '../support/until.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../support/kept-server.ts');
const TOKEN = 'a-token-of-some-length';
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const SERVICES = '/api/v1/namespaces/default/services';

function scratch(context: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'cleat-data-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Running extends Target {
  readonly child: ChildProcess;
  /** What it said on standard error. */
  readonly said: () => string;
}

/** Starts the server on a directory; rejects with what it says where it ends instead. */
async function start(context: TestContext, folder: string, leastLogBytes = '8388608'): Promise<Running> {
  const child = spawn(process.execPath, [PROGRAM, folder, TOKEN, leastLogBytes], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  context.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const closed = once(child, 'close');
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    closed.then(() => undefined),
  ]);
  if (line === undefined) throw new Error(said);
  const { url, caPem } = JSON.parse(String(line[0])) as { url: string; caPem: string };
  return { url, caPem, token: TOKEN, child, said: () => said };
}

async function kill(running: Running, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const closed = once(running.child, 'close');
  running.child.kill(signal);
  await closed;
}

async function ok(target: Target, method: string, where: string, body?: unknown): Promise<Answer> {
  const answer = await askServer(target, method, where, body === undefined ? {} : { body });
  assert.ok(answer.code < 300, `${method} ${where}: ${answer.text}`);
  return answer;
}

const configMap = (name: string, value: number): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { value: String(value), padding: 'x'.repeat(value % 700) },
});

interface Acknowledged {
  value: number;
  uid: string;
  /** A request about it was sent and not answered. */
  pending: 'write' | 'delete' | undefined;
}

/** Creates, replaces and deletes its own objects, with values from `first` on, until the server is gone. */
async function writeUntilGone(
  target: Target,
  own: string,
  first: number,
  known: Map<string, Acknowledged>,
  count: () => void,
): Promise<void> {
  for (let value = first; ; value++) {
    const name = `${own}-${value % 5}`;
    const entry = known.get(name);
    try {
      if (entry === undefined) {
        known.set(name, { value: 0, uid: '', pending: 'write' });
        const made = await ok(target, 'POST', CONFIG_MAPS, configMap(name, value));
        known.set(name, { value, uid: textAt(made.body, 'metadata', 'uid'), pending: undefined });
      } else if (value % 7 === 0) {
        entry.pending = 'delete';
        await ok(target, 'DELETE', `${CONFIG_MAPS}/${name}`);
        known.delete(name);
      } else {
        entry.pending = 'write';
        await ok(target, 'PUT', `${CONFIG_MAPS}/${name}`, configMap(name, value));
        Object.assign(entry, { value, pending: undefined });
      }
      count();
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return;
    }
  }
}

test('everything acknowledged before kill -9 is there after it, several times over', async (context) => {
  const folder = scratch(context);
  const known = new Map<string, Acknowledged>();
  let revision = 0;
  let acknowledged = 0;
  for (const killAfter of [40, 3, 150, 90, 1]) {
    // A small log, so that it is given up many times in between.
    const running = await start(context, folder, '30000');
    const listed = await ok(running, 'GET', CONFIG_MAPS);
    const there = new Map(
      (at(listed.body, 'items') as object[]).map((item) => [textAt(item, 'metadata', 'name'), item]),
    );
    const now = Number(textAt(listed.body, 'metadata', 'resourceVersion'));
    assert.ok(now >= revision, `${now} >= ${revision}`);
    for (const [name, entry] of known) {
      const found = there.get(name);
      if (found === undefined) {
        assert.ok(entry.pending === 'delete' || entry.uid === '', `${name} is gone`);
        known.delete(name);
        continue;
      }
      const value = Number(textAt(found, 'data', 'value'));
      if (entry.pending === undefined) assert.equal(value, entry.value, name);
      else assert.ok(value >= entry.value, name);
      if (entry.uid !== '') assert.equal(at(found, 'metadata', 'uid'), entry.uid);
      known.set(name, { value, uid: textAt(found, 'metadata', 'uid'), pending: undefined });
    }
    for (const name of there.keys()) assert.ok(known.has(name), `${name} was deleted`);
    revision = now;

    let done = 0;
    const enough = Promise.withResolvers<void>();
    const count = (): void => {
      done += 1;
      if (done === killAfter) enough.resolve();
    };
    const writers = ['a', 'b', 'c', 'd'].map((own) =>
      writeUntilGone(running, own, acknowledged + 1, known, count),
    );
    await Promise.race([enough.promise, ...writers]);
    await kill(running);
    await Promise.all(writers);
    assert.ok(done >= killAfter);
    acknowledged += done;
  }
  assert.ok(acknowledged >= 284);
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
  assert.ok(bytes < 300_000, `${bytes} bytes`);
});

const GADGETS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gadgets.example.org' },
  spec: {
    group: 'example.org',
    scope: 'Namespaced',
    names: { plural: 'gadgets', kind: 'Gadget' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};

test('a restart goes on where it was: CRDs, numbers, deletions, watches', async (context) => {
  const folder = scratch(context);
  const first = await start(context, folder);
  await ok(first, 'POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', GADGETS);
  const gadgets = '/apis/example.org/v1/namespaces/default/gadgets';
  await ok(first, 'POST', gadgets, { apiVersion: 'example.org/v1', kind: 'Gadget', metadata: { name: 'g' } });
  const service = (name: string, clusterIP?: string): object => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { type: 'NodePort', ports: [{ port: 80 }], ...(clusterIP === undefined ? {} : { clusterIP }) },
  });
  const one = (await ok(first, 'POST', SERVICES, service('one'))).body;
  // Going, and held by a finalizer.
  await ok(first, 'POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'going' },
  });
  await ok(first, 'POST', '/api/v1/namespaces/going/configmaps', {
    ...configMap('held', 1),
    metadata: { name: 'held', finalizers: ['example.org/wait'] },
  });
  await ok(first, 'DELETE', '/api/v1/namespaces/going');
  const from = textAt(
    (await ok(first, 'POST', CONFIG_MAPS, configMap('w', 1))).body,
    'metadata',
    'resourceVersion',
  );
  await ok(first, 'PUT', `${CONFIG_MAPS}/w`, configMap('w', 2));
  await kill(first);

  const second = await start(context, folder);
  assert.equal(at((await ok(second, 'GET', `${gadgets}/g`)).body, 'metadata', 'name'), 'g');
  const again = (await ok(second, 'GET', `${SERVICES}/one`)).body;
  assert.deepEqual(again, one);
  const clusterIP = textAt(one, 'spec', 'clusterIP');
  const clash = await askServer(second, 'POST', SERVICES, { body: service('two', clusterIP) });
  assert.match(clash.text, /provided IP is already allocated/);
  const two = (await ok(second, 'POST', SERVICES, service('two'))).body;
  assert.notEqual(at(two, 'spec', 'clusterIP'), clusterIP);
  assert.notEqual(at(two, 'spec', 'ports', 0, 'nodePort'), at(one, 'spec', 'ports', 0, 'nodePort'));

  const watching = await openWatch(second, `${CONFIG_MAPS}?watch=true&resourceVersion=${from}`, {});
  const event = await watching.next();
  assert.equal(event.type, 'MODIFIED');
  assert.equal(at(event.object, 'data', 'value'), '2');
  await ok(second, 'PUT', `${CONFIG_MAPS}/w`, configMap('w', 3));
  assert.equal(at((await watching.next()).object, 'data', 'value'), '3');
  watching.close();
  const ancient = await openWatch(second, `${CONFIG_MAPS}?watch=true&resourceVersion=1`, {});
  assert.equal(at((await ancient.next()).object, 'code'), 410);

  const held = '/api/v1/namespaces/going/configmaps/held';
  assert.ok(textAt((await ok(second, 'GET', held)).body, 'metadata', 'deletionTimestamp'));
  await askServer(second, 'PATCH', held, {
    type: 'application/merge-patch+json',
    body: { metadata: { finalizers: null } },
  });
  await until('the namespace going', 5_000, async () =>
    (await askServer(second, 'GET', '/api/v1/namespaces/going')).code === 404 ? true : undefined,
  );
  await kill(second, 'SIGTERM');
  assert.equal(second.said(), '');
});

test('a namespace that was being emptied is emptied by the next life', async (context) => {
  const folder = scratch(context);
  const first = await start(context, folder);
  await ok(first, 'POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'going' },
  });
  await ok(first, 'POST', '/api/v1/namespaces/going/configmaps', configMap('inside', 1));
  await kill(first, 'SIGTERM');
  // The log up to the deletion of the namespace: what its controller did then was not written any more.
  const log = path.join(folder, readdirSync(folder).find((name) => name.startsWith('log-')) ?? '');
  const second = await start(context, folder);
  await ok(second, 'DELETE', '/api/v1/namespaces/going');
  await kill(second);
  const text = readFileSync(log, 'latin1');
  const next = text.indexOf('"type":"deleted","table":"/configmaps"');
  assert.ok(next > 0);
  truncateSync(log, next);
  const third = await start(context, folder);
  await until('the namespace going', 5_000, async () =>
    (await askServer(third, 'GET', '/api/v1/namespaces/going')).code === 404 ? true : undefined,
  );
});

test('one process a directory', async (context) => {
  const folder = scratch(context);
  const first = await start(context, folder);
  const inUse = new RegExp(
    `--data ${folder} is in use by process ${first.child.pid}: stop that process, or choose another directory`,
  );
  await assert.rejects(start(context, folder), inUse);
  await assert.rejects(start(context, folder), inUse);
  await ok(first, 'POST', CONFIG_MAPS, configMap('a', 1));
  await kill(first);
  // A dead one does not keep it, and of two that come at once one gets it.
  const outcomes = await Promise.allSettled([
    start(context, folder),
    start(context, folder),
    start(context, folder),
  ]);
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a directory that cannot be used, and a damaged one, are refused in words', async (context) => {
  const folder = scratch(context);
  const up = (directory: string): Cleat =>
    new Cleat([
      'up',
      '--listen=127.0.0.1:0',
      '--webhook-port=0',
      `--kubeconfig-out=${folder}/k`,
      `--data=${directory}`,
    ]);
  const nowhere = await up('/dev/null/data').end();
  assert.equal(nowhere.code, 2);
  assert.match(nowhere.stderr, /--data \/dev\/null\/data cannot be used \(ENOTDIR.*\): name a directory/);

  const data = path.join(folder, 'data');
  const first = await start(context, data);
  for (let value = 1; value < 5; value++) await ok(first, 'POST', CONFIG_MAPS, configMap(`a${value}`, value));
  await kill(first);
  const log = readdirSync(data).find((name) => name.startsWith('log-')) ?? '';
  truncateSync(path.join(data, log), 2_000);
  const cut = await start(context, data);
  assert.match(cut.said(), /the end of the log was torn and is cut off/);
  await kill(cut);
  truncateSync(path.join(data, log), 200);
  const second = await start(context, data);
  await kill(second, 'SIGTERM');

  const descriptor = openSync(path.join(data, log), 'r+');
  writeSync(descriptor, 'X', 150);
  closeSync(descriptor);
  const damaged = await up(data).end();
  assert.equal(damaged.code, 2);
  assert.match(
    damaged.stderr,
    new RegExp(
      `^cleat: --data ${data}: ${log} is damaged at byte \\d+: the checksum does not fit; restore the directory`,
    ),
  );
});

test('cleat up --data keeps objects, addresses, token and authority', async (context) => {
  const folder = scratch(context);
  const kubeconfig = path.join(folder, 'kubeconfig');
  const data = path.join(folder, 'data');
  const run = async (): Promise<{ up: Cleat; target: Target }> => {
    const up = new Cleat([
      'up',
      '--listen=127.0.0.1:0',
      '--webhook-port=0',
      `--kubeconfig-out=${kubeconfig}`,
      `--data=${data}`,
      '--log-level=warn',
    ]);
    context.after(() => up.end('SIGKILL'));
    await until('cleat up being ready', 30_000, () => {
      if (!up.running) throw new Error(`it ended: ${up.stderr}`);
      return up.stdout.includes('\nready') ? true : undefined;
    });
    const text = readFileSync(kubeconfig, 'utf8');
    const find = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? '';
    const caPem = Buffer.from(find(/certificate-authority-data: (\S+)/), 'base64').toString();
    return { up, target: { url: find(/server: (\S+)/), caPem, token: find(/token: (\S+)/) } };
  };
  const addressOf = async (target: Target): Promise<string | undefined> =>
    at((await ok(target, 'GET', `${SERVICES}/web`)).body, 'status', 'loadBalancer', 'ingress', 0, 'ip') as
      string | undefined;

  const first = await run();
  await ok(first.target, 'POST', '/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools', {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: { name: 'p' },
    spec: { addresses: ['192.0.2.10-192.0.2.20'] },
  });
  await ok(first.target, 'POST', SERVICES, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
  });
  const address = await until('an address', 10_000, () => addressOf(first.target));
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const definitions = (await ok(first.target, 'GET', crds)).body;
  await first.up.end('SIGKILL');

  const second = await run();
  assert.match(second.up.stdout, new RegExp(`^state {8}${data}$`, 'm'));
  assert.equal(second.target.token, first.target.token);
  assert.equal(second.target.caPem, first.target.caPem);
  assert.equal(await addressOf(second.target), address);
  assert.deepEqual(at((await ok(second.target, 'GET', crds)).body, 'items'), at(definitions, 'items'));
  assert.equal((await second.up.end('SIGTERM')).code, 0);
  for (const name of readdirSync(data)) assert.equal(statSync(path.join(data, name)).mode & 0o077, 0, name);
  assert.equal(existsSync(path.join(data, 'token')), true);
});
