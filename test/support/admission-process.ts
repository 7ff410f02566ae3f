/**
 * A process that answers admission over HTTPS, for benchmarks: `cleat`, the webhook's own server in the large world, or `echo`, a
 * bare node:https server that reads the review and gives its uid back. It is told by messages, and ends with its parent.
 */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Intents } from '../../src/core/policy/intents.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { keepHeapSmall } from '../../src/platform/heap.ts';
import { HttpServer } from '../../src/platform/http.ts';
import { CONTROLLER_METRICS } from '../../src/platform/metric-names.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { answerReview } from '../../src/webhook/answer.ts';
import type { CertificateSet } from '../../src/webhook/certificates.ts';
import { largeWorld } from './large-world.ts';
import { RecordingLog } from './recording-log.ts';

export const REVIEW_PATH = '/validate-v1-service';

/** What the process tells of itself since it was last asked. */
export interface Told {
  readonly rssMb: number;
  /** How late timers came at worst, but for one in a hundred. */
  readonly eventLoopDelayP99Ms: number;
}

const delays = monitorEventLoopDelay({ resolution: 5 });

async function serveCleat(certificate: CertificateSet): Promise<number> {
  keepHeapSmall();
  const deps = {
    facts: largeWorld(),
    intents: new Intents(),
    readLegacy: () => undefined,
    clock: systemClock,
    log: new RecordingLog(),
    meter: createMeter(CONTROLLER_METRICS),
  };
  const server = new HttpServer({
    name: 'the webhook',
    host: '127.0.0.1',
    port: 0,
    log: deps.log,
    certificate,
    routes: [{ method: 'POST', path: REVIEW_PATH, handle: ({ body }) => answerReview(body, deps) }],
  });
  await server.start();
  return server.port;
}

async function serveEcho({ keyPem, certPem }: CertificateSet): Promise<number> {
  const server = createServer({ key: keyPem, cert: certPem }, (incoming, response) => {
    let text = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (part: string) => (text += part));
    incoming.on('end', () => {
      const { request } = JSON.parse(text) as { request: { uid: string } };
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ response: { uid: request.uid, allowed: true } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

process.on('disconnect', () => process.exit(0));
process.on('message', (message: CertificateSet | 'tell') => {
  if (message === 'tell') {
    const told: Told = {
      rssMb: process.memoryUsage.rss() / 2 ** 20,
      eventLoopDelayP99Ms: delays.percentile(99) / 1e6,
    };
    delays.reset();
    process.send?.(told);
    return;
  }
  delays.enable();
  void (process.argv[2] === 'echo' ? serveEcho : serveCleat)(message).then((port) => process.send?.(port));
});
