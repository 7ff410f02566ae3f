import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { KubeObject, Resource } from '../../../src/api/meta.ts';
import { RequestAuthorizer } from '../../../src/kube/request-authorizer.ts';
import type { KubeClient } from '../../../src/ports.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

interface Review extends KubeObject {
  spec: { token?: string; user?: string; groups?: string[]; nonResourceAttributes?: object };
}

let asked: Review[];
let clock: VirtualClock;
let authorizer: RequestAuthorizer;
let isDown: boolean;

/** Knows the tokens `scraper` and `other`, of whom the first may. */
async function create(resource: Resource, review: Review): Promise<Review> {
  if (isDown) throw new Error('connection refused');
  asked.push(review);
  const { token = '', user = '' } = review.spec;
  const authenticated = ['scraper', 'other'].includes(token);
  const status =
    resource.plural === 'tokenreviews'
      ? { authenticated, ...(authenticated && { user: { username: token, groups: ['monitors'] } }) }
      : { allowed: user === 'scraper' };
  return { ...review, status } as Review;
}

beforeEach(() => {
  asked = [];
  isDown = false;
  clock = new VirtualClock();
  authorizer = new RequestAuthorizer({ client: { create } as unknown as KubeClient, clock });
});

const ask = (header?: string, path = '/metrics') => authorizer.mayGet(path, header);

test('who may is let in, who may not is known, who is unknown is not', async () => {
  assert.equal(await ask('Bearer scraper'), 'allowed');
  assert.equal(await ask('bearer  other'), 'forbidden');
  assert.equal(await ask('Bearer stranger'), 'unauthenticated');
  const [, access] = asked;
  assert.deepEqual(access?.spec, {
    user: 'scraper',
    groups: ['monitors'],
    nonResourceAttributes: { path: '/metrics', verb: 'get' },
  });
});

test('without a token nobody is asked', async () => {
  for (const header of [undefined, '', 'Basic c2NyYXBlcjp4', 'Bearer', 'Bearer ', 'Bearer a b'])
    assert.equal(await ask(header), 'unauthenticated', header);
  assert.deepEqual(asked, []);
});

test('an answer is remembered for a minute, a refusal for ten seconds, each for its path', async () => {
  await ask('Bearer scraper');
  await ask('Bearer other');
  const calls = asked.length;
  await ask('Bearer scraper');
  await ask('Bearer other');
  assert.equal(asked.length, calls);
  await ask('Bearer scraper', '/readyz');
  assert.equal(asked.length, calls + 2);
  await clock.advance(10_000);
  await ask('Bearer scraper');
  assert.equal(asked.length, calls + 2);
  await ask('Bearer other');
  assert.equal(asked.length, calls + 4);
  await clock.advance(50_000);
  await ask('Bearer scraper');
  assert.equal(asked.length, calls + 6);
});

test('however many strangers come, who may is let in', async () => {
  for (let stranger = 0; stranger < 500; stranger += 1) await ask(`Bearer ${stranger}`);
  assert.equal(await ask('Bearer scraper'), 'allowed');
});

test('where the API server cannot say nobody is let in, and nothing is remembered', async () => {
  isDown = true;
  await assert.rejects(ask('Bearer scraper'), /connection refused/);
  isDown = false;
  assert.equal(await ask('Bearer scraper'), 'allowed');
});
