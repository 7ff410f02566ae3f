/**
 * A small API server that fails on demand. It serves list and watch of Services with resourceVersions, pages and
 * bookmarks, keeps the history a watch needs to resume, and before each answer asks the script what should go wrong.
 * For tests of the client only: what a write sends is echoed back with what was asked, nothing is stored.
 */
import assert from 'node:assert/strict';
import { createServer as createPlainServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { KubeObject } from '../../src/api/meta.ts';

export interface Seen {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly watch: boolean;
  /** When it came, monotonic. */
  readonly atMs: number;
}

/** What goes wrong with one request. `text` is sent as it is, with code 200. */
export type Fault =
  | { kind: 'refuse'; code: number; reason?: string; retryAfterSeconds?: number; text?: string }
  | { kind: 'text'; text: string }
  /** Never answers. */
  | { kind: 'hang' }
  | { kind: 'reset' }
  /** The answer comes a few bytes at a time. */
  | { kind: 'dribble' }
  /** Watches only: answers, then never says anything again, whatever changes. */
  | { kind: 'mute' }
  /** Watches only: code 410 within an event instead of as an answer. */
  | { kind: 'error-event'; code: number };

interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

const PATH = '/api/v1/services';

export class ScriptedServer {
  /** Every request, oldest first. */
  readonly seen: Seen[] = [];
  /** TCP connections accepted so far. */
  connections = 0;
  /** What goes wrong next; called once for each request. */
  script: (request: Seen) => Fault | undefined = () => undefined;
  /**
   * What it does about sendInitialEvents: sends them; refuses as a server does that has the feature switched off, before the script
   * is asked and unseen; or takes no notice and watches from now on.
   */
  initialEvents: 'sent' | 'refused' | 'ignored' = 'refused';
  /** The path served; elsewhere the answer is 404. */
  path = PATH;
  readonly #server: Server;
  readonly #tls: boolean;
  readonly #objects = new Map<string, KubeObject>();
  #history: Change[] = [];
  #version = 100;
  readonly #watches = new Set<ServerResponse>();

  constructor(tls?: { cert: string; key: string }) {
    const listener: RequestListener = (request, response) => void this.#receive(request, response);
    this.#tls = tls !== undefined;
    this.#server = tls === undefined ? createPlainServer(listener) : createTlsServer(tls, listener);
    this.#server.on('connection', () => (this.connections += 1));
  }

  async start(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get url(): string {
    return `${this.#tls ? 'https' : 'http'}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  get objects(): IterableIterator<KubeObject> {
    return this.#objects.values();
  }

  /** Creates or changes a Service; what changed tells its watches. */
  put(name: string, annotations: Record<string, string> = {}): void {
    this.#version += 1;
    const held = this.#objects.get(name);
    const metadata = { namespace: 'default', name, uid: held?.metadata.uid ?? `uid-${this.#version}` };
    const object = {
      metadata: { ...metadata, resourceVersion: `${this.#version}`, annotations, managedFields: [{}] },
    };
    this.#objects.set(name, object);
    this.#tell({ version: this.#version, type: held === undefined ? 'ADDED' : 'MODIFIED', object });
  }

  remove(name: string): void {
    const held = this.#objects.get(name);
    if (held === undefined) return;
    this.#version += 1;
    this.#objects.delete(name);
    const object = { ...held, metadata: { ...held.metadata, resourceVersion: `${this.#version}` } };
    this.#tell({ version: this.#version, type: 'DELETED', object });
  }

  /** Tells all watches that the version has moved on, as it does when other objects change. */
  bookmark(): void {
    this.#version += 1;
    for (const watch of this.#watches)
      watch.write(line('BOOKMARK', { metadata: { resourceVersion: `${this.#version}` } }));
  }

  /** Forgets the history: a watch from before now gets 410. */
  compact(): void {
    this.#history = [];
  }

  /** Ends all watches: in order, by a reset, or by a reset in the middle of an event. */
  dropWatches(how: 'end' | 'reset' | 'mid-line'): void {
    for (const watch of this.#watches) {
      if (how === 'end') {
        watch.end();
      } else {
        if (how === 'mid-line') watch.write(line('MODIFIED', { metadata: { name: 'half' } }).slice(0, 20));
        setImmediate(() => reset(watch));
      }
    }
    this.#watches.clear();
  }

  #tell(change: Change): void {
    this.#history.push(change);
    for (const watch of this.#watches) writeInTwo(watch, line(change.type, change.object));
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const url = new URL(request.url ?? '', 'http://server');
    const query = url.searchParams;
    const watch = query.get('watch') === 'true';
    const { method = '', headers } = request;
    const seen: Seen = { method, path: url.pathname, query, headers, body, watch, atMs: performance.now() };
    response.setHeader('content-type', 'application/json');
    const initial = watch && query.get('sendInitialEvents') === 'true';
    if (initial && this.initialEvents === 'refused') {
      refuse(response, { kind: 'refuse', code: 422, reason: 'Invalid' });
      return;
    }
    this.seen.push(seen);
    const fault = this.script(seen);
    if (fault !== undefined && fault.kind !== 'dribble') this.#fail(response, fault);
    else if (method !== 'GET')
      response.end(JSON.stringify({ kind: 'Echo', path: request.url, body: parse(body) }));
    else if (url.pathname !== this.path) refuse(response, { kind: 'refuse', code: 404, reason: 'NotFound' });
    else if (initial) this.#watchFromTheBeginning(response, query, fault !== undefined);
    else if (watch) this.#watch(response, Number(query.get('resourceVersion')));
    else this.#list(response, query, fault !== undefined);
  }

  #list(response: ServerResponse, query: URLSearchParams, dribble: boolean): void {
    const limit = Number(query.get('limit') ?? 0);
    const from = Number(query.get('continue') ?? 0);
    const all = [...this.#objects.values()];
    const items = limit === 0 ? all : all.slice(from, from + limit);
    const more = limit !== 0 && from + limit < all.length;
    const metadata = {
      resourceVersion: `${this.#version}`,
      ...(more ? { continue: `${from + limit}` } : {}),
    };
    const text = JSON.stringify({ kind: 'ServiceList', apiVersion: 'v1', metadata, items });
    if (dribble) void dribbleOut(response, text);
    else response.end(text);
  }

  #watch(response: ServerResponse, from: number): void {
    const oldest = this.#history[0]?.version ?? this.#version + 1;
    if (from < oldest - 1) {
      refuse(response, { kind: 'refuse', code: 410, reason: 'Expired' });
      return;
    }
    response.flushHeaders();
    for (const { version, type, object } of this.#history)
      if (version > from) response.write(line(type, object));
    this.#follow(response);
  }

  #watchFromTheBeginning(response: ServerResponse, query: URLSearchParams, dribble: boolean): void {
    if (this.initialEvents === 'ignored') {
      this.#watch(response, this.#version);
      return;
    }
    // As kube-apiserver has it (meta/v1 ListOptions).
    assert.equal(query.get('resourceVersionMatch'), 'NotOlderThan');
    assert.equal(query.get('allowWatchBookmarks'), 'true');
    const metadata = {
      resourceVersion: `${this.#version}`,
      annotations: { 'k8s.io/initial-events-end': 'true' },
    };
    const events = [...this.#objects.values()].map((object) => line('ADDED', object));
    const text = [...events, line('BOOKMARK', { metadata })].join('');
    if (dribble) {
      void dribbleOut(response, text);
      return;
    }
    writeInTwo(response, text);
    this.#follow(response);
  }

  #follow(response: ServerResponse): void {
    this.#watches.add(response);
    response.on('close', () => this.#watches.delete(response));
  }

  #fail(response: ServerResponse, fault: Exclude<Fault, { kind: 'dribble' }>): void {
    switch (fault.kind) {
      case 'refuse':
        refuse(response, fault);
        break;
      case 'text':
        response.end(fault.text);
        break;
      case 'reset':
        reset(response);
        break;
      case 'mute':
        response.flushHeaders();
        break;
      case 'error-event':
        response.end(
          line('ERROR', { kind: 'Status', status: 'Failure', code: fault.code, message: 'no more' }),
        );
        break;
      case 'hang':
        break;
    }
  }
}

function line(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

/** Two writes, the first ending within a line, so that clients meet cuts at odd places. */
function writeInTwo(watch: ServerResponse, text: string): void {
  const bytes = Buffer.from(text);
  watch.write(bytes.subarray(0, bytes.length >> 1));
  watch.write(bytes.subarray(bytes.length >> 1));
}

/** Only plain TCP can be made to send RST; TLS ends without its farewell, which is as rude. */
function reset({ socket }: ServerResponse): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket?.resetAndDestroy();
}

async function dribbleOut(response: ServerResponse, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 61) {
    response.write(bytes.subarray(at, at + 61));
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

function refuse(response: ServerResponse, fault: Extract<Fault, { kind: 'refuse' }>): void {
  const { code, reason, retryAfterSeconds, text } = fault;
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', `${retryAfterSeconds}`);
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
    message: `refused with ${code}`,
  };
  response.writeHead(code).end(text ?? JSON.stringify(status));
}

function parse(text: string): unknown {
  return text === '' ? null : (JSON.parse(text) as unknown);
}
