import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MUTATING_WEBHOOKS, SERVICES, VALIDATING_WEBHOOKS } from '../../../../../src/api/kubernetes.ts';
import type { Service } from '../../../../../src/api/kubernetes.ts';
import { DEFAULT_SERVICE_RANGES } from '../../../../../src/standalone/apiserver/resources/built-in.ts';
import { serviceDefinition } from '../../../../../src/standalone/apiserver/resources/service.ts';
import { createAdmission } from '../../../../../src/standalone/apiserver/admission/webhooks.ts';
import type { PostReview } from '../../../../../src/standalone/apiserver/admission/webhooks.ts';
import { ApiError } from '../../../../../src/standalone/apiserver/definition.ts';
import type {
  Admission,
  AdmissionRequest,
  Definition,
  Stored,
} from '../../../../../src/standalone/apiserver/definition.ts';
import { RecordingLog } from '../../../../support/recording-log.ts';
import { SmallServer } from '../../../../support/small-server.ts';
import { VirtualClock } from '../../../../support/virtual-clock.ts';

interface Question {
  uid: string;
  object: Stored | null;
  dryRun: boolean;
}

type Answer = (question: Question) => object | 'hangs';

class Fixture {
  readonly server = new SmallServer();
  readonly clock = new VirtualClock();
  readonly log = new RecordingLog();
  readonly asked: { path: string; question: Question }[] = [];
  readonly admission: Admission;

  /** `answers` by the path of the webhook. */
  constructor(answers: Record<string, Answer>) {
    let uids = 0;
    const post: PostReview = ({ url, body, signal }) => {
      const path = new URL(url).pathname.slice(1);
      const { request: question } = JSON.parse(body) as { request: Question };
      this.asked.push({ path, question });
      const response = answers[path]?.(question);
      if (response === 'hangs')
        return new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new Error('aborted'))),
        );
      if (response === undefined) return Promise.reject(new Error('dial tcp: connect: connection refused'));
      const review = {
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid: question.uid, ...response },
      };
      return Promise.resolve({ code: 200, body: JSON.stringify(review) });
    };
    this.admission = createAdmission({
      state: this.server,
      clock: this.clock,
      log: this.log,
      post,
      newUid: () => `u${++uids}`,
    });
  }

  configure(kind: 'mutating' | 'validating', path: string, change: object = {}): void {
    const rules = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }];
    const webhook = {
      name: `${path}.example.com`,
      clientConfig: { url: `https://h/${path}` },
      rules,
      ...change,
    };
    const resource = kind === 'mutating' ? MUTATING_WEBHOOKS : VALIDATING_WEBHOOKS;
    this.server.put(resource, { metadata: { name: path }, webhooks: [webhook] } as unknown as Stored);
  }
}

const REQUEST: AdmissionRequest = {
  operation: 'CREATE',
  definition: {
    resource: SERVICES,
    custom: false,
    schema: { type: 'object' },
    strategy: {},
  } as unknown as Definition,
  subresource: '',
  namespace: 'default',
  name: 'a',
  object: { metadata: { name: 'a' } },
  oldObject: undefined,
  dryRun: false,
  fieldManager: '',
  user: { username: 'admin', groups: [] },
};

const add = (label: string, value: string): object => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(
    JSON.stringify([{ op: 'add', path: '/metadata/labels', value: { [label]: value } }]),
  ).toString('base64'),
});

async function refusal(promise: Promise<unknown>): Promise<ApiError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return error;
  }
  assert.fail('nothing was refused');
}

describe('validating webhooks', () => {
  it('admit with their warnings, cut to length', async () => {
    const fixture = new Fixture({ a: () => ({ allowed: true, warnings: ['careful', 'x'.repeat(300)] }) });
    fixture.configure('validating', 'a');
    assert.deepEqual(await fixture.admission.validate(REQUEST), { warnings: ['careful', 'x'.repeat(256)] });
  });

  it('deny with their code, reason and message', async () => {
    const status = {
      code: 403,
      reason: 'Forbidden',
      message: 'LB101 not in a pool',
      details: { causes: [{ field: 'spec.loadBalancerIP' }] },
    };
    const fixture = new Fixture({ a: () => ({ allowed: false, status }) });
    fixture.configure('validating', 'a');
    const { status: said } = await refusal(fixture.admission.validate(REQUEST));
    assert.equal(said.message, 'admission webhook "a.example.com" denied the request: LB101 not in a pool');
    assert.deepEqual(
      [said.code, said.reason, said.details],
      [403, 'Forbidden', { causes: [{ field: 'spec.loadBalancerIP' }] }],
    );
  });

  it('deny without a word as 400', async () => {
    const fixture = new Fixture({ a: () => ({ allowed: false, status: { code: 200 } }) });
    fixture.configure('validating', 'a');
    const error = await refusal(fixture.admission.validate(REQUEST));
    assert.equal(error.message, 'admission webhook "a.example.com" denied the request without explanation');
    assert.equal(error.status.code, 400);
  });

  it('are asked at the same time; the first denial in order counts', async () => {
    const no =
      (message: string): Answer =>
      () => ({ allowed: false, status: { message } });
    const fixture = new Fixture({ a: () => ({ allowed: true }), b: no('first'), c: no('second') });
    for (const path of ['c', 'b', 'a']) fixture.configure('validating', path);
    assert.match((await refusal(fixture.admission.validate(REQUEST))).message, /: first$/);
    assert.deepEqual(
      fixture.asked.map(({ path }) => path),
      ['a', 'b', 'c'],
    );
  });

  it('stop the request when they cannot be asked', async () => {
    const fixture = new Fixture({});
    fixture.configure('validating', 'a', { failurePolicy: 'Fail' });
    const error = await refusal(fixture.admission.validate(REQUEST));
    assert.equal(
      error.message,
      'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: Post "https://h/a?timeout=10s": dial tcp: connect: connection refused',
    );
    assert.deepEqual([error.status.code, error.status.reason], [500, 'InternalError']);
  });

  it('are passed over with failurePolicy Ignore, which the log says', async () => {
    const fixture = new Fixture({ b: () => ({ allowed: 'yes' }) });
    fixture.configure('validating', 'a', { failurePolicy: 'Ignore' });
    fixture.configure('validating', 'b', { failurePolicy: 'Ignore' });
    assert.deepEqual(await fixture.admission.validate(REQUEST), { warnings: [] });
    assert.deepEqual(
      fixture.log.lines.map(({ level, fields }) => [level, fields['webhook']]),
      [
        ['warn', 'a.example.com'],
        ['warn', 'b.example.com'],
      ],
    );
  });

  it('deny even with failurePolicy Ignore', async () => {
    const fixture = new Fixture({ a: () => ({ allowed: false }) });
    fixture.configure('validating', 'a', { failurePolicy: 'Ignore' });
    await refusal(fixture.admission.validate(REQUEST));
  });

  it('have their time', async () => {
    const fixture = new Fixture({ a: () => 'hangs' });
    fixture.configure('validating', 'a', { timeoutSeconds: 3 });
    const refused = refusal(fixture.admission.validate(REQUEST));
    await fixture.clock.advance(2999);
    assert.equal(fixture.clock.pending, 1);
    await fixture.clock.advance(1);
    assert.match((await refused).message, /Post "https:\/\/h\/a\?timeout=3s": context deadline exceeded$/);
    assert.equal(fixture.clock.pending, 0);
  });

  it('are asked about dry runs, and told', async () => {
    const fixture = new Fixture({ a: () => ({ allowed: true }) });
    fixture.configure('validating', 'a', { sideEffects: 'NoneOnDryRun' });
    await fixture.admission.validate({ ...REQUEST, dryRun: true });
    assert.equal(fixture.asked[0]?.question.dryRun, true);
  });
});

describe('match conditions', () => {
  const conditions = (...expressions: string[]): object => ({
    matchConditions: expressions.map((expression, index) => ({ name: `c${index}`, expression })),
  });
  const askedWith = async (change: object, request: Partial<AdmissionRequest> = {}): Promise<boolean> => {
    const fixture = new Fixture({ a: () => ({ allowed: true }) });
    fixture.configure('validating', 'a', change);
    await fixture.admission.validate({ ...REQUEST, ...request });
    return fixture.asked.length > 0;
  };

  const table: [title: string, expressions: string[], asked: boolean][] = [
    ['all true', ["object.metadata.name == 'a'", 'oldObject == null'], true],
    ['one false', ['true', "object.metadata.name != 'a'"], false],
    ['one false beside one that fails', ["object.nothing == 'x'", 'false'], false],
    ['an optional field', ['!has(object.spec)'], true],
    [
      'the request',
      [
        "request.operation == 'CREATE' && request.kind.kind == 'Service' && request.resource.resource == 'services'",
        "request.namespace == 'default' && request.userInfo.username == 'admin' && !request.dryRun",
      ],
      true,
    ],
  ];
  for (const [title, expressions, asked] of table)
    it(`${asked ? 'let a webhook be asked' : 'keep a webhook from being asked'}: ${title}`, async () =>
      assert.equal(await askedWith(conditions(...expressions)), asked));

  it('see what is deleted as oldObject', async () => {
    const request = { operation: 'DELETE', object: undefined, oldObject: REQUEST.object } as const;
    const change = conditions("object == null && oldObject.metadata.name == 'a'");
    assert.equal(await askedWith(change, request), true);
  });

  it('that fail refuse the request, or skip the webhook with failurePolicy Ignore', async () => {
    const change = conditions('object.spec.x == 1', 'object.spec.y == 1');
    const error = await refusal(askedWith(change));
    assert.equal(error.status.code, 403);
    assert.equal(
      error.message,
      `services "a" is forbidden: [expression 'object.spec.x == 1' resulted in error: No such key: spec, expression 'object.spec.y == 1' resulted in error: No such key: spec]`,
    );
    assert.equal(await askedWith({ ...change, failurePolicy: 'Ignore' }), false);
  });

  it('hold for mutating webhooks too, on what earlier ones made of the object', async () => {
    const fixture = new Fixture({
      a: () => add('x', '1'),
      b: () => ({ allowed: true }),
      c: () => ({ allowed: true }),
    });
    fixture.configure('mutating', 'a');
    fixture.configure('mutating', 'b', conditions("object.metadata.labels['x'] == '1'"));
    fixture.configure('mutating', 'c', conditions('!has(object.metadata.labels)'));
    await fixture.admission.mutate(REQUEST);
    assert.deepEqual(
      fixture.asked.map(({ path }) => path),
      ['a', 'b'],
    );
  });
});

describe('mutating webhooks', () => {
  it('change the object one after another', async () => {
    const fixture = new Fixture({
      a: () => add('x', '1'),
      b: ({ object }) => add('y', JSON.stringify(object?.metadata.labels)),
    });
    fixture.configure('mutating', 'b');
    fixture.configure('mutating', 'a');
    const { object } = await fixture.admission.mutate(REQUEST);
    assert.deepEqual(object, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a', labels: { y: '{"x":"1"}' } },
    });
    assert.deepEqual(REQUEST.object, { metadata: { name: 'a' } });
  });

  it('are shown what earlier ones made of it with the server’s defaults, and no fields there are not', async () => {
    const patch = [
      { op: 'add', path: '/spec', value: { type: 'LoadBalancer' } },
      { op: 'add', path: '/more', value: 1 },
    ];
    const fixture = new Fixture({
      a: () => ({
        allowed: true,
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
      }),
      b: () => ({ allowed: true }),
    });
    for (const name of ['a', 'b']) fixture.configure('mutating', name);
    const definition = serviceDefinition(fixture.server, DEFAULT_SERVICE_RANGES);
    await fixture.admission.mutate({ ...REQUEST, definition });
    const seen = fixture.asked[1]?.question.object;
    assert.equal((seen as Service | undefined)?.spec?.externalTrafficPolicy, 'Cluster');
    assert.equal(seen?.['more'], undefined);
  });

  it('are selected by what earlier ones made of the object', async () => {
    const fixture = new Fixture({ a: () => add('x', '1'), b: () => ({ allowed: true }) });
    fixture.configure('mutating', 'a');
    fixture.configure('mutating', 'b', { objectSelector: { matchLabels: { x: '1' } } });
    await fixture.admission.mutate(REQUEST);
    assert.deepEqual(
      fixture.asked.map(({ path }) => path),
      ['a', 'b'],
    );
  });

  it('are asked once more with IfNeeded when the object changed after them', async () => {
    const fixture = new Fixture({
      a: () => ({ allowed: true }),
      b: () => add('x', '1'),
      c: () => ({ allowed: true }),
    });
    fixture.configure('mutating', 'a', { reinvocationPolicy: 'IfNeeded' });
    fixture.configure('mutating', 'b');
    fixture.configure('mutating', 'c', { reinvocationPolicy: 'IfNeeded' });
    await fixture.admission.mutate(REQUEST);
    assert.deepEqual(
      fixture.asked.map(({ path }) => path),
      ['a', 'b', 'c', 'a'],
    );
  });

  it('may not return patches that do not apply, or that leave nothing', async () => {
    const patchOf = (patch: unknown): object => ({
      allowed: true,
      patchType: 'JSONPatch',
      patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    });
    const missing = new Fixture({ a: () => patchOf([{ op: 'remove', path: '/nothing' }]) });
    missing.configure('mutating', 'a');
    assert.equal((await refusal(missing.admission.mutate(REQUEST))).status.code, 500);
    const nothing = new Fixture({ a: () => patchOf([{ op: 'replace', path: '', value: 1 }]) });
    nothing.configure('mutating', 'a');
    assert.match(
      (await refusal(nothing.admission.mutate(REQUEST))).message,
      /returned a patch that leaves no object$/,
    );
  });

  it('may not patch what is deleted', async () => {
    const fixture = new Fixture({ a: () => add('x', '1') });
    fixture.configure('mutating', 'a');
    const deletion: AdmissionRequest = {
      ...REQUEST,
      operation: 'DELETE',
      object: undefined,
      oldObject: { metadata: { name: 'a' } },
    };
    assert.match(
      (await refusal(fixture.admission.mutate(deletion))).message,
      /attempted to modify the object, which is not supported for this operation$/,
    );
  });
});
