/** The embedded API server for tests, over real TLS on loopback, and a client that shows answers as they come. */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import type { TestContext } from 'node:test';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Clock } from '../../src/ports.ts';
import { generateToken } from '../../src/standalone/apiserver/http/authentication.ts';
import { ApiServer } from '../../src/standalone/apiserver/server.ts';
import { RecordingLog } from './recording-log.ts';

/** The value at a path of fields and positions in a body; undefined where there is none. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null
        ? (inner as Record<string | number, unknown>)[key]
        : undefined,
    value,
  );
}

/** As `at`, for text that must be there. */
export function textAt(value: unknown, ...path: (string | number)[]): string {
  const text = at(value, ...path);
  assert.equal(typeof text, 'string', `${path.join('.')} in ${JSON.stringify(value)}`);
  return text as string;
}

export interface Answer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
  readonly text: string;
}

export interface AskOptions {
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An API server and who asks it. */
export interface Target {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
}

/** Speaks to an API server. */
export interface Api {
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
  /** Opens a watch. */
  watch(path: string, options?: Pick<AskOptions, 'accept'>): Promise<Watching>;
}

export interface RunningServer extends Api {
  readonly server: ApiServer;
  readonly caPem: string;
  readonly token: string;
  readonly log: RecordingLog;
}

interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

export interface Watching {
  readonly code: number;
  /** The next event; rejects where the watch ends or five seconds pass without one. */
  next(): Promise<WatchEvent>;
  /** Resolves once the server has ended the watch. */
  readonly ended: Promise<void>;
  close(): void;
}

/** Starts a server that stops with the test. */
export async function startApiServer(
  context: TestContext,
  options: { clock?: Clock; historyLimit?: number } = {},
): Promise<RunningServer> {
  const { caPem, certPem, keyPem } = issueCertificates({
    nowMs: Date.now(),
    hosts: ['127.0.0.1', 'localhost'],
  });
  const token = generateToken();
  const log = new RecordingLog();
  const server = new ApiServer({ clock: systemClock, ...options, token, log, tls: { certPem, keyPem } });
  await server.start();
  context.after(() => server.stop());
  return { server, caPem, token, log, ...speakTo({ url: server.url, caPem, token }) };
}

export function speakTo(target: Target): Api {
  return {
    ask: (method, path, options) => askServer(target, method, path, options),
    watch: (path, options = {}) => openWatch(target, path, options),
  };
}

export function askServer(
  { url, caPem, token }: Target,
  method: string,
  path: string,
  options: AskOptions = {},
): Promise<Answer> {
  const { body, type = 'application/json', accept, headers = {} } = options;
  const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      `${url}${path}`,
      {
        method,
        ca: caPem,
        headers: {
          authorization: `Bearer ${token}`,
          ...(accept === undefined ? {} : { accept }),
          ...(payload === undefined
            ? {}
            : { 'content-type': type, 'content-length': String(Buffer.byteLength(payload)) }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const json = (response.headers['content-type'] ?? '').startsWith('application/json');
          resolve({
            code: response.statusCode ?? 0,
            headers: response.headers,
            body: json && text !== '' ? (JSON.parse(text) as unknown) : {},
            text,
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(payload);
  });
}

function openWatch({ url, caPem, token }: Target, path: string, { accept }: AskOptions): Promise<Watching> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, ...(accept === undefined ? {} : { accept }) };
    const sent = request(`${url}${path}`, { ca: caPem, headers }, (response) => {
      const events: WatchEvent[] = [];
      let rest = '';
      let wake = (): void => undefined;
      let over = false;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        events.push(...lines.map((line) => JSON.parse(line) as WatchEvent));
        wake();
      });
      const ended = new Promise<void>((end) => {
        response.on('close', () => {
          over = true;
          wake();
          end();
        });
      });
      const next = async (): Promise<WatchEvent> => {
        const deadline = performance.now() + 5000;
        while (events.length === 0) {
          if (over) throw new Error('the watch has ended');
          if (performance.now() > deadline) throw new Error('no event in 5 s');
          await new Promise<void>((resume) => {
            const timer = setTimeout(resume, 5000);
            wake = () => {
              clearTimeout(timer);
              resume();
            };
          });
        }
        return events.shift() as WatchEvent;
      };
      resolve({ code: response.statusCode ?? 0, next, ended, close: () => void sent.destroy() });
    });
    sent.on('error', reject);
    sent.end();
  });
}
