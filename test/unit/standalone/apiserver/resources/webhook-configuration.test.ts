import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BuiltIns } from '../../../../support/built-ins.ts';

describe('webhook configurations', () => {
  const hook = (change: object): object => ({
    metadata: { name: 'a' },
    webhooks: [
      {
        name: 'a.example.com',
        clientConfig: { url: 'https://127.0.0.1:1/x' },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        ...change,
      },
    ],
  });

  it('get their defaults', () => {
    const stored = new BuiltIns().write(
      'ValidatingWebhookConfiguration',
      hook({ clientConfig: { service: { namespace: 'n', name: 's' } } }),
    );
    assert.deepEqual((stored['webhooks'] as unknown[])[0], {
      name: 'a.example.com',
      clientConfig: { service: { namespace: 'n', name: 's', port: 443 } },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
    });
  });

  const table: [title: string, change: object, fault: RegExp][] = [
    [
      'match conditions',
      { matchConditions: [{ name: 'a', expression: 'true' }] },
      /^webhooks\[0\].matchConditions: Forbidden: the embedded API server does not evaluate match conditions/,
    ],
    [
      'side effects',
      { sideEffects: 'Some' },
      /^webhooks\[0\].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"$/,
    ],
    ['no https', { clientConfig: { url: 'http://a' } }, /'https' is the only allowed URL scheme/],
    ['neither url nor service', { clientConfig: {} }, /exactly one of url or service is required$/],
    ['another review version', { admissionReviewVersions: ['v1beta1'] }, /must include at least one of v1$/],
    ['a long timeout', { timeoutSeconds: 31 }, /the timeout value must be between 1 and 30 seconds$/],
    ['a short name', { name: 'a.b' }, /should be a domain with at least three segments separated by dots$/],
    [
      'a selector it cannot read',
      { objectSelector: { matchExpressions: [{ key: 'a', operator: 'Like' }] } },
      /operator: Invalid value: "Like": not a valid selector operator$/,
    ],
    [
      'a rule without operations',
      { rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['services'] }] },
      /^webhooks\[0\].rules\[0\].operations: Required value$/,
    ],
  ];
  for (const [title, change, fault] of table)
    it(`are refused with ${title}`, () =>
      assert.match(new BuiltIns().refusal('ValidatingWebhookConfiguration', hook(change)), fault));
});
