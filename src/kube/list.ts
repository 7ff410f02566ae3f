/** Reading a whole collection, page by page. */
import type { KubeList, KubeObject, Resource } from '../api/meta.ts';
import type { ObserveOptions } from '../ports.ts';
import { isRefusal } from './kube-error.ts';
import { apiVersionOf, resourcePath } from './path.ts';
import type { Transport } from './transport.ts';

const PAGE_SIZE = 500;

/**
 * Every object of a resource, in one KubeList whose resourceVersion is that of the first page. Objects get the apiVersion
 * and kind that the server leaves out in lists. Where the server has forgotten a page's token (410), all is read at once.
 */
export async function listAll<T extends KubeObject>(
  transport: Transport,
  resource: Resource,
  options: ObserveOptions,
  signal?: AbortSignal,
): Promise<KubeList<T>> {
  const { namespace, labelSelector, fieldSelector } = options;
  const read = async (limit: number | undefined, token: string | undefined): Promise<KubeList<T>> => {
    const path = resourcePath(
      resource,
      { namespace },
      { labelSelector, fieldSelector, limit, continue: token },
    );
    return asList<T>(await transport.request({ method: 'GET', path, signal }), path);
  };
  let list = await read(PAGE_SIZE, undefined);
  const items = [...list.items];
  let { metadata } = list;
  while (list.metadata.continue !== undefined && list.metadata.continue !== '') {
    try {
      list = await read(PAGE_SIZE, list.metadata.continue);
    } catch (error) {
      if (!isRefusal(error, 410)) throw error;
      list = await read(undefined, undefined);
      metadata = list.metadata;
      items.length = 0;
    }
    for (const item of list.items) items.push(item);
  }
  const apiVersion = apiVersionOf(resource);
  for (const item of items) {
    item.apiVersion ??= apiVersion;
    item.kind ??= resource.kind;
  }
  return { apiVersion, kind: `${resource.kind}List`, metadata, items };
}

function asList<T extends KubeObject>(value: unknown, path: string): KubeList<T> {
  const list = value as Partial<KubeList<T>> | null;
  if (typeof list !== 'object' || list?.metadata === undefined || !Array.isArray(list.items ?? [])) {
    throw new Error(`the API server answered GET ${path} with something that is not a list`);
  }
  return { ...list, metadata: list.metadata, items: list.items ?? [] };
}
