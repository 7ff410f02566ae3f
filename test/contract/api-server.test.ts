/**
 * The contract: one suite of cases, run on the embedded API server and on a real kube-apiserver. What the real one answered is in
 * recorded/, one file a case, written by `CLEAT_RECORD=yes node --test test/contract/api-server.test.ts` and reviewed as code
 * is; both servers are held against it. So the embedded server is checked on every machine, and the record wherever the real
 * control plane is built (make controlplane).
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type ConnectedClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { ApiServer } from '../../src/standalone/apiserver/server.ts';
import { generateToken } from '../../src/standalone/apiserver/http/authentication.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { speakTo, type Target } from '../support/api-server.ts';
import { faultOfControlPlane, KubernetesControlPlane } from '../support/control-plane.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { ALL_CASES } from './cases/all.ts';
import { knownDifferences } from './differences.ts';
import { type Case, World } from './world.ts';

const RECORDED = path.join(import.meta.dirname, 'recorded');
const recording = process.env['CLEAT_RECORD'] === 'yes';
/** Few enough that a case can make the embedded server forget. */
const HISTORY_LIMIT = 100;

interface Started extends Target {
  stop(): Promise<void>;
}

suite('the real kube-apiserver', startReal, () => new Map(), realIsMissing());
if (!recording) suite('the embedded API server', startEmbedded, (each) => knownDifferences(slugOf(each)));

function suite(
  title: string,
  start: () => Promise<Started>,
  known: (each: Case) => ReadonlyMap<number, string>,
  missing?: string,
): void {
  describe(title, { skip: missing ?? false }, () => {
    let server: Started;
    let client: ConnectedClient;
    before(async () => {
      server = await start();
      const { url, caPem, token } = server;
      const credentials = { tls: { ca: caPem }, headers: { Authorization: `Bearer ${token}` } };
      client = await connect({
        access: { url, credentials: () => Promise.resolve(credentials) },
        log: new RecordingLog(),
        clock: systemClock,
        userAgent: 'contract/1',
      });
    });
    after(async () => {
      await client.close();
      await server.stop();
    });
    for (const each of ALL_CASES) {
      test(each.title, async () => {
        const world = new World(speakTo(server), client, slugOf(each));
        await world.do('POST', '/api/v1/namespaces', { body: { metadata: { name: world.namespace } } });
        try {
          await each.run(world);
        } finally {
          await world.end();
        }
        compare(each, world.transcript, known(each));
      });
    }
  });
}

function compare(each: Case, seen: readonly unknown[], known: ReadonlyMap<number, string>): void {
  const file = path.join(RECORDED, `${slugOf(each)}.json`);
  const text = `${JSON.stringify(seen, undefined, 1)}\n`;
  if (recording) writeFileSync(file, text);
  const transcript = JSON.parse(text) as unknown[];
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as unknown[];
  // Step by step: one difference is easier to read than a whole transcript.
  for (const [index, step] of recorded.entries()) {
    const why = known.get(index);
    if (why === undefined) assert.deepEqual(transcript[index], step, `step ${index}`);
    else
      assert.notDeepEqual(
        transcript[index],
        step,
        `step ${index} is the same now; take it from differences.ts`,
      );
  }
  assert.equal(transcript.length, recorded.length);
}

function slugOf({ title }: Case): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/-$/, '');
}

function realIsMissing(): string | undefined {
  const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager');
  if (fault !== undefined && (process.env['CI'] === 'true' || recording)) throw new Error(fault);
  return fault;
}

async function startReal(): Promise<Started> {
  const folder = mkdtempSync(path.join(tmpdir(), 'cleat-contract-'));
  const plane = await KubernetesControlPlane.start({ folder });
  const { url, caPem, token } = plane;
  const stop = async (): Promise<void> => {
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, caPem, token, stop };
}

async function startEmbedded(): Promise<Started> {
  const { caPem, certPem, keyPem } = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
  const token = generateToken();
  const server = new ApiServer({
    tls: { certPem, keyPem },
    token,
    clock: systemClock,
    log: new RecordingLog(),
    historyLimit: HISTORY_LIMIT,
  });
  await server.start();
  return { url: server.url, caPem, token, stop: () => server.stop() };
}
