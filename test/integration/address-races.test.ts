/**
 * Two Services that ask for one address at the same moment, in front of two replicas of the gate, neither of which can know of the
 * other Service: both may be let in, the allocator gives the address to one of them, and the other is told who has it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../src/api/kubernetes.ts';
import { SERVICES } from '../../src/api/kubernetes.ts';
import { Controller } from '../../src/controller/controller.ts';
import { isRefusal } from '../../src/kube/kube-error.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { CONTROLLER_METRICS } from '../../src/platform/metric-names.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import type { WebhookDeps } from '../../src/webhook/webhook.ts';
import { startApiServer } from '../support/api-server.ts';
import { startTwoGates } from '../support/change-sets.ts';
import { prepareCluster, startGate } from '../support/gate.ts';
import { mustApply, poolManifest, serviceManifest } from '../support/gitops-orders.ts';
import { until } from '../support/until.ts';

/** Half a minute of CPU time where there is time. */
const RACES = process.env['CI'] === 'true' ? 1_000 : 200;
/** Races run at the same time. */
const AT_ONCE = 50;
const TIMEOUT_MS = 30_000;

test('of two that ask for one address at once one has it and the other hears who', async (context) => {
  const api = await startApiServer(context);
  const target = { url: api.server.url, caPem: api.caPem, token: api.token };
  await prepareCluster(target);
  await mustApply(target, poolManifest('contested', '10.9.0.0/16'));
  const start = (reach: Partial<WebhookDeps>) => startGate(context, target, reach);
  const { gates, cut } = await startTwoGates(context, start);
  const [gate] = gates;
  assert.ok(gate);
  const { client, configuration, log, services } = gate;
  const controller = new Controller({
    client,
    configuration,
    events: { record: () => undefined },
    clock: systemClock,
    log,
    meter: createMeter(CONTROLLER_METRICS),
  });
  await controller.start();
  context.after(() => controller.stop());

  const refused = new Set<string>();
  const create = async (name: string, ip: string): Promise<void> => {
    await client.create<Service>(SERVICES, serviceManifest(name, ip)).catch((error: unknown) => {
      // A replica that has heard of the other one says so at once.
      assert.ok(isRefusal(error, 403) && /LB107 /.test(String(error)), String(error));
      refused.add(name);
    });
  };
  const readyOf = (name: string): { status: string; reason?: string; message?: string } | undefined =>
    services
      .get(`default/${name}`)
      ?.status?.conditions?.find(({ type }) => type === 'cleat.dev/AddressReady');
  for (let first = 0; first < RACES; first += AT_ONCE) {
    const races = Array.from({ length: AT_ONCE }, (_, index) => first + index);
    const addressOf = (race: number): string => `10.9.${race >> 8}.${race & 255}`;
    const names = (race: number): readonly [string, string] => [`a-${race}`, `b-${race}`];
    await Promise.all(races.flatMap((race) => names(race).map((name) => create(name, addressOf(race)))));
    for (const race of races) {
      const there = names(race).filter((name) => !refused.has(name));
      await until(`race ${race} being decided`, TIMEOUT_MS, () => there.every(readyOf) || undefined, 5);
      const winners = there.filter((name) => readyOf(name)?.status === 'True');
      const [winner = ''] = winners;
      assert.equal(winners.length, 1, `${there.join()}: ${winners.join()}`);
      assert.deepEqual(services.get(`default/${winner}`)?.status?.loadBalancer?.ingress, [
        { ip: addressOf(race), ipMode: 'VIP' },
      ]);
      for (const loser of there.filter((name) => name !== winner)) {
        const { reason, message } = readyOf(loser) ?? {};
        assert.equal(reason, 'AddressInUse');
        assert.match(message ?? '', new RegExp(`default/${winner}\\b`));
        assert.equal(services.get(`default/${loser}`)?.status?.loadBalancer?.ingress, undefined);
      }
    }
    cut();
  }
  assert.ok(refused.size < RACES / 2, `${refused.size} were refused: there was hardly a race`);
});
