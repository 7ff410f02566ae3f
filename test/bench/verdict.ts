/**
 * What a verdict costs with 1 000 pools and 10 000 Services in memory: alone, beside reading and writing the JSON of the
 * same review, which every webhook pays; and over HTTPS, beside a bare node:https server that echoes the uid.
 */
import { Agent, createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Service } from '../../src/api/kubernetes.ts';
import type { Change, Facts } from '../../src/core/policy/facts.ts';
import { verdict } from '../../src/core/policy/verdict.ts';
import { Intents } from '../../src/core/policy/intents.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { HttpServer } from '../../src/platform/http.ts';
import { CONTROLLER_METRICS } from '../../src/platform/metric-names.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { answerReview } from '../../src/webhook/answer.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { pool, service } from '../support/allocation.ts';
import { change, factsOf, poolChange } from '../support/policy.ts';
import { RecordingLog } from '../support/recording-log.ts';

const POOLS = 1_000;
const SERVICES_OF_A_POOL = 10;
const MEASURE_MS = 400;
const REQUESTS = 3_000;
const WARM_UP = 500;
const PATH = '/validate-v1-service';

export async function run(): Promise<object[]> {
  const facts = bigFacts();
  return [...verdicts(facts), await overHttps(facts)];
}

function bigFacts(): Facts {
  const subnet = (index: number): string => `10.${index >> 8}.${index & 255}`;
  const indexes = Array.from({ length: POOLS }, (_, index) => index);
  return factsOf({
    pools: indexes.map((index) => pool(`pool-${index}`, [`${subnet(index)}.0/24`])),
    services: indexes.flatMap((index) =>
      Array.from({ length: SERVICES_OF_A_POOL }, (_, last) =>
        service(`holder-${index}-${last}`, { held: [`${subnet(index)}.${last}`] }),
      ),
    ),
  });
}

function verdicts(facts: Facts): object[] {
  const asking = (ip: string): Service => service('web', { spec: { loadBalancerIP: ip } });
  const stored = service('holder-500-3', { held: ['10.1.244.3'] });
  const cases: [string, Change][] = [
    ['any address', change(service('web'))],
    ['a free address', change(asking('10.1.244.99'))],
    ['an address another Service holds', change(asking('10.1.244.5'))],
    ['an address in no pool', change(asking('192.0.2.1'))],
    ['an update that changes nothing', change(stored, stored)],
    ['a new pool', poolChange(pool('new', ['192.0.2.0/24']))],
  ];
  return cases.map(([name, proposed]) => {
    const body = JSON.stringify(reviewOf(proposed));
    const perSecond = rate(() => verdict(facts, proposed));
    const baseline = rate(() => JSON.stringify(JSON.parse(body)));
    return {
      bench: 'verdict',
      case: name,
      pools: POOLS,
      services: POOLS * SERVICES_OF_A_POOL,
      verdictsPerSecond: Math.round(perSecond),
      microseconds: round(1e6 / perSecond),
      baseline: 'JSON.parse and JSON.stringify of the same review',
      baselineMicroseconds: round(1e6 / baseline),
      ratio: round(baseline / perSecond),
    };
  });
}

/** Calls a second. */
function rate(work: () => unknown): number {
  for (let warm = 0; warm < 50; warm++) work();
  const started = performance.now();
  let calls = 0;
  while (performance.now() - started < MEASURE_MS) {
    work();
    calls++;
  }
  return (calls * 1_000) / (performance.now() - started);
}

async function overHttps(facts: Facts): Promise<object> {
  const certificate = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
  const body = JSON.stringify(reviewOf(change(service('web', { spec: { loadBalancerIP: '10.1.244.99' } }))));
  const deps = {
    facts,
    intents: new Intents(),
    readLegacy: () => undefined,
    clock: systemClock,
    log: new RecordingLog(),
  };
  const meter = createMeter(CONTROLLER_METRICS);
  const webhook = new HttpServer({
    name: 'the webhook',
    host: '127.0.0.1',
    port: 0,
    log: deps.log,
    certificate,
    routes: [
      { method: 'POST', path: PATH, handle: ({ body: review }) => answerReview(review, { ...deps, meter }) },
    ],
  });
  await webhook.start();
  const echo = createServer({ key: certificate.keyPem, cert: certificate.certPem }, (incoming, response) => {
    let text = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (part: string) => (text += part));
    incoming.on('end', () => {
      const { request: asked } = JSON.parse(text) as { request: { uid: string } };
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ response: { uid: asked.uid, allowed: true } }));
    });
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: certificate.caPem });
  const ask = async (port: number): Promise<number> => {
    const started = performance.now();
    await post(port, agent, body);
    return performance.now() - started;
  };

  const ours: number[] = [];
  const bare: number[] = [];
  const barePort = (echo.address() as AddressInfo).port;
  // Turn by turn, so that whatever else the machine does hits both alike.
  for (let turn = 0; turn < REQUESTS + WARM_UP; turn++) {
    const took = [await ask(webhook.port), await ask(barePort)] as const;
    if (turn < WARM_UP) continue;
    ours.push(took[0]);
    bare.push(took[1]);
  }
  agent.destroy();
  await webhook.stop();
  await new Promise((resolve) => echo.close(resolve));
  const [p50, p99, bareP50, bareP99] = [at(ours, 0.5), at(ours, 0.99), at(bare, 0.5), at(bare, 0.99)];
  return {
    bench: 'admission over HTTPS, one after another',
    requests: REQUESTS,
    p50Ms: round(p50),
    p99Ms: round(p99),
    baseline: 'a bare node:https echo',
    baselineP50Ms: round(bareP50),
    baselineP99Ms: round(bareP99),
    ratioP50: round(p50 / bareP50),
    ratioP99: round(p99 / bareP99),
  };
}

function post(port: number, agent: Agent, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const call = request(
      { host: '127.0.0.1', port, path: PATH, method: 'POST', agent, headers },
      (response) => {
        response.resume().on('end', resolve).on('error', reject);
      },
    );
    call.on('error', reject).end(body);
  });
}

function reviewOf({ kind, ...rest }: Change): object {
  const group = kind === 'Service' || kind === 'ConfigMap' ? '' : 'metallb.io';
  const version = group === '' ? 'v1' : 'v1beta1';
  const asked = {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { group, version, kind },
    userInfo: { username: 'jane' },
  };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { ...asked, ...rest } };
}

function at(values: number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
