/**
 * `cleat controller --concurrent-service-syncs`: so many status writes are under way at a time, not one less, because nothing else
 * limits how often the API server is asked, and not one more.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startApiServer } from '../support/api-server.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { Replicas } from '../support/replicas.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 60_000;
/** One write too many would come in this time. */
const LATE_MS = 200;
const ROUNDS = 3;
const STATUS = /\/services\/[^/]+\/status$/;

for (const atOnce of [1, 7, 150]) {
  test(`${atOnce} at a time`, async (context) => {
    const { server, caPem, token } = await startApiServer(context);
    const proxy = new FaultProxy({ url: server.url, caPem, token });
    await proxy.start();
    context.after(() => proxy.stop());
    const services = ROUNDS * atOnce;
    const replicas = await Replicas.on(proxy.front, { services, leaseMs: 15_000, longestRunMs: TIMEOUT_MS });
    context.after(() => replicas.stop());
    await replicas.createAll(Array.from({ length: services }, (_, index) => `s-${index}`));

    let held = Promise.withResolvers<void>();
    let underWay = 0;
    let most = 0;
    proxy.script = ({ method, path }) => {
      if (method !== 'PATCH' || !STATUS.test(path)) return undefined;
      underWay += 1;
      most = Math.max(most, underWay);
      return { kind: 'hold', until: held.promise };
    };
    replicas.start(`--concurrent-service-syncs=${atOnce}`);
    for (let round = 0; round < ROUNDS; round++) {
      await until(`${atOnce} writes under way`, TIMEOUT_MS, () => underWay >= atOnce || undefined);
      await delay(LATE_MS);
      assert.equal(most, atOnce);
      underWay = 0;
      held.resolve();
      held = Promise.withResolvers<void>();
    }
  });
}
