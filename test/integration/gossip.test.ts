/** Speakers' member lists on real sockets of the loopback network, each at an address of its own. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { PODS } from '../../src/api/kubernetes.ts';
import type { Pod } from '../../src/api/kubernetes.ts';
import { createCipher } from '../../src/platform/aes-gcm.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { LAN } from '../../src/protocol/memberlist/config.ts';
import type { Circle } from '../../src/protocol/memberlist/packet.ts';
import { deriveKey } from '../../src/protocol/memberlist/secrecy.ts';
import { Gossip } from '../../src/speaker/gossip.ts';
import { FakeKube } from '../support/fake-kube.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const NAMESPACE = 'metallb-system';
const LABELS = { app: 'metallb', component: 'speaker' };
const TIMEOUT_MS = 15_000;
const SECRET: Circle = { label: '', cipher: createCipher(deriveKey(Buffer.from('KvPmJ/XnnqRmjdkLnqfdZw'))) };

const kube = new FakeKube();
const log = new RecordingLog();
const running: Gossip[] = [];
let port = 0;
let alive: NodeJS.Timeout;

before(async () => {
  alive = setInterval(() => undefined, 1000); // the clock's timers keep nobody alive
  const server = createServer().listen(0, '127.0.0.11');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  server.close();
  await once(server, 'close');
});
after(() => clearInterval(alive));
afterEach(async () => {
  await Promise.all(running.splice(0).map((it) => it.stop()));
  for (const host of [11, 12, 13, 14]) kube.remove(PODS, { namespace: NAMESPACE, name: `speaker-${host}` });
});

interface Speaker {
  readonly gossip: Gossip;
  readonly address: string;
  alive: string;
}

/** On 127.0.0.HOST, with its Pod. */
async function speaker(host: number, circle: Circle = SECRET): Promise<Speaker> {
  const address = `127.0.0.${host}`;
  kube.put<Pod>(PODS, {
    metadata: { name: `speaker-${host}`, namespace: NAMESPACE, labels: LABELS },
    status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }, { ip: '2001:db8::1' }] },
  });
  const settings = {
    endpoint: { address, port },
    podSelector: 'app=metallb,component=speaker',
    circle,
    config: LAN,
  };
  const deps = {
    client: kube,
    clock: systemClock,
    log,
    namespace: NAMESPACE,
    nodeName: `node-${host}`,
    random: Math.random,
  };
  const gossip = new Gossip(settings, deps, (living) => (it.alive = [...living].toSorted().join()));
  const it: Speaker = { gossip, address, alive: '' };
  running.push(gossip);
  await gossip.start();
  return it;
}

const sees = (it: Speaker, names: string): Promise<true> =>
  until(`${it.address} listing ${names}`, TIMEOUT_MS, () => it.alive === names || undefined, 5);

test('speakers find each other by their Pods, and a clean stop is told before it is over', async () => {
  for (const circle of [SECRET, { label: '' }, { ...SECRET, label: 'site-a' }]) {
    const [a, b, c] = [await speaker(11, circle), await speaker(12, circle), await speaker(13, circle)];
    await Promise.all([a, b, c].map((it) => sees(it, 'node-11,node-12,node-13')));
    await b.gossip.stop();
    assert.equal(a.alive, 'node-11,node-13');
    assert.equal(c.alive, 'node-11,node-13');
    const again = await speaker(12, circle);
    await Promise.all([a, again, c].map((it) => sees(it, 'node-11,node-12,node-13')));
    await Promise.all([a, again, c].map((it) => it.gossip.stop()));
    kube.remove(PODS, { namespace: NAMESPACE, name: 'speaker-12' });
  }
});

test('a speaker with another key, and one without, stay alone; both sides say so and live on', async () => {
  const first = log.lines.length;
  const [a, b] = [await speaker(11), await speaker(12)];
  const other = { label: '', cipher: createCipher(deriveKey(Buffer.from('another'))) };
  const [c, d] = [await speaker(13, other), await speaker(14, { label: '' })];
  await Promise.all([
    sees(a, 'node-11,node-12'),
    sees(b, 'node-11,node-12'),
    sees(c, 'node-13'),
    sees(d, 'node-14'),
  ]);
  const warnings = await until('a warning about the key', TIMEOUT_MS, () => {
    const said = log.lines.slice(first).filter(({ message }) => message.includes('key'));
    return said.length >= 4 ? said : undefined;
  });
  assert.ok(warnings.every(({ level }) => level === 'warn'));
  assert.ok(warnings.length <= 12, 'each sender once');
});

test('nonsense of any kind changes nothing', async () => {
  const [a, b] = [await speaker(11), await speaker(12)];
  await Promise.all([a, b].map((it) => sees(it, 'node-11,node-12')));
  const socket = createSocket('udp4');
  for (let i = 0; i < 300; i += 1) {
    const bytes = Buffer.from(Array.from({ length: i % 90 }, (_, at) => (i * 31 + at * 17) & 255));
    socket.send(bytes, port, a.address);
  }
  for (const bytes of ['', '\u0000', '\u000a\u007f\u00ff\u00ff\u00ff', 'GET / HTTP/1.1\r\n\r\n']) {
    const stream = connect({ host: a.address, port });
    stream.on('error', () => undefined);
    stream.end(Buffer.from(bytes, 'latin1'));
    await once(stream, 'close');
  }
  socket.close();
  await b.gossip.stop();
  assert.equal(a.alive, 'node-11', 'it still listens to those it knows');
});

test('a port that is taken is waited for', async () => {
  const server = createServer().listen(port, '127.0.0.11');
  await once(server, 'listening');
  const first = log.lines.length;
  const started = speaker(11);
  await until(
    'the reason being said',
    TIMEOUT_MS,
    () => log.lines.slice(first).some(({ level }) => level === 'error') || undefined,
  );
  server.close();
  const it = await started;
  await sees(it, 'node-11');
});
