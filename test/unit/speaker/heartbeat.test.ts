import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LEASES } from '../../../src/api/kubernetes.ts';
import type { Lease } from '../../../src/api/kubernetes.ts';
import { Heartbeat } from '../../../src/speaker/heartbeat.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { VirtualClock, settle } from '../../support/virtual-clock.ts';

const NAMESPACE = 'metallb-system';

class Cluster {
  readonly kube = new FakeKube();
  readonly clock = new VirtualClock();
  readonly log = new RecordingLog();

  speaker(nodeName: string): { heartbeat: Heartbeat; alive: () => string; returns: () => number } {
    let members: ReadonlySet<string> = new Set();
    let returns = 0;
    const heartbeat = new Heartbeat(
      { client: this.kube, clock: this.clock, log: this.log, namespace: NAMESPACE, nodeName },
      (alive, returned) => {
        members = alive;
        if (returned) returns += 1;
      },
    );
    return { heartbeat, alive: () => [...members].toSorted().join(), returns: () => returns };
  }

  lease(node: string): Lease | undefined {
    return this.kube.read<Lease>(LEASES, { namespace: NAMESPACE, name: `cleat-speaker-${node}` });
  }
}

test('a speaker’s Lease: name, label, holder, and a renewTime that a server stores as it is', async () => {
  const cluster = new Cluster();
  const a = cluster.speaker('a');
  await a.heartbeat.start();
  const lease = cluster.lease('a');
  assert.deepEqual(lease?.metadata.labels, { 'app.kubernetes.io/component': 'speaker' });
  assert.deepEqual(lease?.spec, {
    holderIdentity: 'a',
    leaseDurationSeconds: 2,
    renewTime: '2026-01-01T00:00:00.000000Z',
  });
  await cluster.clock.advance(1000);
  assert.equal(cluster.lease('a')?.spec?.renewTime, '2026-01-01T00:00:01.000000Z');
  await a.heartbeat.stop();
});

test('speakers find each other, and take a clean stop for what it is', async () => {
  const cluster = new Cluster();
  const [a, b] = [cluster.speaker('a'), cluster.speaker('b')];
  await Promise.all([a.heartbeat.start(), b.heartbeat.start()]);
  await cluster.clock.advance(10);
  assert.deepEqual([a.alive(), b.alive()], ['a,b', 'a,b']);
  await b.heartbeat.stop();
  await cluster.clock.advance(1);
  assert.equal(a.alive(), 'a');
  assert.equal(cluster.lease('b'), undefined);
  await cluster.clock.advance(5000);
  assert.equal(cluster.lease('b'), undefined, 'nothing of b writes any more');
  await a.heartbeat.stop();
});

test('one whose writes end is lost by the others within lease and beat, and knows it itself', async () => {
  const cluster = new Cluster();
  const [a, b] = [cluster.speaker('a'), cluster.speaker('b')];
  await Promise.all([a.heartbeat.start(), b.heartbeat.start()]);
  await cluster.clock.advance(5000);
  cluster.kube.refuse = ({ key }) => (key.endsWith('-b') ? new Error('forbidden') : undefined);
  await cluster.clock.advance(1500);
  assert.deepEqual([a.alive(), b.alive()], ['a,b', 'a,b']);
  await cluster.clock.advance(1500);
  assert.deepEqual([a.alive(), b.alive()], ['a', 'a']);
  assert.equal(cluster.log.lines.filter(({ level }) => level === 'warn').length, 1, 'said once');

  const before = [a.returns(), b.returns()];
  cluster.kube.refuse = () => undefined;
  await cluster.clock.advance(600);
  assert.deepEqual([a.alive(), b.alive()], ['a,b', 'a,b']);
  assert.ok(
    a.returns() > (before[0] ?? 0) && b.returns() > (before[1] ?? 0),
    'both must tell their neighbours anew',
  );
  await Promise.all([a.heartbeat.stop(), b.heartbeat.stop()]);
});

test('when nobody can write, nobody is lost; and all tell their neighbours when it is over', async () => {
  const cluster = new Cluster();
  const [a, b] = [cluster.speaker('a'), cluster.speaker('b')];
  await Promise.all([a.heartbeat.start(), b.heartbeat.start()]);
  await cluster.clock.advance(5000);
  const before = a.returns();
  cluster.kube.refuse = () => new Error('connection refused');
  await cluster.clock.advance(60_000);
  assert.deepEqual([a.alive(), b.alive()], ['a,b', 'a,b']);
  cluster.kube.refuse = () => undefined;
  await cluster.clock.advance(5000);
  assert.deepEqual([a.alive(), b.alive()], ['a,b', 'a,b']);
  assert.equal(a.returns(), before + 1);
  await Promise.all([a.heartbeat.stop(), b.heartbeat.stop()]);
});

test('a write without an answer is given up, and the next one tried', async () => {
  const cluster = new Cluster();
  const apply = cluster.kube.apply.bind(cluster.kube);
  let hanging = 0;
  cluster.kube.apply = ((...args: Parameters<typeof apply>) => {
    const { signal } = args[2];
    if (hanging > 2 || signal === undefined) return apply(...args);
    hanging += 1;
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  }) as typeof apply;
  const a = cluster.speaker('a');
  const started = a.heartbeat.start();
  await cluster.clock.advance(5000);
  await started;
  assert.equal(a.alive(), 'a');
  await a.heartbeat.stop();
});

test('Leases of others, or of another shape, are no speakers', async () => {
  const cluster = new Cluster();
  const labels = { 'app.kubernetes.io/component': 'speaker' };
  const put = (name: string, spec: Lease['spec']): void => {
    cluster.kube.put<Lease>(LEASES, {
      metadata: { namespace: NAMESPACE, name, labels },
      ...(spec && { spec }),
    });
  };
  put('cleat-speaker-c', undefined);
  put('cleat-speaker-d', { holderIdentity: 'somebody-else', renewTime: 'x' });
  put('another', { holderIdentity: 'e', renewTime: 'x' });
  const a = cluster.speaker('a');
  await a.heartbeat.start();
  await cluster.clock.advance(100);
  assert.equal(a.alive(), 'a');
  await a.heartbeat.stop();
});

test('stopped before it began, it writes nothing', async () => {
  const cluster = new Cluster();
  cluster.kube.hold(LEASES);
  const a = cluster.speaker('a');
  const started = a.heartbeat.start();
  await settle();
  await a.heartbeat.stop();
  cluster.kube.release(LEASES);
  await settle();
  assert.deepEqual(cluster.kube.writes, []);
  void started;
});

test('a watch of Leases that says nothing is not trusted for long', async () => {
  const cluster = new Cluster();
  const observe = cluster.kube.observe.bind(cluster.kube);
  let silentAfterMs = Infinity;
  cluster.kube.observe = ((...args: Parameters<typeof observe>) => {
    silentAfterMs = args[1]?.silentAfterMs ?? Infinity;
    return observe(...args);
  }) as typeof observe;
  cluster.speaker('a');
  assert.ok(silentAfterMs <= 5000, 'while it lasts nobody that died is replaced');
});

test('a write that is under way when it stops is not the last one', async () => {
  const cluster = new Cluster();
  const a = cluster.speaker('a');
  await a.heartbeat.start();
  const apply = cluster.kube.apply.bind(cluster.kube);
  const answered = Promise.withResolvers<void>();
  cluster.kube.apply = (async (...args: Parameters<typeof apply>) => {
    await answered.promise;
    return apply(...args);
  }) as typeof apply;
  await cluster.clock.advance(500);
  const stopped = a.heartbeat.stop();
  await settle();
  answered.resolve();
  await stopped;
  await cluster.clock.advance(5000);
  assert.equal(cluster.lease('a'), undefined);
});
