/** PolicyException v1alpha1 as the API server is told of it. */
import { EXCEPTED_KINDS, POLICY_EXCEPTIONS } from './cleat.ts';
import { STATUS_OF_CONFIGURATION } from './crd-conditions.ts';
import { expiry, name, saying, strictSelector } from './crd-own-schema.ts';
import type { CustomResourceDefinition } from './crd-schema.ts';
import { customResourceDefinition, EXPIRES_COLUMN } from './crd-schema.ts';

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
            kind: {
              description: 'The kind of the objects, such as Service.',
              type: 'string',
              enum: EXCEPTED_KINDS,
            },
            namespace: name('Their namespace. With neither it nor namespaceSelector: any.'),
            namespaceSelector: strictSelector('Their namespaces, by label.'),
            name: name('The name of the one object meant. Without it: all.'),
            selector: strictSelector('Labels of the objects meant. Without it: all.'),
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
