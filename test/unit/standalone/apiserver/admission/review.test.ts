import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SERVICES } from '../../../../../src/api/kubernetes.ts';
import { decodeReview, encodeReview } from '../../../../../src/standalone/apiserver/admission/review.ts';
import type { Definition } from '../../../../../src/standalone/apiserver/definition.ts';

describe('encodeReview', () => {
  it('says everything about the request', () => {
    const text = encodeReview('u1', 'v1', {
      operation: 'UPDATE',
      definition: { resource: SERVICES } as Definition,
      subresource: 'status',
      namespace: 'default',
      name: 'nginx',
      object: { metadata: { name: 'nginx' } },
      oldObject: { metadata: { name: 'nginx', uid: 'x' } },
      dryRun: true,
      fieldManager: '',
      user: { username: 'admin', groups: ['system:masters'] },
    });
    assert.deepEqual(JSON.parse(text), {
      kind: 'AdmissionReview',
      apiVersion: 'admission.k8s.io/v1',
      request: {
        uid: 'u1',
        kind: { group: '', version: 'v1', kind: 'Service' },
        resource: { group: '', version: 'v1', resource: 'services' },
        subResource: 'status',
        requestKind: { group: '', version: 'v1', kind: 'Service' },
        requestResource: { group: '', version: 'v1', resource: 'services' },
        requestSubResource: 'status',
        name: 'nginx',
        namespace: 'default',
        operation: 'UPDATE',
        userInfo: { username: 'admin', groups: ['system:masters'] },
        object: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'nginx' } },
        oldObject: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'nginx', uid: 'x' } },
        dryRun: true,
        options: { kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1', dryRun: ['All'] },
      },
    });
  });
});

describe('decodeReview', () => {
  const answer = (response: unknown, rest: object = {}): string =>
    JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response, ...rest });
  const patch = Buffer.from('[{"op":"add","path":"/a","value":1}]').toString('base64');

  it('reads a denial', () => {
    const status = {
      code: 403,
      reason: 'Forbidden',
      message: 'no',
      details: { name: 'x', causes: [{ message: 'm' }] },
    };
    assert.deepEqual(
      decodeReview(answer({ uid: 'u', allowed: false, status, warnings: ['w', 1] }), 'u', 'validating'),
      {
        ok: true,
        answer: { kind: 'validating', allowed: false, status, warnings: ['w'] },
      },
    );
  });

  it('reads a patch', () => {
    const decoded = decodeReview(
      answer({ uid: 'u', allowed: true, patch, patchType: 'JSONPatch' }),
      'u',
      'mutating',
    );
    assert.ok(decoded.ok);
    assert.deepEqual(decoded.answer.patch, [{ op: 'add', path: '/a', value: 1 }]);
  });

  it('drops what of a status has the wrong type', () => {
    const decoded = decodeReview(
      answer({
        uid: 'u',
        allowed: false,
        status: { code: '403', message: 1, reason: {}, details: { retryAfterSeconds: {} } },
      }),
      'u',
      'validating',
    );
    assert.ok(decoded.ok);
    assert.deepEqual(decoded.answer.status, {});
  });

  const table: [title: string, text: string, kind: 'mutating' | 'validating', why: RegExp][] = [
    ['no JSON', '<html>', 'validating', /json parse error in "<html>"$/],
    ['no object', '[]', 'validating', /^the answer is not an object$/],
    [
      'another kind',
      answer({}, { kind: 'Status' }),
      'validating',
      /^expected webhook response of admission.k8s.io\/v1, Kind=AdmissionReview, got admission.k8s.io\/v1, Kind=Status$/,
    ],
    [
      'another version',
      answer({}, { apiVersion: 'admission.k8s.io/v1beta1' }),
      'validating',
      /got admission.k8s.io\/v1beta1, Kind=AdmissionReview$/,
    ],
    ['no response', answer(null), 'validating', /^webhook response was absent$/],
    [
      'another uid',
      answer({ uid: 'v', allowed: true }),
      'validating',
      /^expected response.uid="u", got "v"$/,
    ],
    ['no verdict', answer({ uid: 'u' }), 'validating', /^response.allowed must be true or false$/],
    [
      'a patch of a validating webhook',
      answer({ uid: 'u', allowed: true, patch }),
      'validating',
      /^validating webhook may not return response.patch$/,
    ],
    [
      'a patch without its type',
      answer({ uid: 'u', allowed: true, patch }),
      'mutating',
      /^webhook returned response.patch but not response.patchType$/,
    ],
    [
      'a type without its patch',
      answer({ uid: 'u', allowed: true, patchType: 'JSONPatch' }),
      'mutating',
      /^webhook returned response.patchType but not response.patch$/,
    ],
    [
      'another type of patch',
      answer({ uid: 'u', allowed: true, patch, patchType: 'Merge' }),
      'mutating',
      /invalid response.patchType of "Merge"$/,
    ],
    [
      'a patch that is no JSON',
      answer({ uid: 'u', allowed: true, patch: 'YQ==', patchType: 'JSONPatch' }),
      'mutating',
      /^response.patch is not JSON in base64$/,
    ],
  ];
  for (const [title, text, kind, why] of table)
    it(`refuses ${title}`, () => {
      const decoded = decodeReview(text, 'u', kind);
      assert.ok(!decoded.ok);
      assert.match(decoded.why, why);
    });

  it('never throws on anything', () => {
    const response = fc.dictionary(
      fc.constantFrom('uid', 'allowed', 'status', 'patch', 'patchType', 'warnings'),
      fc.oneof(fc.constant('u'), fc.jsonValue()),
    );
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      response.map((value) => answer(value)),
    );
    fc.assert(
      fc.property(
        text,
        fc.constantFrom<('mutating' | 'validating')[]>('mutating', 'validating'),
        (body, kind) => void decodeReview(body, 'u', kind),
      ),
    );
  });
});
