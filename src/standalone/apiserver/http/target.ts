/** What the path of a request names. */

export interface ResourceTarget {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string;
}

/**
 * `/api/v1/...` and `/apis/<group>/<version>/...` below which resources lie; undefined for every other path, malformed
 * escapes included.
 */
export function parseTarget(path: string): ResourceTarget | undefined {
  let segments: string[];
  try {
    segments = path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
  if (segments.at(-1) === '') segments.pop();
  const [root, ...rest] = segments;
  if (root === 'api') return below('', rest);
  if (root === 'apis' && rest[0] !== undefined && rest[0] !== '') return below(rest[0], rest.slice(1));
  return undefined;
}

function below(group: string, segments: readonly string[]): ResourceTarget | undefined {
  const [version, ...rest] = segments;
  if (version === undefined || rest.length === 0 || rest.includes('')) return undefined;
  // A namespace of its own is `namespaces/x` and its subresources; anything else below it is a resource in it.
  const own =
    group === '' &&
    rest[0] === 'namespaces' &&
    (rest.length <= 2 || rest[2] === 'status' || rest[2] === 'finalize');
  const inNamespace = rest[0] === 'namespaces' && !own;
  const [plural, name, subresource = '', ...more] = inNamespace ? rest.slice(2) : rest;
  if (plural === undefined || more.length > 0) return undefined;
  return { group, version, plural, namespace: inNamespace ? rest[1] : undefined, name, subresource };
}
