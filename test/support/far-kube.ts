/** FakeKube, far away: calls take time to arrive, answers take time to come back, and some never do. */
import type { KubeClient } from '../../src/ports.ts';
import type { FakeKube } from './fake-kube.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface Journey {
  /** Milliseconds until the call is carried out; it is lost where this is not given. */
  readonly thereMs?: number;
  /** Milliseconds until the answer is here; it is lost where this is not given. */
  readonly backMs?: number;
}

/** `next` is asked how each call fares. What was sent arrives, whether or not its sender waits. */
export function farKube(near: FakeKube, clock: VirtualClock, next: () => Journey): KubeClient {
  const after = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));
  const far = async <T>(call: () => Promise<T>): Promise<T> => {
    const { thereMs, backMs } = next();
    if (thereMs === undefined) return new Promise(() => undefined);
    await after(thereMs);
    const outcome = await call().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    if (backMs === undefined) return new Promise(() => undefined);
    await after(backMs);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  };
  return {
    observe: (resource, options) => near.observe(resource, options),
    get: (resource, ref) => far(() => near.get(resource, ref)),
    list: (resource, options) => far(() => near.list(resource, options)),
    create: (resource, object, options) => far(() => near.create(resource, object, options)),
    update: (resource, object, options) => far(() => near.update(resource, object, options)),
    apply: (resource, object, options) => far(() => near.apply(resource, object, options)),
    patch: (resource, ref, type, body, options) => far(() => near.patch(resource, ref, type, body, options)),
    delete: (resource, ref, options) => far(() => near.delete(resource, ref, options)),
  };
}
