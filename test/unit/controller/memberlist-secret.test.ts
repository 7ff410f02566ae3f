import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Secret } from '../../../src/api/kubernetes.ts';
import { SECRETS } from '../../../src/api/kubernetes.ts';
import { MemberlistSecret } from '../../../src/controller/memberlist-secret.ts';
import { KubeError, statusOf } from '../../../src/kube/kube-error.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

const REF = { namespace: 'metallb-system', name: 'memberlist' };

function made(kube: FakeKube) {
  const clock = new VirtualClock();
  const log = new RecordingLog();
  return { clock, log, secret: new MemberlistSecret({ client: kube, clock, log, ...REF }) };
}

const keyIn = (kube: FakeKube): string | undefined => kube.read<Secret>(SECRETS, REF)?.data?.['secretkey'];

test('3.12 the Secret is made where there is none: 16 random bytes as base64 without padding', async () => {
  const keys = new Set<string>();
  for (let time = 0; time < 3; time += 1) {
    const kube = new FakeKube();
    const { secret } = made(kube);
    await secret.start();
    await settle();
    const text = Buffer.from(keyIn(kube) ?? '', 'base64').toString();
    assert.match(text, /^[A-Za-z0-9+/]{22}$/);
    assert.equal(Buffer.from(text, 'base64').length, 16);
    keys.add(text);
    await secret.stop();
  }
  assert.equal(keys.size, 3);
});

test('3.12 one that is there is never changed', async () => {
  const kube = new FakeKube();
  kube.put<Secret>(SECRETS, { metadata: REF, data: { secretkey: 'c2VjcmV0' } });
  const { secret, log } = made(kube);
  await secret.start();
  await settle();
  assert.equal(keyIn(kube), 'c2VjcmV0');
  assert.deepEqual(log.lines, []);
  await secret.stop();
});

test('what the API server refuses is tried again, and said once', async () => {
  const kube = new FakeKube();
  let isDown = true;
  kube.refuse = () => (isDown ? new KubeError(statusOf(undefined, 503, 'not now'), 503) : undefined);
  const { secret, clock, log } = made(kube);
  await secret.start();
  await settle();
  await clock.advance(5000);
  isDown = false;
  assert.equal(keyIn(kube), undefined);
  await clock.advance(5000);
  assert.ok(keyIn(kube));
  assert.deepEqual(
    log.lines.map(({ level }) => level),
    ['warn', 'info'],
  );
  await secret.stop();
});
