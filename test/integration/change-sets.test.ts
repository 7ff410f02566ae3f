/** Commits that a gate which looks at one object at a time would keep out for ever, in the orders of GitOps tools. */
import { test } from 'node:test';
import { startApiServer } from '../support/api-server.ts';
import type { WebhookDeps } from '../../src/webhook/webhook.ts';
import { replayChangeSets, startTwoGates } from '../support/change-sets.ts';
import { prepareCluster, startGate } from '../support/gate.ts';
import { argoCd, flux } from '../support/gitops-orders.ts';

test('Flux’s order and Argo CD’s converge with one retry', async (context) => {
  const api = await startApiServer(context);
  const target = { url: api.server.url, caPem: api.caPem, token: api.token };
  await prepareCluster(target);
  const gate = await startGate(context, target);
  await replayChangeSets(flux, target, [gate], { subnet: '10.1', tries: 2 });
  await replayChangeSets(argoCd, target, [gate], { subnet: '10.2', tries: 2 });
});

test('with two replicas that share nothing they converge too', async (context) => {
  const api = await startApiServer(context);
  const target = { url: api.server.url, caPem: api.caPem, token: api.token };
  await prepareCluster(target);
  const start = (reach: Partial<WebhookDeps>) => startGate(context, target, reach);
  const { gates, cut } = await startTwoGates(context, start);
  await replayChangeSets(flux, target, gates, { subnet: '10.1', tries: 30, between: cut });
  await replayChangeSets(argoCd, target, gates, { subnet: '10.2', tries: 30, between: cut });
});
