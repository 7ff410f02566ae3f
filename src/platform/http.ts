/**
 * HTTP and HTTPS servers: the one door to express. A server is a list of routes; a route gets the parsed body and gives a
 * status and a body back, so nothing outside this file knows express. What must always hold: a request is always
 * answered (a route that throws, a body that is too large or is not JSON, a client that stalls), and stop() ends in
 * bounded time whatever clients do.
 *
 * HTTP/1.1 only: express cannot do HTTP/2, and with keep-alive it is the faster of the two for small requests.
 */
import type { ErrorRequestHandler, Express, RequestHandler, Response } from 'express';
import express from 'express';
import { createServer as createHttpServer } from 'node:http';
import type { Server } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { createServer as createHttpsServer } from 'node:https';
import { Server as NetServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { setImmediate as eventLoopTurn, setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../api/user-error.ts';
import type { Log, Startable } from '../ports.ts';
import { secureContext, type TlsCertificate, type TlsSettings } from './tls-settings.ts';

interface HttpRequest {
  readonly path: string;
  /** The parsed JSON body; undefined where the request had none, or one of another content type. */
  readonly body: unknown;
}

export interface HttpReply {
  /** HTTP status code. */
  readonly status: number;
  /** A string is sent as plain text, anything else as JSON. */
  readonly body: string | object;
  /** Content type of a string body; plain text without. */
  readonly contentType?: string;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Answers only clients with a certificate of `clientCaPem`, where the server has one. */
  readonly onlyKnown?: boolean;
  /** Throwing is a bug: the client gets 500 and the log the error. */
  handle(request: HttpRequest): HttpReply | Promise<HttpReply>;
}

export interface HttpServerOptions {
  /** What the server is, for messages: `the webhook`. */
  readonly name: string;
  /** IP address to listen on; `::` is every address. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly routes: readonly Route[];
  readonly log: Log;
  /** With it the server speaks HTTPS. */
  readonly certificate?: TlsCertificate;
  /** Default: TLS 1.3 and no other. */
  readonly tls?: TlsSettings;
  /** PEM of the authority that clients are known by; without it nobody is asked for a certificate. HTTPS only. */
  readonly clientCaPem?: string;
  /** Largest body a POST may have; 100 kB without. */
  readonly bodyLimitBytes?: number;
  /** How long a client may take to send a whole request; 15 s without. */
  readonly requestTimeoutMs?: number;
}

const EVERY_ADDRESS = '::';
/** More than the 90 s that Go's client keeps an idle connection, so that the server is never the one to close first. */
const KEEP_ALIVE_TIMEOUT_MS = 120_000;
const REQUEST_TIMEOUT_MS = 15_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const BODY_LIMIT_BYTES = 100_000;
/** An open connection is idle to stop() once no client has sent a byte for this long: until then a request may be on its way. */
const IDLE_GRACE_MS = 250;
/** After this long, stop() cuts the connections that are left. */
const STOP_TIMEOUT_MS = 3_000;

export class HttpServer implements Startable {
  readonly #options: HttpServerOptions;
  readonly #server: Server | HttpsServer;
  readonly #sockets = new Set<Socket>();
  /** Connections so far. */
  #accepted = 0;
  #closing = false;
  #stopped: Promise<void> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    const settings = {
      requestTimeout,
      // Node waits for the longer of the two (measured on 24), and counts both from the first byte of a request, not from
      // the last answer: an idle connection is keepAliveTimeout's alone.
      headersTimeout: requestTimeout,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      // How often stalled requests are looked for; Node's default of 30 s would double the timeout.
      connectionsCheckingInterval: Math.ceil(requestTimeout / 4),
    };
    const application = this.#application();
    this.#server =
      options.certificate === undefined
        ? createHttpServer(settings, application)
        : createHttpsServer(
            {
              ...settings,
              ...this.#secureContext(options.certificate),
              // Probes have none and are answered all the same: each route decides.
              requestCert: options.clientCaPem !== undefined,
              rejectUnauthorized: false,
              ALPNProtocols: ['http/1.1'],
              handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
            },
            application,
          );
    this.#server.on('connection', (socket: Socket) => {
      this.#accepted += 1;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** The port listened on; the one asked for before start(). */
  get port(): number {
    const address = this.#server.address() as AddressInfo | null;
    return address?.port ?? this.#options.port;
  }

  /** Throws UserError where the address cannot be had. */
  async start(): Promise<void> {
    const { name, host, port, log } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => reject(listenError(error, name, host, port));
      this.#server.once('error', onError);
      // Without a host Node listens on ::, or on 0.0.0.0 where the kernel has no IPv6.
      this.#server.listen({ ...(host !== EVERY_ADDRESS && { host }), port }, () => {
        this.#server.off('error', onError);
        // For example no file descriptor left for one connection: the next one may have more luck.
        this.#server.on('error', (error) => log.error(`${name}: ${error.message}`));
        resolve();
      });
    });
  }

  /** Takes another certificate for the connections to come; those that are open stay. HTTPS only. */
  replaceCertificate(certificate: TlsCertificate): void {
    (this.#server as HttpsServer).setSecureContext(this.#secureContext(certificate));
  }

  #secureContext(certificate: TlsCertificate): SecureContextOptions {
    const { tls, clientCaPem } = this.#options;
    return { ...secureContext(certificate, tls), ...(clientCaPem !== undefined && { ca: clientCaPem }) };
  }

  /**
   * Serves `drainMs` longer, telling clients to come back on another connection, then takes no more connections. Requests
   * being answered, or on their way on a connection that is open, are finished; what is still open after 3 s more is cut.
   */
  stop(drainMs = 0): Promise<void> {
    this.#stopped ??= this.#stop(drainMs);
    return this.#stopped;
  }

  async #stop(drainMs: number): Promise<void> {
    if (!this.#server.listening) return;
    this.#closing = true;
    if (drainMs > 0) {
      await delay(drainMs);
      await this.#whenAllAreIn();
    }
    const cut = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, STOP_TIMEOUT_MS);
    // The close() of an HTTP server would also end the connections that are idle now, whatever is about to arrive on them.
    const closed = new Promise<void>((resolve) => {
      NetServer.prototype.close.call(this.#server, () => resolve());
    });
    await Promise.race([closed, this.#whenIdle()]);
    this.#server.closeIdleConnections();
    await closed;
    clearTimeout(cut);
    // Nothing is left to close: this ends the timer that looks for stalled requests.
    this.#server.close();
  }

  /** Who connected waits in the kernel until it is their turn: closing now would cut them off. Others keep coming: for 3 s at most. */
  async #whenAllAreIn(): Promise<void> {
    const deadlineMs = performance.now() + STOP_TIMEOUT_MS;
    for (let before = -1; before !== this.#accepted && performance.now() < deadlineMs;) {
      before = this.#accepted;
      await eventLoopTurn();
    }
  }

  /** Resolves once nothing has come from any client for a while. */
  async #whenIdle(): Promise<void> {
    for (let before = this.#bytesRead(); ;) {
      await delay(IDLE_GRACE_MS);
      const now = this.#bytesRead();
      if (now === before) return;
      before = now;
    }
  }

  #bytesRead(): number {
    return [...this.#sockets].reduce((sum, socket) => sum + socket.bytesRead, 0);
  }

  #application(): Express {
    const application = express();
    application.disable('x-powered-by');
    application.disable('etag');
    application.set('query parser', false);
    const parseBody = express.json({
      limit: this.#options.bodyLimitBytes ?? BODY_LIMIT_BYTES,
      type: 'application/json',
      inflate: false,
    });
    for (const route of this.#options.routes) {
      if (route.onlyKnown === true && this.#options.clientCaPem !== undefined)
        application.all(route.path, this.#refuseUnknown);
      if (route.method === 'GET') {
        application.get(route.path, async (request, response) => {
          this.#send(response, await route.handle({ path: request.path, body: undefined }));
        });
      } else {
        application.post(route.path, parseBody, async (request, response) => {
          this.#send(response, await route.handle({ path: request.path, body: request.body as unknown }));
        });
      }
    }
    application.use((request, response) => {
      this.#send(response, {
        status: 404,
        body: `${this.#options.name} has nothing at ${request.method} ${request.path}`,
      });
    });
    application.use(this.#onError);
    return application;
  }

  /** Before the body is read. */
  readonly #refuseUnknown: RequestHandler = (request, response, next) => {
    if ((request.socket as TLSSocket).authorized) next();
    else
      this.#send(response, {
        status: 401,
        body: `${this.#options.name} answers only clients with a certificate of the authority it was given`,
      });
  };

  /** A server on its way out asks the client to come back on another connection. */
  #send(response: Response, { status, body, contentType = 'text/plain; charset=utf-8' }: HttpReply): void {
    response.status(status);
    if (this.#closing) response.set('Connection', 'close');
    if (typeof body === 'string') response.type(contentType).send(body);
    else response.json(body);
  }

  /** Express tells an error handler by its four parameters. */
  readonly #onError: ErrorRequestHandler = (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const refusal = refusalOf(error, this.#options.bodyLimitBytes ?? BODY_LIMIT_BYTES);
    if (refusal === undefined) {
      const { name, log } = this.#options;
      log.error(`${name} failed to answer`, { method: request.method, path: request.path, error });
    }
    this.#send(response, refusal ?? { status: 500, body: 'internal error; see the log' });
  };
}

/** What the body parser throws, told by its status code; undefined for anything else. */
function refusalOf(error: unknown, limitBytes: number): HttpReply | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  const { status } = error;
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  if (status === 413) return { status, body: `the request body is larger than ${limitBytes} bytes` };
  if (status === 415)
    return { status, body: 'the request body is encoded in a way that is not accepted here' };
  return { status, body: 'the request is not readable: the body must be JSON in UTF-8' };
}

function listenError(error: NodeJS.ErrnoException, name: string, host: string, port: number): Error {
  const place = `${name} cannot listen on ${host.includes(':') ? `[${host}]` : host}:${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new UserError(`${place}: the port is taken; stop what listens there or choose another port`);
    case 'EACCES':
      return new UserError(
        `${place}: not permitted; choose a port above 1023 or run with CAP_NET_BIND_SERVICE`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EINVAL':
    case 'EAFNOSUPPORT':
      return new UserError(`${place}: no interface of this machine has that address; choose one that has`);
    default:
      return error;
  }
}
