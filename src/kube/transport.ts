/**
 * HTTP to one API server: raw JSON in and out over one keep-alive undici Agent. The Agent is rebuilt when the CA or the
 * client certificate changes; the Authorization header is asked for anew for each call, because tokens rotate. Refusals are
 * thrown as KubeError, lost connections as undici's own errors.
 *
 * HTTP/2 is off: a watch per connection costs a few sockets and one slow stream cannot hold up the others.
 */
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { Agent, ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock, Log, Meter } from '../ports.ts';
import { isRefusal, KubeError, statusOf } from './kube-error.ts';

/** What TLS needs; each value is PEM text or bytes. Absent parts are Node's defaults. */
export interface TlsCredentials {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly servername?: string | undefined;
  /** False only where the kubeconfig says insecure-skip-tls-verify. */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** How to reach and convince one API server. */
export interface ServerAccess {
  /** `https://host:port`, with a path where the server sits behind one. */
  readonly url: string;
  /** An http: or https: proxy to go through. */
  readonly proxyUrl?: string | undefined;
  /** Asked before each call, so it must be cheap. */
  credentials(): Promise<Credentials>;
  /** The server does not take what credentials() gave (401): get it anew, from where it came from. Never rejects. */
  renew?(): Promise<void>;
}

export interface Credentials {
  readonly tls: TlsCredentials;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly body?: unknown;
  /** Default application/json. */
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  /** False: the call is not sent, and rejects. */
  readonly onlyWhile?: (() => boolean) | undefined;
}

export interface TransportOptions {
  readonly access: ServerAccess;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter?: Meter | undefined;
  readonly random: () => number;
  readonly userAgent: string;
  /** Longest silence before and within an answer. Default 30 s, which is as long as an admission webhook may take. */
  readonly requestTimeoutMs?: number | undefined;
}

/** Credentials refused with 401 are got anew at most this often: doing so may start a program or ask another server. */
const RENEW_EVERY_MS = 10_000;
/** A call the server asked to repeat is made at most this often. */
const MAX_ATTEMPTS = 5;
/** However long the server asks to wait, no wait is longer. */
export const MAX_RETRY_AFTER_SECONDS = 30;

export class Transport {
  readonly #options: TransportOptions;
  readonly #base: URL;
  readonly #requestTimeoutMs: number;
  #agent: Dispatcher | undefined;
  #tls: TlsCredentials = {};
  #unusable: TlsCredentials | undefined;
  #closed = false;
  #renewing: Promise<void> | undefined;
  #renewedMs = Number.NEGATIVE_INFINITY;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#base = new URL(options.access.url);
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
  }

  /**
   * The answer's JSON. 429, and 5xx with Retry-After, are repeated as the server asks, for reads and writes alike: it
   * says by them that it did nothing. A read whose connection broke is repeated once; a write is not, it may have happened.
   */
  async request(call: Call): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#convincing(() => this.#once(call));
      } catch (error) {
        const waitMs = this.#retryAfterMs(error, call, attempt);
        if (waitMs === undefined) throw error;
        this.#options.log.debug('repeating a call to the API server', {
          method: call.method,
          path: call.path,
          waitMs,
        });
        await sleep(this.#options.clock, waitMs, call.signal);
      }
    }
  }

  /** Opens a watch: the bytes of its body as they come, until the server ends it. Its silence is the caller's to limit. */
  async open(path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.#convincing(async () => {
      const answer = await this.#send({ method: 'GET', path, signal }, 0);
      if (answer.statusCode !== 200) throw refusal(answer, await answer.body.text());
      return answer.body;
    });
  }

  /** Ends all connections; calls under way are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#agent?.destroy();
  }

  /** Acts once more with other credentials where the first were refused: a token may be replaced before its time. */
  async #convincing<T>(act: () => Promise<T>): Promise<T> {
    const askedMs = this.#options.clock.monotonicMs();
    try {
      return await act();
    } catch (error) {
      if (!isRefusal(error, 401) || !(await this.#renewed(askedMs))) throw error;
      return act();
    }
  }

  /** True where there may be other credentials than were asked for at that time. */
  async #renewed(askedMs: number): Promise<boolean> {
    const { access, clock } = this.#options;
    if (access.renew === undefined) return false;
    if (this.#renewing === undefined && this.#renewedMs < askedMs) {
      if (clock.monotonicMs() - this.#renewedMs < RENEW_EVERY_MS) return false;
      this.#renewing = access.renew().then(() => {
        this.#renewing = undefined;
        this.#renewedMs = clock.monotonicMs();
      });
    }
    await this.#renewing;
    return true;
  }

  async #once(call: Call): Promise<unknown> {
    const answer = await this.#send(call, this.#requestTimeoutMs);
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw refusal(answer, text);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new Error(`the API server answered ${call.method} ${call.path} with text that is not JSON`);
    }
  }

  async #send(call: Call, bodyTimeout: number): Promise<Dispatcher.ResponseData> {
    const { tls, headers } = await this.#options.access.credentials();
    if (this.#closed) throw new Error('the connection to the API server was closed');
    if (call.onlyWhile?.() === false) throw new Error('not sent: this process may not write it any more');
    const path = this.#base.pathname === '/' ? call.path : this.#base.pathname.replace(/\/$/, '') + call.path;
    const answer = await this.#agentFor(tls).request({
      origin: this.#base.origin,
      path,
      method: call.method,
      headers: {
        ...headers,
        accept: 'application/json',
        'user-agent': this.#options.userAgent,
        ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
      },
      body: call.body === undefined ? null : JSON.stringify(call.body),
      signal: call.signal ?? null,
      headersTimeout: this.#requestTimeoutMs,
      bodyTimeout,
    });
    this.#options.meter?.count('cleat_kube_requests_total', {
      method: call.method,
      code: `${answer.statusCode}`,
    });
    return answer;
  }

  #agentFor(tls: TlsCredentials): Dispatcher {
    if (this.#agent !== undefined && (sameTls(tls, this.#tls) || !this.#isUsable(tls))) return this.#agent;
    // What runs on the old Agent may finish there.
    const old = this.#agent;
    old?.close().catch((error: unknown) => this.#options.log.warn('closing old connections', { error }));
    const connect = { ...tls, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 };
    // Shorter than the 90 s after which the API server closes an idle connection, so that no call meets a closing one.
    const common = { allowH2: false, keepAliveTimeout: 60_000 };
    const { proxyUrl } = this.#options.access;
    this.#agent =
      proxyUrl === undefined
        ? new Agent({ ...common, connect })
        : new ProxyAgent({ ...common, uri: proxyUrl, requestTls: connect });
    this.#tls = tls;
    return this.#agent;
  }

  /** While files are being replaced, a key may meet the certificate of another: what is in use stays until they fit. */
  #isUsable(tls: TlsCredentials): boolean {
    try {
      checkTls(tls);
      return true;
    } catch (error) {
      if (this.#unusable === undefined || !sameTls(tls, this.#unusable))
        this.#options.log.warn('new certificates cannot be used; keeping those in use', { error });
      this.#unusable = tls;
      return false;
    }
  }

  #retryAfterMs(error: unknown, call: Call, attempt: number): number | undefined {
    if (attempt >= MAX_ATTEMPTS || this.#closed || call.signal?.aborted === true) return undefined;
    if (!(error instanceof KubeError)) {
      return call.method === 'GET' && attempt === 1 && isLostConnection(error) ? 0 : undefined;
    }
    const asked = error.retryAfterSeconds;
    if (error.code !== 429 && !(error.code >= 500 && asked !== undefined)) return undefined;
    const seconds = Math.min(asked ?? 1, MAX_RETRY_AFTER_SECONDS);
    return seconds * 1000 * (1 + this.#options.random() / 10);
  }
}

/** Throws where no connection can be made with these. */
export function checkTls({ ca, cert, key }: TlsCredentials): void {
  // OpenSSL skips a CA it cannot read, and every connection fails later.
  if (ca !== undefined) void new X509Certificate(ca);
  createSecureContext({ ca, cert, key });
}

/** Waits; an aborted signal rejects with its reason. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const abort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

function refusal(answer: Dispatcher.ResponseData, text: string): KubeError {
  const header = answer.headers['retry-after'];
  const seconds = typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // A proxy's page or plain text: statusOf quotes it.
  }
  return new KubeError(statusOf(body, answer.statusCode, text), answer.statusCode, seconds);
}

function isLostConnection(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(String(error.code))
  );
}

function sameTls(a: TlsCredentials, b: TlsCredentials): boolean {
  return (
    sameBytes(a.ca, b.ca) &&
    sameBytes(a.cert, b.cert) &&
    sameBytes(a.key, b.key) &&
    a.servername === b.servername &&
    a.rejectUnauthorized === b.rejectUnauthorized
  );
}

function sameBytes(a: string | Buffer | undefined, b: string | Buffer | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && Buffer.from(a).equals(Buffer.from(b));
}
