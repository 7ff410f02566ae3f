/**
 * Stands between a client and an API server, ends TLS on both sides, and does to what passes what networks and busy servers do:
 * refuses, delays, cuts, loses answers, lets watches fall silent. It keeps book of every write that the server carried out.
 */
import { Agent, createServer, request as httpsRequest } from 'node:https';
import type { Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import type { Target } from './api-server.ts';

export interface Passing {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly watch: boolean;
}

/** What happens to one request. */
export type ProxyFault =
  | { readonly kind: 'refuse'; readonly code: number; readonly retryAfterSeconds?: number }
  /** Cut before the server hears of it. */
  | { readonly kind: 'reset' }
  /** The server does it; the connection is cut before the client hears of that. */
  | { readonly kind: 'lose-answer' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** The server hears of it only then. */
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  /** Watches only: 410 within an event. */
  | { readonly kind: 'expired-event' };

interface OpenWatch {
  readonly upstream: IncomingMessage;
  readonly downstream: ServerResponse;
}

export class FaultProxy {
  /** Asked for each request; undefined lets it pass unharmed. */
  script: (passing: Passing) => ProxyFault | undefined = () => undefined;
  /** Writes the server answered with 2xx, oldest first: `PATCH /api/v1/…`. */
  readonly written: string[] = [];
  /** Faults done so far. */
  faults = 0;
  readonly #pki = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
  readonly #server: Server;
  readonly #watches = new Set<OpenWatch>();
  #target: Target;
  #agent: Agent;

  constructor(target: Target) {
    this.#target = target;
    this.#agent = new Agent({ keepAlive: true, ca: target.caPem });
    const { certPem: cert, keyPem: key } = this.#pki;
    this.#server = createServer({ cert, key }, (request, response) => void this.#pass(request, response));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Where clients go; with the token of the server behind it. */
  get front(): Target {
    const { port } = this.#server.address() as AddressInfo;
    return { url: `https://127.0.0.1:${port}`, caPem: this.#pki.caPem, token: this.#target.token };
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** The server is somewhere else now. */
  retarget(target: Target): void {
    this.#agent.destroy();
    this.#agent = new Agent({ keepAlive: true, ca: target.caPem });
    this.#target = target;
  }

  /** Cuts every watch that is open. */
  dropWatches(): void {
    for (const { upstream, downstream } of this.#watches) {
      this.faults += 1;
      upstream.destroy();
      downstream.destroy();
    }
  }

  /** Leaves every watch open and lets nothing through it any more, not even its end. */
  muteWatches(): void {
    for (const { upstream, downstream } of this.#watches) {
      this.faults += 1;
      upstream.unpipe(downstream);
      upstream.resume();
    }
    this.#watches.clear();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'https://server');
    const watch = /^(true|1)$/.test(url.searchParams.get('watch') ?? '');
    const { method = '' } = request;
    const fault = this.script({ method, path: url.pathname, query: url.searchParams, watch });
    if (fault !== undefined) this.faults += 1;
    if (fault?.kind === 'reset') {
      request.socket.destroy();
      return;
    }
    if (fault?.kind === 'refuse' || fault?.kind === 'expired-event') {
      request.resume().once('end', () => refuse(response, fault));
      return;
    }
    if (fault?.kind === 'delay') await delay(fault.ms);
    if (fault?.kind === 'hold') await fault.until;
    const { port } = new URL(this.#target.url);
    const { host: _, ...headers } = request.headers;
    const options = { host: '127.0.0.1', port, method, path: request.url, headers, agent: this.#agent };
    const onward = httpsRequest(options, (upstream) => {
      const { statusCode = 502 } = upstream;
      if (method !== 'GET' && statusCode < 300) this.written.push(`${method} ${url.pathname}`);
      if (fault?.kind === 'lose-answer') {
        upstream.resume();
        request.socket.destroy();
        return;
      }
      response.writeHead(statusCode, upstream.headers);
      response.flushHeaders();
      if (watch) this.#keep({ upstream, downstream: response });
      upstream.on('error', () => response.destroy());
      upstream.on('aborted', () => response.destroy());
      upstream.pipe(response);
    });
    onward.on('error', () => request.socket.destroy());
    response.once('close', () => onward.destroy());
    request.pipe(onward);
  }

  #keep(watch: OpenWatch): void {
    this.#watches.add(watch);
    watch.downstream.once('close', () => this.#watches.delete(watch));
  }
}

function refuse(
  response: ServerResponse,
  fault: Extract<ProxyFault, { kind: 'refuse' | 'expired-event' }>,
): void {
  response.setHeader('content-type', 'application/json');
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' };
  if (fault.kind === 'expired-event') {
    const object = { ...status, code: 410, reason: 'Expired', message: 'too old resource version' };
    response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
    return;
  }
  const { code, retryAfterSeconds } = fault;
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', retryAfterSeconds);
  response.writeHead(code).end(JSON.stringify({ ...status, code, message: `refused with ${code}` }));
}
