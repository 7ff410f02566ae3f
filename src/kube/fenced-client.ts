/** A client that writes only while something holds: what works with it cannot write by mistake once that is over. */
import type { KubeClient, WriteOptions } from '../ports.ts';

export interface Fence {
  /** Asked at the moment each write is sent. */
  holds(): boolean;
  /** Ends the writes under way. */
  readonly signal: AbortSignal;
}

/** Reads as `client` does; writes as it does while the fence holds, and else rejects without sending anything. */
export function fencedClient(client: KubeClient, fence: Fence): KubeClient {
  const fenced = <O extends WriteOptions>(options: O): O => ({
    ...options,
    onlyWhile: () => fence.holds(),
    signal: options.signal === undefined ? fence.signal : AbortSignal.any([options.signal, fence.signal]),
  });
  return {
    observe: (resource, options) => client.observe(resource, options),
    get: (resource, ref) => client.get(resource, ref),
    list: (resource, options) => client.list(resource, options),
    create: (resource, object, options = {}) => client.create(resource, object, fenced(options)),
    update: (resource, object, options = {}) => client.update(resource, object, fenced(options)),
    apply: (resource, object, options) => client.apply(resource, object, fenced(options)),
    patch: (resource, ref, type, body, options = {}) =>
      client.patch(resource, ref, type, body, fenced(options)),
    delete: (resource, ref, options = {}) => client.delete(resource, ref, fenced(options)),
  };
}
