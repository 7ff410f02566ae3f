import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Lease } from '../../../src/api/kubernetes.ts';
import type { Clock } from '../../../src/ports.ts';
import { answerSelfTest, NotReached, selfTest } from '../../../src/webhook/self-test.ts';
import { FakeKube, refusal, type Write } from '../../support/fake-kube.ts';

let kube: FakeKube;
let waits: number[];
/** Every wait is over at once. */
const clock: Clock = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  after: (ms, callback) => {
    waits.push(ms);
    callback();
    return () => undefined;
  },
};

beforeEach(() => {
  kube = new FakeKube();
  waits = [];
});

const ask = (signal = new AbortController().signal): Promise<void> =>
  selfTest({ client: kube, clock, namespace: 'metallb-system', signal });

/** As an API server passes the answer on. */
function deny({ body }: Write): Error {
  const answer = answerSelfTest({ request: { uid: 'u', object: body } });
  const { response } = answer.body as { response: { status: { message: string } } };
  return refusal(
    403,
    'Forbidden',
    `admission webhook "x.y.z" denied the request: ${response.status.message}`,
  );
}

test('passes once the word comes back, and only a dry run of one Lease is ever sent', async () => {
  let deaf = 3;
  kube.refuse = (write) => (deaf-- > 0 ? undefined : deny(write));
  await ask();
  assert.deepEqual(waits, [50, 100, 200]);
  assert.equal(kube.writes.length, 4);
  for (const { verb, resource, key, options } of kube.writes) {
    assert.deepEqual([verb, resource, key], ['create', 'leases', 'metallb-system/cleat-webhook-self-test']);
    assert.equal(options.dryRun, true);
  }
});

test('every run has a word of its own: the answer to another is none', async () => {
  let former: Write | undefined;
  kube.refuse = (write) => {
    former ??= write;
    return deny(former);
  };
  await ask();
  await assert.rejects(ask(), { code: 403 });
  const sent = kube.writes.map(({ body }) => (body as Lease).spec?.holderIdentity);
  assert.equal(new Set(sent).size, 2);
});

test('what stands in the way is said in the words of the API server', async () => {
  kube.refuse = () => refusal(500, 'InternalError', 'failed calling webhook "x": connection refused');
  await assert.rejects(ask(), (error: Error) => {
    assert.ok(error instanceof NotReached);
    assert.equal(
      error.message,
      'the API server does not reach the webhook: failed calling webhook "x": connection refused',
    );
    return true;
  });
  kube.refuse = () => refusal(403, 'Forbidden', 'leases is forbidden');
  await assert.rejects(ask(), /^KubeError: leases is forbidden$/);
});

test('an API server that never asks is given up, and stop ends the waiting', async () => {
  await assert.rejects(ask(), NotReached);
  assert.equal(kube.writes.length, 7);
  const stopping = new AbortController();
  const held: Clock = { ...clock, after: () => () => undefined };
  const asking = selfTest({ client: kube, clock: held, namespace: 'x', signal: stopping.signal });
  stopping.abort(new Error('the webhook is stopping'));
  await assert.rejects(asking, /the webhook is stopping/);
});

test('what is no question of a self-test is answered 400, whatever it is', () => {
  for (const body of [undefined, null, 5, 'x', [], {}, { request: null }, { request: { uid: 5 } }])
    assert.equal(answerSelfTest(body).status, 400);
  const noObject = { request: { uid: 'u', object: null } };
  assert.equal(answerSelfTest(noObject).status, 400);
});
