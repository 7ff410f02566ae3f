/**
 * Admission over HTTPS with 1 000 pools and 10 000 Services in memory, beside a bare node:https server that is asked the same,
 * each in a process of its own: by 1, 16 and 64 connections, each asking again as soon as it is answered; and what a minute at
 * full load does to memory and to the event loop.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import path from 'node:path';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { REVIEW_PATH, type Told } from '../support/admission-process.ts';
import { service } from '../support/allocation.ts';
import { reviewOf } from '../support/large-world.ts';
import { change } from '../support/policy.ts';

const CONNECTIONS = [1, 16, 64] as const;
/** Ours and the other are asked in turns, so that whatever else the machine does hits both alike. */
const TURNS = 8;
const TURN_MS = 500;
const WARM_UP_MS = 2_000;
const FULL_LOAD_MS = 60_000;

const certificate = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
const body = JSON.stringify(reviewOf(change(service('web', { spec: { loadBalancerIP: '10.1.244.99' } }))));

interface Server {
  readonly process: ChildProcess;
  readonly port: number;
}

export async function run(): Promise<object[]> {
  const [cleat, echo] = await Promise.all([start('cleat'), start('echo')]);
  try {
    for (const { port } of [cleat, echo]) await load(port, 16, WARM_UP_MS);
    const lines: object[] = [];
    for (const connections of CONNECTIONS) lines.push(await beside(cleat, echo, connections));
    lines.push(await atFullLoad(cleat, echo));
    return lines;
  } finally {
    for (const { process } of [cleat, echo]) process.disconnect();
  }
}

async function start(kind: 'cleat' | 'echo'): Promise<Server> {
  const child = fork(path.resolve(import.meta.dirname, '../support/admission-process.ts'), [kind]);
  child.send(certificate);
  const [port] = (await once(child, 'message')) as [number];
  return { process: child, port };
}

async function beside(cleat: Server, echo: Server, connections: number): Promise<object> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    ours.push(...(await load(cleat.port, connections, TURN_MS)));
    bare.push(...(await load(echo.port, connections, TURN_MS)));
  }
  const perSecond = (times: readonly number[]): number => (times.length * 1_000) / (TURNS * TURN_MS);
  return {
    bench: 'admission over HTTPS',
    connections,
    perSecond: Math.round(perSecond(ours)),
    p50Ms: round(at(ours, 0.5)),
    p99Ms: round(at(ours, 0.99)),
    baseline: 'a bare node:https server that echoes the uid',
    baselinePerSecond: Math.round(perSecond(bare)),
    baselineP50Ms: round(at(bare, 0.5)),
    baselineP99Ms: round(at(bare, 0.99)),
    ratioPerSecond: round(perSecond(bare) / perSecond(ours)),
    ratioP50: round(at(ours, 0.5) / at(bare, 0.5)),
    ratioP99: round(at(ours, 0.99) / at(bare, 0.99)),
  };
}

async function atFullLoad(cleat: Server, echo: Server): Promise<object> {
  const load16 = async (server: Server, durationMs: number): Promise<Told> => {
    await tell(server);
    await load(server.port, 16, durationMs);
    return tell(server);
  };
  const begin = await load16(cleat, FULL_LOAD_MS / 6);
  const end = await load16(cleat, FULL_LOAD_MS);
  const bare = await load16(echo, FULL_LOAD_MS / 6);
  return {
    bench: 'a minute at full load, 16 connections',
    rssMb: Math.round(end.rssMb),
    eventLoopDelayP99Ms: round(end.eventLoopDelayP99Ms),
    baseline: 'its first ten seconds; and of the bare server',
    baselineRssMb: Math.round(begin.rssMb),
    bareEventLoopDelayP99Ms: round(bare.eventLoopDelayP99Ms),
    ratioRss: round(end.rssMb / begin.rssMb),
  };
}

async function tell(server: Server): Promise<Told> {
  server.process.send('tell');
  const [told] = (await once(server.process, 'message')) as [Told];
  return told;
}

/** How long each request took, in milliseconds. */
async function load(port: number, connections: number, durationMs: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca: certificate.caPem });
  const took: number[] = [];
  // The first request of each connection pays for its handshake, which an API server does once.
  await Promise.all(Array.from({ length: connections }, () => post(port, agent)));
  const end = performance.now() + durationMs;
  const asker = async (): Promise<void> => {
    for (let now = performance.now(); now < end;) {
      await post(port, agent);
      const then = performance.now();
      took.push(then - now);
      now = then;
    }
  };
  await Promise.all(Array.from({ length: connections }, asker));
  agent.destroy();
  return took;
}

function post(port: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const call = request(
      { host: '127.0.0.1', port, path: REVIEW_PATH, method: 'POST', agent, headers },
      (response) => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        response.resume().on('end', resolve).on('error', reject);
      },
    );
    call.on('error', reject).end(body);
  });
}

function at(values: number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
