/** Where a resource is served: URL paths and query strings of the Kubernetes API conventions. */
import type { Resource } from '../api/meta.ts';

export interface Place {
  /** Absent: cluster-scoped, or all namespaces of a list. */
  readonly namespace?: string | undefined;
  /** Absent: the collection. */
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * `/api/v1/namespaces/{namespace}/services/{name}/status?…`. Values of the query that are undefined, '' or false are left
 * out. Throws for an empty name or namespace, which would silently address the whole collection, and for a namespaced
 * object without its namespace.
 */
export function resourcePath(resource: Resource, place: Place, query: Query = {}): string {
  const { group, version, plural } = resource;
  const segments = group === '' ? ['api', version] : ['apis', group, version];
  if (resource.namespaced) {
    if (place.namespace !== undefined) segments.push('namespaces', segment(place.namespace, 'namespace'));
    else if (place.name !== undefined) throw new Error(`${plural} ${place.name}: the namespace is missing`);
  }
  segments.push(plural);
  if (place.name !== undefined) segments.push(segment(place.name, 'name'));
  if (place.subresource !== undefined) segments.push(place.subresource);
  const path = `/${segments.join('/')}`;
  const pairs = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== '' && value !== false,
  );
  if (pairs.length === 0) return path;
  return `${path}?${pairs.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join('&')}`;
}

function segment(text: string, what: string): string {
  if (text === '' || text === '.' || text === '..')
    throw new Error(`"${text}" is no ${what} of a Kubernetes object`);
  return encodeURIComponent(text);
}

/** The apiVersion written in an object of this resource: `v1`, `metallb.io/v1beta1`. */
export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}
