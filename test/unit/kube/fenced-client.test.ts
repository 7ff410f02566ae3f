import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap } from '../../../src/api/kubernetes.ts';
import { CONFIG_MAPS } from '../../../src/api/kubernetes.ts';
import { fencedClient } from '../../../src/kube/fenced-client.ts';
import { FakeKube } from '../../support/fake-kube.ts';

const ref = { namespace: 'n', name: 'c' };
const fieldManager = 'test';

test('reads as before; writes only while the fence holds, and in no other way', async () => {
  const kube = new FakeKube();
  let isHolding = true;
  const over = new AbortController();
  const client = fencedClient(kube, { holds: () => isHolding, signal: over.signal });
  const writes: Record<string, () => Promise<unknown>> = {
    create: () => client.create<ConfigMap>(CONFIG_MAPS, { metadata: ref }),
    update: () => client.update<ConfigMap>(CONFIG_MAPS, { metadata: ref }),
    apply: () => client.apply<ConfigMap>(CONFIG_MAPS, { metadata: ref }, { fieldManager }),
    patch: () => client.patch(CONFIG_MAPS, ref, 'merge', {}),
    delete: () => client.delete(CONFIG_MAPS, ref),
  };
  for (const write of Object.values(writes)) await write();
  assert.deepEqual(
    kube.writes.map(({ verb }) => verb),
    Object.keys(writes),
  );
  assert.ok(kube.writes.every(({ options }) => options.signal === over.signal));

  isHolding = false;
  kube.put(CONFIG_MAPS, { metadata: ref });
  for (const [verb, write] of Object.entries(writes)) await assert.rejects(write, /not sent/, verb);
  assert.equal((await client.get(CONFIG_MAPS, ref))?.metadata.name, 'c');
  assert.equal((await client.list(CONFIG_MAPS)).items.length, 1);
  const store = client.observe(CONFIG_MAPS);
  await store.start();
  assert.equal(store.size, 1);
});

test('a write that has a signal of its own is ended by either', async () => {
  const kube = new FakeKube();
  const [own, over] = [new AbortController(), new AbortController()];
  const client = fencedClient(kube, { holds: () => true, signal: over.signal });
  await client.create(CONFIG_MAPS, { metadata: ref }, { signal: own.signal });
  const signal = kube.writes[0]?.options.signal;
  assert.equal(signal?.aborted, false);
  over.abort();
  assert.equal(signal?.aborted, true);
});
