/** One request: who asks, what for, and the answer. Everything a verb throws ends here as a Status. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log, ParseYaml } from '../../ports.ts';
import { ApiError } from './definition.ts';
import { discover, VERSION } from './discovery.ts';
import { badRequest, internal, methodNotAllowed, notAcceptable, nothingServed } from './errors.ts';
import { acceptsJson, negotiateForm, parseAccept } from './http/accept.ts';
import { answerError, answerJson, answerText, watchSink } from './http/answer.ts';
import { authenticate } from './http/authentication.ts';
import type { User } from './http/authentication.ts';
import { readBody } from './http/body.ts';
import { parseTarget } from './http/target.ts';
import type { ResourceTarget } from './http/target.ts';
import { OPENAPI_V2_ASKED, OPENAPI_V2_PROTOBUF } from './openapi-v2.ts';
import { OpenApi } from './openapi.ts';
import { parseIncludeObject, presentList, presentObject } from './present.ts';
import type { Presentation } from './present.ts';
import type { Call, Machinery, Subresource } from './verbs/call.ts';
import { booleanOf, dryRunOf, managerOf } from './verbs/call.ts';
import { create } from './verbs/create.ts';
import { remove, removeCollection } from './verbs/delete.ts';
import { checkListOptions, checkWriteOptions } from './verbs/options.ts';
import { get, list } from './verbs/read.ts';
import { isNamespace } from './verbs/rules.ts';
import { patch, update } from './verbs/update.ts';
import { watch } from './verbs/watch.ts';

export interface HandlerOptions {
  readonly machinery: Machinery;
  readonly token: string;
  readonly log: Log;
  readonly parseYaml: ParseYaml;
}

/** Anyone may ask whether the server lives, and what it is. */
const OPEN_PATHS: readonly string[] = ['/healthz', '/livez', '/readyz', '/version'];

export class Handler {
  readonly #options: HandlerOptions;
  readonly #openApi: OpenApi;
  /** How to end each watch that is open. */
  readonly #watches = new Set<() => void>();

  constructor(options: HandlerOptions) {
    this.#options = options;
    this.#openApi = new OpenApi(options.machinery.registry);
  }

  /** Answers a request. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const warnings: string[] = [];
    try {
      await this.#answer(request, response, warnings);
    } catch (error) {
      if (error instanceof ApiError) {
        const refusal = await this.#refusal(error);
        answerError(response, refusal, [...warnings, ...refusal.warnings]);
        return;
      }
      // A client that went away in the middle of its body is no fault of ours.
      if (request.destroyed && !request.complete) return;
      this.#options.log.error('a request ended in an unexpected error', { method: request.method, error });
      answerError(response, internal());
    }
  }

  /** Nothing is told to anybody that rests on a change which is not on disk yet. */
  #durable(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#options.machinery.storage.onceDurable((failure) => (failure ? reject(failure) : resolve()));
    });
  }

  /** A refusal rests on what is stored as any other answer does. */
  async #refusal(error: ApiError): Promise<ApiError> {
    try {
      await this.#durable();
      return error;
    } catch (failure) {
      return failure instanceof ApiError ? failure : error;
    }
  }

  /** Ends every open watch and its connection: clients resume elsewhere or later. */
  endWatches(): void {
    for (const end of this.#watches) end();
  }

  async #answer(request: IncomingMessage, response: ServerResponse, warnings: string[]): Promise<void> {
    const { path, query } = parseUrl(request.url ?? '/');
    const method = request.method ?? 'GET';
    if (!OPEN_PATHS.includes(path)) {
      const user = authenticate(request.headers, this.#options.token);
      const target = parseTarget(path);
      if (target !== undefined) {
        await this.#answerResource(request, response, target, query, user, warnings);
        return;
      }
    }
    if (method !== 'GET' && method !== 'HEAD')
      throw methodNotAllowed(`${path} can only be read: method ${method} is not allowed`);
    await this.#durable();
    this.#answerOther(request, response, path);
  }

  #answerOther(request: IncomingMessage, response: ServerResponse, path: string): void {
    const { accept } = request.headers;
    const { registry } = this.#options.machinery;
    if (path === '/version') return answerJson(response, 200, VERSION);
    if (OPEN_PATHS.includes(path)) return answerText(response, 200, 'ok', 'text/plain; charset=utf-8');
    if (/^\/apis?(\/|$)/.test(path)) {
      const { body, contentType } = discover(registry, path, accept);
      return answerJson(response, 200, body, [], contentType);
    }
    if (path === '/openapi/v2' && parseAccept(accept).some(({ type }) => OPENAPI_V2_ASKED.includes(type)))
      return answerText(response, 200, this.#openApi.v2Protobuf(), OPENAPI_V2_PROTOBUF);
    if (path === '/openapi/v2' || /^\/openapi\/v3(\/|$)/.test(path)) {
      if (!parseAccept(accept).some(acceptsJson))
        throw notAcceptable(
          `OpenAPI documents are served as application/json, v2 as ${OPENAPI_V2_PROTOBUF} too`,
        );
      const text =
        path === '/openapi/v2' ? this.#openApi.v2() : this.#openApi.v3(path.slice('/openapi/v3/'.length));
      return answerText(response, 200, text, 'application/json');
    }
    if (path === '/')
      return answerJson(response, 200, {
        paths: ['/api', '/apis', ...OPEN_PATHS, '/openapi/v2', '/openapi/v3'],
      });
    throw nothingServed();
  }

  async #answerResource(
    request: IncomingMessage,
    response: ServerResponse,
    target: ResourceTarget,
    query: URLSearchParams,
    user: User,
    warnings: string[],
  ): Promise<void> {
    const { machinery, parseYaml } = this.#options;
    const definition = machinery.registry.find(target.group, target.version, target.plural);
    if (definition === undefined) throw nothingServed();
    const { namespaced } = definition.resource;
    const subresource = subresourceOf(target, definition.hasStatus, isNamespace(definition));
    if (target.namespace !== undefined && !namespaced) throw nothingServed();
    const method = request.method ?? 'GET';
    if (namespaced && target.namespace === undefined && (target.name !== undefined || method === 'POST')) {
      throw badRequest(
        `${definition.resource.plural} are namespaced: the path is .../namespaces/<namespace>/${definition.resource.plural}`,
      );
    }
    const watches = target.name === undefined && method === 'GET' && booleanOf(query, 'watch');
    if (target.name === undefined && method === 'GET') checkListOptions(query, watches);
    const body =
      method === 'GET' || method === 'HEAD'
        ? { mediaType: '', value: undefined, duplicates: [] }
        : await readBody(request, parseYaml);
    checkWriteOptions(method, query, body.mediaType === 'application/apply-patch+yaml');
    const call: Call = {
      definition,
      namespace: target.namespace,
      name: target.name ?? '',
      subresource,
      query,
      body,
      user,
      manager: managerOf(query, request.headers['user-agent']),
      dryRun: dryRunOf(query.getAll('dryRun')),
      warnings,
    };
    const presentation = (): Presentation => ({
      definition,
      form: negotiateForm(request.headers.accept),
      includeObject: parseIncludeObject(query.get('includeObject')),
      nowMs: machinery.clock.nowMs(),
    });
    presentation();
    if (watches) {
      this.#watch(call, presentation, response);
      return;
    }
    const answer = await answerTo(machinery, call, method, target, presentation);
    await this.#durable();
    answerJson(response, answer.code, answer.body, warnings);
  }

  #watch(call: Call, presentation: () => Presentation, response: ServerResponse): void {
    // The selectors are parsed before the head is written, so that what is wrong with them is answered as a Status.
    let sink: ReturnType<typeof watchSink> | undefined;
    const open = (): ReturnType<typeof watchSink> => (sink ??= watchSink(response));
    const onceDurable = (act: () => void): void =>
      this.#options.machinery.storage.onceDurable((failure) => (failure ? open().end() : act()));
    const stop = watch(this.#options.machinery, call, presentation, {
      sendInitial: (event) => onceDurable(() => open().sendInitial(event)),
      send: (event) => onceDurable(() => open().send(event)),
      end: () => onceDurable(() => open().end()),
    });
    open();
    const end = (): void => {
      stop();
      open().end();
      // With what is written, but without waiting for the client to let go of the connection.
      response.socket?.end();
    };
    this.#watches.add(end);
    response.once('close', () => {
      stop();
      this.#watches.delete(end);
    });
  }
}

interface Answer {
  readonly code: number;
  readonly body: unknown;
}

async function answerTo(
  machinery: Machinery,
  call: Call,
  method: string,
  target: ResourceTarget,
  presentation: () => Presentation,
): Promise<Answer> {
  const one = target.name !== undefined;
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (one) return { code: 200, body: presentObject(presentation(), get(machinery, call)) };
      return { code: 200, body: presentItems(presentation(), list(machinery, call)) };
    case 'POST':
      if (one) break;
      return { code: 201, body: presentObject(presentation(), await create(machinery, call)) };
    case 'PUT':
    case 'PATCH': {
      if (!one) break;
      const written = await (method === 'PUT' ? update : patch)(machinery, call);
      return { code: written.created ? 201 : 200, body: presentObject(presentation(), written.object) };
    }
    case 'DELETE': {
      if (call.subresource !== '') break;
      if (!one) {
        const items = await removeCollection(machinery, call);
        const metadata = { resourceVersion: String(machinery.storage.revision) };
        return { code: 200, body: presentItems(presentation(), { items, metadata }) };
      }
      const removed = await remove(machinery, call);
      if (!('metadata' in removed) || removed.kind === 'Status') return { code: 200, body: removed };
      return {
        code: 200,
        body: presentObject(
          { ...presentation(), form: 'object' },
          removed as Parameters<typeof presentObject>[1],
        ),
      };
    }
    default:
  }
  throw methodNotAllowed('the server does not allow this method on the requested resource');
}

function presentItems(presentation: Presentation, { items, metadata }: ReturnType<typeof list>): unknown {
  return presentList(presentation, items, metadata);
}

function subresourceOf(target: ResourceTarget, hasStatus: boolean, isOfNamespace: boolean): Subresource {
  switch (target.subresource) {
    case '':
      return '';
    case 'status':
      if (hasStatus) return 'status';
      break;
    case 'finalize':
      if (isOfNamespace) return 'finalize';
      break;
    default:
  }
  throw nothingServed();
}

function parseUrl(url: string): { path: string; query: URLSearchParams } {
  const mark = url.indexOf('?');
  const path = (mark < 0 ? url : url.slice(0, mark)).replace(/(?<=.)\/+$/, '');
  return { path, query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)) };
}
