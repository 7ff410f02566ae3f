import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Secret } from '../../../src/api/kubernetes.ts';
import { SECRETS } from '../../../src/api/kubernetes.ts';
import { SecretFacts } from '../../../src/cluster/secret-facts.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { settle } from '../../support/virtual-clock.ts';

const namespace = 'metallb-system';
const secret = (name: string, data: Record<string, string> = { password: 'eA==' }): Secret => ({
  metadata: { namespace, name },
  type: 'kubernetes.io/basic-auth',
  data,
});

test('facts of the Secrets asked for, and of no other, once each was looked up', async () => {
  const kube = new FakeKube();
  kube.put(SECRETS, secret('a'));
  kube.put(SECRETS, secret('other'));
  let changes = 0;
  const facts = new SecretFacts(kube, namespace, () => changes++);
  assert.deepEqual(facts.about(new Set()), new Map());
  kube.hold(SECRETS);
  assert.equal(facts.about(new Set(['a', 'gone'])), undefined);
  kube.release(SECRETS);
  await settle();
  const known = facts.about(new Set(['a', 'gone']));
  assert.deepEqual(known, new Map([['a', { type: 'kubernetes.io/basic-auth', hasPassword: true }]]));
  assert.equal(facts.about(new Set(['a', 'gone'])), known);

  const before = changes;
  kube.put(SECRETS, secret('other', {}));
  assert.equal(changes, before);
  kube.put(SECRETS, secret('a', {}));
  kube.put(SECRETS, secret('gone'));
  assert.equal(changes, before + 2);
  const now = facts.about(new Set(['a', 'gone']));
  assert.deepEqual(
    [...(now ?? [])].map(([name, { hasPassword }]) => [name, hasPassword]),
    [
      ['a', false],
      ['gone', true],
    ],
  );

  assert.deepEqual([...(facts.about(new Set(['gone']))?.keys() ?? [])], ['gone']);
  kube.put(SECRETS, secret('a'));
  await facts.stop();
  kube.put(SECRETS, secret('gone', {}));
  assert.equal(changes, before + 2, 'nobody is told of what nobody asks for any more');
});
