/** What only shows when the watch is behind, or an answer gets lost: the rest is in controller.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../../src/api/kubernetes.ts';
import type { Decision } from '../../../src/core/allocation/decision.ts';
import { noPools } from '../../../src/core/allocation/findings.ts';
import { viewService } from '../../../src/core/allocation/view-service.ts';
import { StatusWriter } from '../../../src/controller/status-writer.ts';
import { CONTROLLER_METRICS } from '../../../src/platform/metric-names.ts';
import { createMeter } from '../../../src/platform/metrics.ts';
import { address, service } from '../../support/allocation.ts';
import { refusal } from '../../support/fake-kube.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

/** A writer whose writes are answered one by one, and whose store only has what the test puts there. */
async function desk(concurrency?: number) {
  const clock = new VirtualClock();
  const services = new FakeStore<Service>();
  const waiting: { key: string; body: unknown; answer: (outcome: Service | Error) => void }[] = [];
  const write = async (name: string, body: unknown): Promise<Service> => {
    const { promise, resolve, reject } = Promise.withResolvers<Service>();
    const answer = (outcome: Service | Error) =>
      outcome instanceof Error ? reject(outcome) : resolve(outcome);
    waiting.push({ key: name, body, answer });
    return promise;
  };
  const client = {
    apply: (_resource: unknown, body: { metadata: { name: string } }) => write(body.metadata.name, body),
    patch: (_resource: unknown, ref: { name: string }, _type: string, body: unknown) => write(ref.name, body),
  };
  const writer = new StatusWriter({
    client: client as never,
    services,
    clock,
    log: new RecordingLog(),
    meter: createMeter(CONTROLLER_METRICS),
    concurrency,
  });
  await writer.start();
  const submit = async (stored: Service, decision: Decision) => {
    writer.submit({ view: viewService(stored), service: stored, decision });
    await settle();
  };
  return { clock, services, waiting, writer, submit };
}

function stored(name: string, version: number, held: string[] = [], status: Service['status'] = {}): Service {
  const made = service(name, { held });
  return {
    ...made,
    metadata: { ...made.metadata, resourceVersion: String(version) },
    status: { ...made.status, ...status },
  };
}

/** `before` as it is once the body of an apply is merged into it. */
function merged(before: Service, version: number, body: unknown): Service {
  const { metadata, status } = body as Service;
  return {
    ...before,
    metadata: {
      ...before.metadata,
      resourceVersion: String(version),
      annotations: { ...before.metadata.annotations, ...metadata.annotations },
    },
    ...(status && { status }),
  };
}

const has = (ip: string): Decision => ({
  kind: 'assigned',
  addresses: [address(ip)],
  pool: 'p',
  findings: [],
});
const waits: Decision = { kind: 'waiting', finding: noPools(viewService(service('a'))), released: [] };

test('a store that is behind our own write leads to no second one', async () => {
  const { services, waiting, submit } = await desk();
  const first = stored('a', 1);
  services.put(first);
  await submit(first, has('192.0.2.1'));
  assert.equal(waiting.length, 1);
  waiting[0]?.answer(merged(first, 3, waiting[0].body));
  await settle();
  const behind = {
    ...stored('a', 2),
    metadata: { ...first.metadata, resourceVersion: '2', labels: { new: 'yes' } },
  };
  services.put(behind);
  await submit(behind, has('192.0.2.1'));
  assert.equal(waiting.length, 1);
  const after = { ...stored('a', 4) };
  services.put(after);
  await submit(after, has('192.0.2.1'));
  assert.equal(waiting.length, 2, 'but one that is ahead of it does');
});

test('an address under way to a status, arrived or not, is not written to another', async () => {
  const { clock, services, waiting, submit } = await desk();
  const [a, b] = [stored('a', 1), stored('b', 2)];
  services.put(a);
  services.put(b);
  await submit(a, has('192.0.2.1'));
  await submit(a, waits);
  await submit(b, has('192.0.2.1'));
  assert.deepEqual(
    waiting.map(({ key }) => key),
    ['a'],
  );
  waiting[0]?.answer(new Error('connection lost'));
  await clock.advance(1_000);
  assert.deepEqual(
    waiting.map(({ key }) => key),
    ['a', 'a'],
  );
  waiting[1]?.answer(merged(a, 3, waiting[1].body));
  await settle();
  assert.deepEqual(
    waiting.map(({ key }) => key),
    ['a', 'a', 'b'],
  );
});

test('so many writes are under way as was said, and no other limit', async () => {
  for (const count of [1, 3, 30]) {
    const { services, waiting, submit } = await desk(count);
    for (let index = 0; index < 40; index += 1) {
      const asks = stored(`s-${index}`, index + 1);
      services.put(asks);
      await submit(asks, has(`192.0.2.${index}`));
    }
    assert.equal(waiting.length, count);
    const [first] = waiting;
    first?.answer(merged(stored(first.key, 1), 100, first.body));
    await settle();
    assert.equal(waiting.length, count + 1);
  }
});

test('who is given a first address does not wait behind all who are only told something', async () => {
  const { services, waiting, submit } = await desk();
  for (let index = 0; index < 40; index += 1) {
    const told = stored(`told-${index}`, index + 1);
    services.put(told);
    await submit(told, waits);
  }
  const fresh = stored('fresh', 50);
  services.put(fresh);
  await submit(fresh, has('192.0.2.1'));
  const underWay = waiting.length;
  assert.ok(underWay < 40);
  waiting[0]?.answer(merged(stored('told-0', 1), 51, waiting[0].body));
  await settle();
  assert.equal(waiting[underWay]?.key, 'fresh');
});

test('a Service found gone is given up, one of the same name is not', async () => {
  const { services, waiting, writer, submit } = await desk();
  const first = stored('a', 1);
  services.put(first);
  await submit(first, has('192.0.2.1'));
  services.drop('default/a');
  writer.forget('default/a');
  const second = { ...stored('a', 5), metadata: { ...stored('a', 5).metadata, uid: 'another' } };
  services.put(second);
  await submit(second, has('192.0.2.2'));
  waiting[0]?.answer(refusal(404, 'NotFound', 'gone'));
  await settle();
  assert.equal(waiting.length, 2);
  assert.match(JSON.stringify(waiting[1]?.body), /192\.0\.2\.2/);
  waiting[1]?.answer(refusal(404, 'NotFound', 'gone'));
  await settle();
  assert.equal(waiting.length, 2);
});
