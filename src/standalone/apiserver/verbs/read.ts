/** get and list. Storage is one memory, so whatever is read is the newest there is; only paging and Exact ask for an older state. */
import type { Stored } from '../definition.ts';
import { badRequest, expired, notFound, tooLargeResourceVersion } from '../errors.ts';
import type { ListMeta } from '../present.ts';
import { parseSelectors } from '../selectors.ts';
import type { Call, Machinery } from './call.ts';
import { countOf } from './call.ts';

export function get({ storage }: Machinery, { definition, namespace, name, query }: Call): Stored {
  const wanted = parseRevision(query.get('resourceVersion'));
  if (wanted !== undefined && wanted > storage.revision)
    throw tooLargeResourceVersion(wanted, storage.revision);
  const object = storage.find(definition.resource, namespace, name);
  if (object === undefined) throw notFound(definition.resource, name);
  return object;
}

export interface Listing {
  readonly items: readonly Stored[];
  readonly metadata: ListMeta;
}

export function list(machinery: Machinery, call: Call): Listing {
  const { query, definition, namespace } = call;
  const limit = countOf(query, 'limit') ?? 0;
  const { revision, after } = startOf(machinery, query);
  const matches = parseSelectors(definition, query.get('labelSelector'), query.get('fieldSelector'));
  const all = machinery.storage.listAt(definition.resource, revision);
  if (all === undefined) throw expired(TOO_OLD_TO_LIST);
  const wanted = all.filter(
    (object) =>
      (namespace === undefined || object.metadata.namespace === namespace) &&
      (after === undefined || keyOf(object) > after) &&
      matches(object),
  );
  const items = limit > 0 ? wanted.slice(0, limit) : wanted;
  const last = items.at(-1);
  const more = wanted.length - items.length;
  return {
    items,
    metadata: {
      resourceVersion: String(revision),
      ...(more > 0 && last !== undefined ? { continue: formatContinue(revision, keyOf(last)) } : {}),
      ...(more > 0 && !query.has('labelSelector') && !query.has('fieldSelector')
        ? { remainingItemCount: more }
        : {}),
    },
  };
}

const TOO_OLD_TO_LIST =
  'The provided continue parameter or resourceVersion is too old to display a consistent list result. You must start a new list without it.';

/** The state a list is asked of: the newest, or with `continue` or Exact an earlier one. */
function startOf(
  { storage }: Machinery,
  query: URLSearchParams,
): { revision: number; after: string | undefined } {
  const token = query.get('continue') ?? '';
  const wanted = parseRevision(query.get('resourceVersion'));
  const match = query.get('resourceVersionMatch') ?? '';
  if (token !== '') {
    if (wanted !== undefined && wanted !== 0) {
      throw badRequest('specifying resource version is not allowed when using continue');
    }
    return parseContinue(token);
  }
  if (wanted !== undefined && wanted > storage.revision)
    throw tooLargeResourceVersion(wanted, storage.revision);
  return {
    revision: match === 'Exact' && wanted !== undefined ? wanted : storage.revision,
    after: undefined,
  };
}

/** undefined where none is asked for. */
export function parseRevision(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  const revision = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(revision)) {
    throw badRequest(
      `resourceVersion: Invalid value: ${JSON.stringify(text)}: it is not one this server gave out`,
    );
  }
  return revision;
}

/** The order of storage.list. */
function keyOf({ metadata }: Stored): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}

function formatContinue(revision: number, after: string): string {
  return Buffer.from(JSON.stringify([revision, after])).toString('base64url');
}

function parseContinue(token: string): { revision: number; after: string } {
  try {
    const [revision, after] = JSON.parse(Buffer.from(token, 'base64url').toString()) as unknown[];
    if (Number.isSafeInteger(revision) && typeof after === 'string')
      return { revision: revision as number, after };
  } catch {
    // Answered below, as any other text that this server did not make.
  }
  throw badRequest('continue key is not valid: list again without it');
}
