import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Verdict } from '../../../src/core/policy/verdict.ts';
import { formatReview, parseReview } from '../../../src/webhook/admission-review.ts';

const noLegacy = (): undefined => undefined;
const service = { metadata: { name: 'web', namespace: 'default' }, spec: { type: 'LoadBalancer' } };

function review(request: object): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u-1',
      kind: { group: '', version: 'v1', kind: 'Service' },
      operation: 'CREATE',
      namespace: 'default',
      name: 'web',
      userInfo: { username: 'jane' },
      object: service,
      oldObject: null,
      dryRun: false,
      ...request,
    },
  };
}

function changeOf(request: object): unknown {
  const parsed = parseReview(review(request), noLegacy);
  assert.ok(parsed.ok);
  return parsed.request.change;
}

describe('parseReview', () => {
  test('reads what the API server sends', () => {
    assert.deepEqual(
      parseReview(review({ operation: 'UPDATE', oldObject: service, dryRun: true }), noLegacy),
      {
        ok: true,
        request: {
          uid: 'u-1',
          change: {
            kind: 'Service',
            operation: 'UPDATE',
            namespace: 'default',
            name: 'web',
            dryRun: true,
            user: 'jane',
            object: service,
            oldObject: service,
          },
        },
      },
    );
  });

  test('the kind decides, with its group', () => {
    const kindOf = (group: string, kind: string): unknown =>
      (changeOf({ kind: { group, version: 'v1', kind } }) as { kind: string } | undefined)?.kind;
    assert.equal(kindOf('metallb.io', 'IPAddressPool'), 'IPAddressPool');
    assert.equal(kindOf('metallb.io', 'L2Advertisement'), 'L2Advertisement');
    assert.equal(kindOf('', 'ConfigMap'), 'ConfigMap');
    assert.equal(kindOf('serving.knative.dev', 'Service'), undefined);
    assert.equal(kindOf('', 'Pod'), undefined);
  });

  test('subresources are nobody’s business here', () => {
    assert.equal(changeOf({ subResource: 'status' }), undefined);
  });

  test('a ConfigMap brings the configuration its YAML holds', () => {
    const source = { kind: 'ConfigMap', name: 'config' };
    const body = review({ kind: { group: '', version: 'v1', kind: 'ConfigMap' } });
    const parsed = parseReview(body, () => ({ source, document: 1 }));
    assert.ok(parsed.ok && parsed.request.change?.kind === 'ConfigMap');
    assert.deepEqual(parsed.request.change.legacy, { source, document: 1 });
  });

  test('a deletion has no object; of many at once none has its name outside of itself', () => {
    const deletion = { kind: 'Service', operation: 'DELETE', namespace: 'default', name: 'web' };
    const expected = { ...deletion, dryRun: false, user: 'jane', oldObject: service };
    const request = { operation: 'DELETE', object: null, oldObject: service };
    assert.deepEqual(changeOf(request), expected);
    assert.deepEqual(changeOf({ ...request, name: '' }), expected);
    assert.deepEqual(changeOf({ operation: 'DELETE', object: null }), {
      ...deletion,
      dryRun: false,
      user: 'jane',
    });
  });

  test('a ConfigMap that is deleted brings no configuration', () => {
    const kind = { group: '', version: 'v1', kind: 'ConfigMap' };
    const body = review({ kind, operation: 'DELETE', object: null, oldObject: service });
    const parsed = parseReview(body, () => assert.fail('nothing is read'));
    assert.ok(parsed.ok && parsed.request.change?.kind === 'ConfigMap');
    assert.equal(parsed.request.change.legacy, undefined);
  });

  const garbage: [string, unknown, RegExp][] = [
    ['nothing', undefined, /not an AdmissionReview/],
    ['a list', [], /not an AdmissionReview/],
    ['another version', { ...review({}), apiVersion: 'admission.k8s.io/v1beta1' }, /not an AdmissionReview/],
    ['no request', { ...review({}), request: null }, /no request/],
    ['no uid', review({ uid: '' }), /uid/],
    ['an unknown operation', review({ operation: 'PATCH' }), /operation/],
    ['no object', review({ object: null }), /object is missing/],
    ['an object that is none', review({ object: 'x' }), /no object with metadata/],
    ['an object without metadata', review({ object: {} }), /no object with metadata/],
    ['an old object that is none', review({ oldObject: [] }), /oldObject/],
  ];
  for (const [name, body, why] of garbage) {
    test(`refuses ${name}`, () => {
      const parsed = parseReview(body, noLegacy);
      assert.ok(!parsed.ok);
      assert.match(parsed.why, why);
    });
  }

  test('never throws', () => {
    fc.assert(fc.property(fc.anything(), (body) => void parseReview(body, noLegacy)));
    const field = fc.constantFrom(
      'uid',
      'kind',
      'operation',
      'object',
      'oldObject',
      'userInfo',
      'namespace',
      'name',
    );
    fc.assert(
      fc.property(
        fc.dictionary(field, fc.anything()),
        (request) => void parseReview(review(request), noLegacy),
      ),
    );
  });
});

describe('formatReview', () => {
  const verdict: Verdict = { allowed: true, findings: [], warnings: [], audit: {} };

  test('an admission says no more than it must', () => {
    assert.deepEqual(formatReview('u-1', verdict), {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u-1', allowed: true },
    });
  });

  test('4.1 a refusal is 403 Forbidden', () => {
    const answer = formatReview('u-1', {
      ...verdict,
      allowed: false,
      message: 'LB101 no',
      warnings: ['LB112 w'],
      audit: { code: 'LB101' },
    });
    assert.deepEqual(answer.response, {
      uid: 'u-1',
      allowed: false,
      status: { code: 403, reason: 'Forbidden', message: 'LB101 no' },
      warnings: ['LB112 w'],
      auditAnnotations: { code: 'LB101' },
    });
  });
});
