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
      'a condition that does not compile',
      { matchConditions: [{ name: 'a', expression: 'object.' }] },
      /^webhooks\[0\].matchConditions\[0\].expression: Invalid value: "object.": compilation failed: Expected IDENTIFIER, got EOF$/,
    ],
    [
      'a condition that is no bool',
      { matchConditions: [{ name: 'a', expression: '1 + 1' }] },
      /expression: Invalid value: "1 \+ 1": cel expression must evaluate to a bool$/,
    ],
    [
      'a condition that asks the authorizer',
      {
        matchConditions: [
          { name: 'a', expression: "authorizer.group('').resource('pods').check('get').allowed()" },
        ],
      },
      /Unknown variable: authorizer \(the embedded API server has no authorizer: whoever has its token may do everything\)$/,
    ],
    [
      'a condition without a name and an expression',
      { matchConditions: [{ name: '', expression: ' ' }] },
      /matchConditions\[0\].name: Required value, webhooks\[0\].matchConditions\[0\].expression: Required value\]$/,
    ],
    [
      'too many conditions',
      {
        matchConditions: Array.from({ length: 65 }, (_, index) => ({
          name: `c${index}`,
          expression: 'true',
        })),
      },
      /^webhooks\[0\].matchConditions: Too many: 65: must have at most 64 items$/,
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
