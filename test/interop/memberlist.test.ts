/**
 * Speakers' member lists beside hashicorp's own library, of the version and with the settings that MetalLB's speakers have,
 * plain and encrypted. Runs in a private network, so that nobody else is on these addresses.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { PODS } from '../../src/api/kubernetes.ts';
import type { Pod } from '../../src/api/kubernetes.ts';
import { createCipher } from '../../src/platform/aes-gcm.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { LAN } from '../../src/protocol/memberlist/config.ts';
import { encodeMessage } from '../../src/protocol/memberlist/message.ts';
import { encodePacket } from '../../src/protocol/memberlist/packet.ts';
import type { Circle } from '../../src/protocol/memberlist/packet.ts';
import { deriveKey } from '../../src/protocol/memberlist/secrecy.ts';
import { Gossip } from '../../src/speaker/gossip.ts';
import { FakeKube } from '../support/fake-kube.ts';
import { faultOfPeer, MemberlistPeer } from '../support/memberlist-peer.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork, hasCommand } from '../support/private-network.ts';
import { RecordingLog } from '../support/recording-log.ts';
import type { LogLine } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const fault =
  faultOfPrivateNetwork() ?? faultOfPeer() ?? (hasCommand('nft') ? undefined : 'the command nft is missing');
if (fault === undefined) await enterPrivateNetwork();

const NAMESPACE = 'metallb-system';
const LABELS = { app: 'metallb', component: 'speaker' };
const PORT = 7946;
const TIMEOUT_MS = 20_000;
/** As the one of S3: several lines, more bytes than a key has. */
const SECRET = `${Buffer.alloc(96, 'openssl rand -base64').toString('base64')}\n`;
const CIRCLES: Readonly<Record<string, Circle>> = {
  plain: { label: '' },
  encrypted: { label: '', cipher: createCipher(deriveKey(Buffer.from(SECRET))) },
};
const LABELLED: Circle = { label: 'site-a', cipher: createCipher(deriveKey(Buffer.from(SECRET))) };

interface Ours {
  readonly gossip: Gossip;
  readonly log: RecordingLog;
  alive: string;
}

suite(
  'beside hashicorp/memberlist',
  { skip: fault !== undefined && process.env['CI'] !== 'true' && fault },
  () => {
    let kube = new FakeKube();
    let secretFile = '';
    let keepAlive: NodeJS.Timeout;
    const stops: (() => Promise<void>)[] = [];

    before(() => {
      assert.equal(fault, undefined);
      keepAlive = setInterval(() => undefined, 1000); // the clock's timers keep nobody alive
      secretFile = path.join(mkdtempSync(path.join(tmpdir(), 'cleat-ml-')), 'secretkey');
      writeFileSync(secretFile, SECRET);
    });
    after(() => clearInterval(keepAlive));
    afterEach(async () => {
      await Promise.all(stops.splice(0).map((stop) => stop()));
      kube = new FakeKube();
    });

    let prefix = '127.0.0.';
    const addressOf = (host: number): string => `${prefix}${host}`;
    const joinAt = (host: number): string =>
      prefix.includes(':') ? `[${addressOf(host)}]` : addressOf(host);

    const putPod = (host: number): void => {
      kube.put<Pod>(PODS, {
        metadata: { name: `speaker-${host}`, namespace: NAMESPACE, labels: LABELS },
        status: { phase: 'Running', podIP: addressOf(host) },
      });
    };

    async function ours(host: number, circle: Circle, config = LAN): Promise<Ours> {
      putPod(host);
      const log = new RecordingLog();
      const settings = {
        endpoint: { address: addressOf(host), port: PORT },
        podSelector: 'app=metallb,component=speaker',
        circle,
        config,
      };
      const deps = {
        client: kube,
        clock: systemClock,
        log,
        namespace: NAMESPACE,
        nodeName: `ours-${host}`,
        random: Math.random,
      };
      const gossip = new Gossip(settings, deps, (living) => (it.alive = [...living].toSorted().join()));
      const it: Ours = { gossip, log, alive: '' };
      stops.push(() => gossip.stop());
      await gossip.start();
      return it;
    }

    async function theirs(host: number, circle: Circle, probeInterval?: string): Promise<MemberlistPeer> {
      const peer = await MemberlistPeer.start({
        name: `theirs-${host}`,
        address: addressOf(host),
        port: PORT,
        label: circle.label,
        ...(circle.cipher === undefined ? {} : { secretFile }),
        ...(probeInterval === undefined ? {} : { probeInterval }),
      });
      stops.push(() => peer.kill());
      putPod(host);
      return peer;
    }

    const sees = (it: Ours, names: string): Promise<true> =>
      until(`a list of ${names} (it is ${it.alive})`, TIMEOUT_MS, () => it.alive === names || undefined, 2);

    const knows = (peer: MemberlistPeer, names: string): Promise<true> =>
      until(
        `${peer.name} knowing ${names}`,
        TIMEOUT_MS,
        async () => (await peer.members()) === names || undefined,
        20,
      );

    /** Says to somebody, as anybody might, that a node does not answer. */
    async function slander(circle: Circle, at: string, node: string, incarnation: number): Promise<void> {
      const message = encodeMessage({ type: 'suspect', node, incarnation, from: 'somebody' });
      const socket = createSocket('udp4');
      const bytes = encodePacket(message, circle, true);
      await new Promise((sent) => {
        socket.send(bytes, PORT, at, sent);
      });
      socket.close();
    }

    function nft(command: string): string {
      const { status, stdout, stderr } = spawnSync('nft', [command], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      return stdout;
    }

    async function timed(t: TestContext, what: string, wait: Promise<unknown>): Promise<void> {
      const startMs = performance.now();
      await wait;
      t.diagnostic(`${what}: ${(performance.now() - startMs).toFixed(0)} ms`);
    }

    for (const [name, circle] of Object.entries(CIRCLES)) {
      test(`${name}: they join in either direction, and all have the same list`, async () => {
        const [a, b] = [await theirs(1, circle), await theirs(2, circle)];
        assert.equal(await a.ask(`join ${addressOf(2)}:${PORT}`), 'joined 1');
        const c = await ours(3, circle);
        const d = await ours(4, circle);
        const everybody = 'ours-3,ours-4,theirs-1,theirs-2';
        await Promise.all([sees(c, everybody), sees(d, everybody), knows(a, everybody), knows(b, everybody)]);
        const e = await theirs(5, circle);
        assert.equal(await e.ask(`join ${addressOf(4)}:${PORT}`), 'joined 1');
        await Promise.all([sees(c, `${everybody},theirs-5`), knows(a, `${everybody},theirs-5`)]);
      });

      test(`${name}: they probe each other for seconds, and nobody is suspected`, async () => {
        const quick = { ...LAN, probeIntervalMs: 200, probeTimeoutMs: 100 };
        const a = await theirs(1, circle, '200ms');
        const [b, c] = [await ours(2, circle, quick), await ours(3, circle, quick)];
        await Promise.all([sees(b, 'ours-2,ours-3,theirs-1'), sees(c, 'ours-2,ours-3,theirs-1')]);
        assert.equal(await a.ask('send ours-2 of another use'), 'sent');
        await new Promise((resolve) => setTimeout(resolve, 3000));
        assert.ok(!a.said.some((line) => line.startsWith('event leave')), a.said.join('\n'));
        assert.doesNotMatch(a.log, /Suspect|\[ERR\]|Refuting/);
        assert.equal(await a.ask('health'), 'health 0');
        assert.deepEqual(
          [b, c].flatMap(({ log }) => log.lines.filter(({ level }) => level !== 'info')),
          [],
        );
      });

      test(`${name}: a suspicion is refuted, by ours to them and by theirs to us`, async () => {
        const quick = { ...LAN, probeIntervalMs: 500, probeTimeoutMs: 250 };
        const a = await theirs(1, circle, '500ms');
        const [b, c] = [await ours(2, circle, quick), await ours(3, circle, quick)];
        await Promise.all([knows(a, 'ours-2,ours-3,theirs-1'), sees(b, 'ours-2,ours-3,theirs-1')]);
        // A number beyond any of its lives: it has to outdo it.
        await slander(circle, addressOf(1), 'ours-2', 4_000_000_000);
        await until(
          'the refutation',
          TIMEOUT_MS,
          () => b.log.lines.some(({ message }) => message.includes('suspected this speaker')) || undefined,
        );
        const suspects = ({ message, fields }: LogLine): boolean =>
          message.includes('is suspected') && fields['speaker'] === a.name;
        const from = a.said.length;
        a.signal('SIGSTOP');
        await until(
          'suspicion of it',
          TIMEOUT_MS,
          () => [b, c].some(({ log }) => log.lines.some(suspects)) || undefined,
        );
        a.signal('SIGCONT');
        await until(
          'its refutation',
          TIMEOUT_MS,
          () => /Refuting a suspect message/.test(a.log) || undefined,
        );
        await new Promise((resolve) => setTimeout(resolve, 2500)); // longer than a suspicion lasts
        assert.equal(b.alive, 'ours-2,ours-3,theirs-1');
        assert.equal(await a.members(), 'ours-2,ours-3,theirs-1');
        assert.ok(!a.said.slice(from).some((line) => line.startsWith('event leave')));
      });

      test(`${name}: who leaves and who dies is off the list, on both sides`, async (t) => {
        const [a, b] = [await theirs(1, circle), await theirs(2, circle)];
        const [c, d] = [await ours(3, circle), await ours(4, circle)];
        const everybody = 'ours-3,ours-4,theirs-1,theirs-2';
        await Promise.all([sees(c, everybody), sees(d, everybody), knows(a, everybody), knows(b, everybody)]);

        const left = a.hears(/^event leave ours-4/);
        await timed(t, 'ours leaves, theirs knows', Promise.all([d.gossip.stop(), left]));
        await sees(c, 'ours-3,theirs-1,theirs-2');

        const leaving = b.ask('leave');
        await timed(t, 'theirs leaves, ours knows', sees(c, 'ours-3,theirs-1'));
        assert.equal(await leaving, 'left');

        const dying = a.kill();
        await timed(t, 'theirs dies, ours knows', sees(c, 'ours-3'));
        await dying;
      });

      test(`${name}: where no datagram gets through between two, others ask for them, in both directions`, async () => {
        const quick = { ...LAN, probeIntervalMs: 200, probeTimeoutMs: 100 };
        const a = await theirs(1, circle, '200ms');
        const [b, c] = [await ours(2, circle, quick), await ours(3, circle, quick)];
        const everybody = 'ours-2,ours-3,theirs-1';
        await Promise.all([sees(b, everybody), sees(c, everybody), knows(a, everybody)]);
        const drop = (from: number, to: number): string =>
          `add rule inet cut output ip saddr ${addressOf(from)} ip daddr ${addressOf(to)} udp dport ${PORT} counter drop`;
        const chain = 'add chain inet cut output { type filter hook output priority 0; }';
        nft(`add table inet cut; ${chain}; ${drop(1, 2)}; ${drop(2, 1)}`);
        try {
          await new Promise((resolve) => setTimeout(resolve, 3000));
          const dropped = [...nft('list table inet cut').matchAll(/counter packets (\d+)/g)];
          assert.ok(dropped.length === 2 && dropped.every(([, packets]) => Number(packets) > 5));
          assert.ok(!a.said.some((line) => line.startsWith('event leave')), a.said.join('\n'));
          // Not even over TCP had they to ask each other.
          assert.doesNotMatch(a.log, /Suspect|over TCP but UDP probes failed|Refuting/);
          assert.deepEqual(
            [b, c].flatMap(({ log }) => log.lines.filter(({ level }) => level !== 'info')),
            [],
          );
          assert.equal(await a.ask('health'), 'health 0');
        } finally {
          nft('delete table inet cut');
        }
      });

      test(`${name}: what ours finds out of a death, theirs learn from it`, async (t) => {
        const [a, b] = [await theirs(1, circle), await theirs(2, circle)];
        const c = await ours(3, circle);
        await Promise.all([knows(a, 'ours-3,theirs-1,theirs-2'), knows(b, 'ours-3,theirs-1,theirs-2')]);
        await sees(c, 'ours-3,theirs-1,theirs-2');
        const learnt = a.hears(/^event leave theirs-2/);
        await b.kill();
        await timed(t, 'theirs dies, theirs know by ours', learnt);
      });
    }

    test('over IPv6', async (t) => {
      prefix = 'fd00::';
      try {
        for (const host of [1, 2, 3])
          spawnSync('ip', ['address', 'add', `${addressOf(host)}/128`, 'dev', 'lo', 'nodad']);
        const encrypted = CIRCLES['encrypted'] ?? { label: '' };
        const a = await theirs(1, encrypted);
        const [b, c] = [await ours(2, encrypted), await ours(3, encrypted)];
        const everybody = 'ours-2,ours-3,theirs-1';
        await Promise.all([sees(b, everybody), sees(c, everybody), knows(a, everybody)]);
        assert.equal(await a.ask(`join ${joinAt(2)}:${PORT}`), 'joined 1');
        const dying = a.kill();
        await timed(t, 'theirs dies, ours knows', sees(c, 'ours-2,ours-3'));
        await dying;
      } finally {
        prefix = '127.0.0.';
      }
    });

    test('labelled: those of one label find each other, and nobody of another or of none', async (t) => {
      for (const label of [LABELLED, { label: 'site-a' }]) {
        const a = await theirs(1, label);
        const [b, c] = [await ours(2, label), await ours(3, { ...label, label: '' })];
        await Promise.all([knows(a, 'ours-2,theirs-1'), sees(b, 'ours-2,theirs-1'), sees(c, 'ours-3')]);
        const warned = (): true | undefined =>
          c.log.lines.some(({ level, message }) => level === 'warn' && message.includes('label')) ||
          undefined;
        await until('a warning', TIMEOUT_MS, warned);
        assert.match(await a.ask(`join ${addressOf(3)}:${PORT}`), /^joined 0/);
        const dying = a.kill();
        await timed(t, 'theirs dies, ours knows', sees(b, 'ours-2'));
        await dying;
        await Promise.all(stops.splice(0).map((stop) => stop()));
        kube = new FakeKube();
      }
    });

    test('another key: each stays with its own, says so and lives on', async () => {
      const encrypted = CIRCLES['encrypted'] ?? { label: '' };
      const a = await theirs(1, encrypted);
      const other = { label: '', cipher: createCipher(deriveKey(Buffer.from('another'))) };
      const [b, c] = [await ours(2, other), await ours(3, encrypted)];
      await Promise.all([sees(c, 'ours-3,theirs-1'), sees(b, 'ours-2')]);
      assert.match(await a.ask(`join ${addressOf(2)}:${PORT}`), /^joined 0/);
      await until(
        'a warning',
        TIMEOUT_MS,
        () =>
          b.log.lines.some(({ level, message }) => level === 'warn' && message.includes('another key')) ||
          undefined,
      );
      assert.equal(await a.members(), 'ours-3,theirs-1');
    });
  },
);
