/** JSON Patch (RFC 6902) over JSON Pointers (RFC 6901), with kube-apiserver's answers to what cannot be applied. */
import { ApiError } from '../definition.ts';
import { badRequest } from '../errors.ts';
import { sameJson, setKey } from '../json.ts';
import { isObject } from '../schema/schema.ts';

/** As in kube-apiserver: an answer to a patch that would take the server a while to work through. */
const OPERATIONS_LIMIT = 10_000;

/** What kube-apiserver puts before the fault of a patch that was sent to it, and not before that of a webhook's. */
export const OF_THE_REQUEST = 'the server rejected our request due to an error in our request: ';

const OPERATIONS = ['add', 'remove', 'replace', 'move', 'copy', 'test'] as const;

/** The document after every operation; the given one stays as it was. Throws ApiError: 400 for what is no patch, 422 for what does not apply. */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch is a list of operations (RFC 6902)');
  if (patch.length > OPERATIONS_LIMIT)
    throw badRequest(`a JSON patch may have at most ${OPERATIONS_LIMIT} operations`);
  const root = { '': structuredClone(document) };
  for (const operation of patch as unknown[]) applyOperation(root, operation);
  return root[''];
}

function applyOperation(root: { '': unknown }, operation: unknown): void {
  if (!isObject(operation)) throw badRequest('each operation of a JSON patch is an object with op and path');
  const op = OPERATIONS.find((name) => name === operation['op']);
  if (op === undefined)
    throw badRequest(
      `Unexpected kind: ${JSON.stringify(operation['op'] ?? null)}; op is one of ${OPERATIONS.join(', ')}`,
    );
  const path = parsePointer(operation['path'], 'path');
  if ((op === 'add' || op === 'replace' || op === 'test') && !Object.hasOwn(operation, 'value')) {
    throw badRequest(`the ${op} operation at ${JSON.stringify(operation['path'])} has no value`);
  }
  const value = structuredClone(operation['value']);
  switch (op) {
    case 'add':
      return add(root, path, value);
    case 'remove':
      return void remove(root, path, op);
    case 'replace':
      return replace(root, path, value);
    case 'move': {
      const from = parsePointer(operation['from'], 'from');
      if (path.length > from.length && from.every((token, index) => token === path[index])) {
        throw unprocessable(`cannot move ${formatPointer(from)} into itself`);
      }
      return add(root, path, remove(root, from, op));
    }
    case 'copy':
      return add(root, path, structuredClone(locate(root, parsePointer(operation['from'], 'from'), op)));
    case 'test':
      if (!sameJson(find(root, path), value))
        throw unprocessable(`testing value ${formatPointer(path)} failed: test failed`);
  }
}

/** `/a/b~1c/0` as ['', 'a', 'b/c', '0']: with the document as field '' of the root. */
function parsePointer(pointer: unknown, field: string): string[] {
  if (typeof pointer !== 'string') throw badRequest(`a JSON patch operation has no ${field}`);
  if (pointer !== '' && !pointer.startsWith('/'))
    throw badRequest(`${field} ${JSON.stringify(pointer)} must start with /`);
  if (/~(?![01])/.test(pointer))
    throw badRequest(`${field} ${JSON.stringify(pointer)}: ~ is followed by 0 or 1`);
  return pointer.split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const formatPointer = (path: readonly string[]): string =>
  path.map((token) => token.replaceAll('~', '~0').replaceAll('/', '~1')).join('/');

function find(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, token) => {
    if (Array.isArray(at)) return /^(0|[1-9]\d*)$/.test(token) ? (at[Number(token)] as unknown) : undefined;
    return isObject(at) && Object.hasOwn(at, token) ? at[token] : undefined;
  }, root);
}

function locate(root: unknown, path: readonly string[], op: string): unknown {
  const value = find(root, path);
  if (value === undefined) throw missing(op, path);
  return value;
}

function parentOf(root: unknown, path: readonly string[], op: string): { parent: unknown; token: string } {
  return { parent: path.length === 1 ? root : locate(root, path.slice(0, -1), op), token: path.at(-1) ?? '' };
}

function add(root: unknown, path: readonly string[], value: unknown): void {
  const { parent, token } = parentOf(root, path, 'add');
  if (Array.isArray(parent)) {
    const index = token === '-' ? parent.length : /^(0|[1-9]\d*)$/.test(token) ? Number(token) : Infinity;
    if (index > parent.length)
      throw unprocessable(`add operation does not apply: ${formatPointer(path)} is past the end of the list`);
    parent.splice(index, 0, value);
  } else if (isObject(parent)) {
    setKey(parent, token, value);
  } else {
    throw missing('add', path);
  }
}

function replace(root: unknown, path: readonly string[], value: unknown): void {
  const { parent, token } = parentOf(root, path, 'replace');
  // Of a list only what is there can be replaced; a field that is not there is added, as kube-apiserver does.
  if (!isObject(parent)) locate(root, path, 'replace');
  if (Array.isArray(parent)) parent[Number(token)] = value;
  else if (isObject(parent)) setKey(parent, token, value);
}

function remove(root: unknown, path: readonly string[], op: string): unknown {
  const value = locate(root, path, op);
  const { parent, token } = parentOf(root, path, op);
  if (path.length === 1) throw unprocessable('the whole object cannot be removed by a patch');
  if (Array.isArray(parent)) parent.splice(Number(token), 1);
  else if (isObject(parent)) delete parent[token];
  return value;
}

function missing(op: string, path: readonly string[]): ApiError {
  return unprocessable(
    `${op} operation does not apply: doc is missing path: ${formatPointer(path)}: missing value`,
  );
}

function unprocessable(message: string): ApiError {
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${OF_THE_REQUEST}${message}`,
    details: {},
  });
}
