/** PolicyException v1alpha1 as the API server is told of it. */
import { POLICY_EXCEPTIONS } from './cleat.ts';
import { STATUS_OF_CONFIGURATION } from './crd-conditions.ts';
import type { CustomResourceDefinition, FieldSchema } from './crd-schema.ts';
import { customResourceDefinition, EXPIRES_COLUMN, expiry, labelSelector } from './crd-schema.ts';

const saying = (description: string): FieldSchema => ({
  description,
  type: 'string',
  minLength: 1,
  maxLength: 1024,
});

export const POLICY_EXCEPTION_CRD: CustomResourceDefinition = customResourceDefinition(POLICY_EXCEPTIONS, {
  description:
    'Takes some objects out of one rule of the gate for a while: what would be refused is admitted with a warning. It gives ' +
    'nobody an address; what the rule forbids the allocator does not do either.',
  specRequired: true,
  spec: {
    description: 'The rule, the objects and how long.',
    type: 'object',
    required: ['rule', 'objects', 'reason', 'owner', 'expires'],
    properties: {
      rule: saying('The rule, by the code or the reason of its finding: LB106 or PoolNotOpen.'),
      objects: {
        description: 'The objects. One of the entries must fit.',
        type: 'array',
        minItems: 1,
        maxItems: 1000,
        items: {
          type: 'object',
          required: ['kind'],
          'x-kubernetes-validations': [
            {
              rule: '!has(self.__namespace__) || !has(self.namespaceSelector)',
              message: 'namespace and namespaceSelector must not both be set',
            },
          ],
          properties: {
            kind: { description: 'The kind of the objects, such as Service.', type: 'string', minLength: 1 },
            namespace: {
              description: 'Their namespace. With neither it nor namespaceSelector: any.',
              type: 'string',
              minLength: 1,
            },
            namespaceSelector: labelSelector('Their namespaces, by label.'),
            name: {
              description: 'The name of the one object meant. Without it: all.',
              type: 'string',
              minLength: 1,
            },
            selector: labelSelector('Labels of the objects meant. Without it: all.'),
          },
        },
      },
      reason: saying('Why there is an exception, for people.'),
      owner: saying('Who is to be asked about it.'),
      expires: expiry('When the rule counts again.'),
    },
  },
  status: STATUS_OF_CONFIGURATION,
  columns: [
    { name: 'Rule', type: 'string', jsonPath: '.spec.rule', description: 'The rule that does not count' },
    { name: 'Owner', type: 'string', jsonPath: '.spec.owner', description: 'Who is to be asked about it' },
    EXPIRES_COLUMN,
  ],
});
