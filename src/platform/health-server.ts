/**
 * Plain HTTP for probes and Prometheus: /healthz (the process is alive), /readyz (it works, or 503 with the reason why not)
 * and /metrics. MetalLB's ports are 17472 for health and 9120 for metrics; a program makes one server for each, or one for
 * both. node:http is enough: three fixed GET answers.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UserError } from '../api/user-error.ts';
import type { Startable } from '../ports.ts';
import type { ExposedMeter } from './metrics.ts';

export interface HealthServerOptions {
  /** The address to listen on; '' is every address of the machine. */
  readonly host: string;
  /** 0 takes any free port, see HealthServer.port. */
  readonly port: number;
  /** For messages: `--metrics-port`, the flag that chooses the port. */
  readonly flag: string;
  /** undefined: ready; else one line that says what is missing. */
  readonly notReady?: () => string | undefined;
  /** Served under /metrics where given. */
  readonly meter?: ExposedMeter;
}

export class HealthServer implements Startable {
  readonly #options: HealthServerOptions;
  readonly #server: Server;
  #started: Promise<void> | undefined;

  constructor(options: HealthServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.requestTimeout = 10_000;
  }

  /** The port it listens on; only after start(). */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Throws UserError where the port or the address cannot be had. */
  async start(): Promise<void> {
    this.#started ??= this.#listen();
    await this.#started;
  }

  async #listen(): Promise<void> {
    const { host, port, flag } = this.#options;
    const listening = Promise.withResolvers<void>();
    this.#server.once('error', (error: NodeJS.ErrnoException) =>
      listening.reject(new UserError(explain(error, host, port, flag), { cause: error })),
    );
    this.#server.listen({ port, host: host === '' ? undefined : host }, () => listening.resolve());
    await listening.promise;
  }

  async stop(): Promise<void> {
    // A server that is only about to listen cannot be closed yet.
    await this.#started?.catch(() => undefined);
    if (!this.#server.listening) return;
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    this.#server.closeAllConnections();
    await closed.promise;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#reply(request, response);
    } catch (error) {
      response.writeHead(500).end(`${error instanceof Error ? error.message : String(error)}\n`);
    }
  }

  async #reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { notReady, meter } = this.#options;
    const path = request.url?.split('?', 1)[0];
    response.setHeader('content-type', 'text/plain; charset=utf-8');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405).end('only GET\n');
    } else if (path === '/healthz') {
      response.end('ok\n');
    } else if (path === '/readyz') {
      const missing = notReady?.();
      response.writeHead(missing === undefined ? 200 : 503).end(`${missing ?? 'ok'}\n`);
    } else if (path === '/metrics' && meter !== undefined) {
      const text = await meter.expose();
      response.setHeader('content-type', meter.contentType).end(text);
    } else {
      response.writeHead(404).end('not found: /healthz, /readyz and /metrics are here\n');
    }
  }
}

function explain(error: NodeJS.ErrnoException, host: string, port: number, flag: string): string {
  const where = `${host === '' ? '' : `${host}, `}port ${port}`;
  if (error.code === 'EADDRINUSE')
    return `${where} is already taken: stop what uses it or choose another with ${flag}`;
  if (error.code === 'EACCES')
    return `${where} may not be opened by this user: choose one above 1023 with ${flag}`;
  if (error.code === 'EADDRNOTAVAIL')
    return `${where}: this machine does not have that address; choose another host`;
  return `${where} cannot be opened: ${error.message}`;
}
