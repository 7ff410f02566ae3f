/**
 * HTTP for probes and Prometheus: /healthz (the process is alive), /readyz (it works, or 503 with the reason why not) and
 * /metrics. MetalLB's ports are 17472 for health and 9120 for metrics; a program makes one server for each, or one for both.
 * node:http is enough: three fixed GET answers. Where it is told to, metrics are for those only who may have them, over HTTPS.
 */
import { createServer } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UserError } from '../api/user-error.ts';
import type { Startable } from '../ports.ts';
import type { ExposedMeter } from './metrics.ts';
import { secureContext, type TlsCertificate, type TlsSettings } from './tls-settings.ts';

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
  readonly secure?: Secure;
}

/** HTTPS, and who gets an answer. */
interface Secure {
  /** The certificate to serve with now; asked again after each answer, for the connections to come. Does not throw. */
  readonly certificate: () => TlsCertificate;
  readonly tls: TlsSettings;
  /** Whether who sent this Authorization header may have the path; `unauthenticated` is 401 and `forbidden` 403. */
  readonly mayGet: (
    path: string,
    authorization: string | undefined,
  ) => Promise<'allowed' | 'unauthenticated' | 'forbidden'>;
}

export class HealthServer implements Startable {
  readonly #options: HealthServerOptions;
  readonly #server: Server | HttpsServer;
  #started: Promise<void> | undefined;

  constructor(options: HealthServerOptions) {
    this.#options = options;
    const answer = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#answer(request, response);
    const { secure } = options;
    this.#server =
      secure === undefined
        ? createServer(answer)
        : createHttpsServer(secureContext(secure.certificate(), secure.tls), answer);
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
      if (!response.headersSent) response.writeHead(500);
      response.end(`${error instanceof Error ? error.message : String(error)}\n`);
    }
    this.#renewCertificate();
  }

  #renewCertificate(): void {
    const { secure } = this.#options;
    if (secure !== undefined && this.#server instanceof HttpsServer)
      this.#server.setSecureContext(secureContext(secure.certificate(), secure.tls));
  }

  async #reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { notReady, meter, secure } = this.#options;
    const path = request.url?.split('?', 1)[0] ?? '';
    const admission = await secure?.mayGet(path, request.headers.authorization);
    response.setHeader('content-type', 'text/plain; charset=utf-8');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405).end('only GET\n');
    } else if (admission === 'unauthenticated') {
      response.writeHead(401).end('show a token the API server knows: Authorization: Bearer …\n');
    } else if (admission === 'forbidden') {
      response.writeHead(403).end(`you may not get ${path}: RBAC allows it by nonResourceURLs\n`);
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
