/** AddressPolicy v1alpha1 as the API server is told of it. */
import { ADDRESS_POLICIES } from './cleat.ts';
import { STATUS_OF_CONFIGURATION } from './crd-conditions.ts';
import { name, names, strictSelectors } from './crd-own-schema.ts';
import type { CustomResourceDefinition } from './crd-schema.ts';
import { customResourceDefinition } from './crd-schema.ts';

/** A number of addresses of a quota, in int32 as Kubernetes counts. */
const COUNT = { type: 'integer', format: 'int32', minimum: 0, maximum: 2_147_483_647 } as const;

export const ADDRESS_POLICY_CRD: CustomResourceDefinition = customResourceDefinition(ADDRESS_POLICIES, {
  description:
    'What the Services of some namespaces may have, and what they have where their author does not say. Nobody loses an ' +
    'address to a policy; it counts when one is given. Where several meet in a namespace, the smallest quota counts and ' +
    'only pools that all of them allow, and each default comes from the first that has one, by name.',
  specRequired: false,
  spec: {
    description: 'The namespaces and the rules for them.',
    type: 'object',
    'x-kubernetes-validations': [
      {
        rule: '!has(self.defaultPool) || !has(self.pools) || size(self.pools) == 0 || self.defaultPool in self.pools',
        message: 'defaultPool must be one of pools',
      },
    ],
    properties: {
      namespaces: names('Namespaces, by name. With neither names nor selectors: every namespace.'),
      namespaceSelectors: strictSelectors('Namespaces, by label, besides those listed by name.'),
      quota: {
        description:
          'How many addresses the Services of each of the namespaces may hold. An address that several of them share ' +
          'counts once, and each family of a dual-stack Service by itself.',
        type: 'object',
        properties: {
          total: { description: 'In all pools together.', ...COUNT },
          pools: {
            description: 'In single pools.',
            type: 'array',
            maxItems: 1000,
            items: {
              type: 'object',
              required: ['pool', 'addresses'],
              properties: {
                pool: name('The pool.'),
                addresses: { description: 'How many of its addresses.', ...COUNT },
              },
            },
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['pool'],
          },
        },
      },
      pools: names('The pools whose addresses the Services may have. None means all.'),
      defaultPool: name(
        'The pool of a new Service that asks for no pool and no address, as if it had asked for this one.',
      ),
      defaults: {
        description:
          'Fields of the spec of new Services of type LoadBalancer, where the author left them out.',
        type: 'object',
        properties: {
          allocateLoadBalancerNodePorts: {
            description: 'false where no node ports are needed to reach the Services.',
            type: 'boolean',
          },
          externalTrafficPolicy: {
            description: 'Whether packets may go to another node.',
            type: 'string',
            enum: ['Cluster', 'Local'],
          },
        },
      },
    },
  },
  status: STATUS_OF_CONFIGURATION,
  columns: [
    {
      name: 'Quota',
      type: 'integer',
      jsonPath: '.spec.quota.total',
      description: 'Addresses of a namespace',
    },
    { name: 'Pools', type: 'string', jsonPath: '.spec.pools', description: 'The pools allowed' },
    { name: 'Default Pool', type: 'string', jsonPath: '.spec.defaultPool', description: 'Who asks for none' },
  ],
});
