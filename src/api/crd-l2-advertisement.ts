/** L2Advertisement v1beta1, field for field as in MetalLB 0.16 (api/v1beta1/l2advertisement_types.go); the words are ours. */
import type { CustomResourceDefinition } from './crd-schema.ts';
import { STATUS_OF_CONFIGURATION } from './crd-conditions.ts';
import { customResourceDefinition, labelSelector, selectors, texts } from './crd-schema.ts';
import { L2_ADVERTISEMENTS } from './metallb.ts';

export const L2_ADVERTISEMENT_CRD: CustomResourceDefinition = customResourceDefinition(L2_ADVERTISEMENTS, {
  description:
    'Has the addresses of pools answered for on the local network (ARP for IPv4, neighbour discovery for IPv6).',
  specRequired: false,
  spec: {
    description: 'Which addresses are answered for, from where.',
    type: 'object',
    properties: {
      ipAddressPools: texts('Pools, by name, whose addresses are announced.'),
      ipAddressPoolSelectors: selectors(
        'Pools, by label, whose addresses are announced, besides those listed by name. Without names and selectors every pool is.',
      ),
      nodeSelectors: selectors(
        'Nodes, by label, that may answer. One of the selectors must match; none means every node.',
      ),
      interfaces: texts(
        'Network interfaces, by name, on which the chosen node answers; none means all of them. They have no part in choosing the node.',
      ),
      serviceSelectors: selectors(
        'Services, by label, whose addresses are announced. One of the selectors must match; none means every Service of the pools.',
      ),
      preferredNodeSelectors: {
        description:
          'Nodes that should rather answer than others, where they can. The node with the highest sum of weights is chosen.',
        type: 'array',
        items: {
          type: 'object',
          required: ['preference', 'weight'],
          properties: {
            weight: {
              description: 'What a matching node counts more than others, from 1 to 100.',
              type: 'integer',
              format: 'int32',
              minimum: 1,
              maximum: 100,
            },
            preference: labelSelector('The nodes that are preferred, by label.'),
          },
        },
      },
    },
  },
  status: STATUS_OF_CONFIGURATION,
  columns: [
    {
      name: 'IPAddressPools',
      type: 'string',
      jsonPath: '.spec.ipAddressPools',
      description: 'The pools announced, by name',
    },
    {
      name: 'IPAddressPool Selectors',
      type: 'string',
      jsonPath: '.spec.ipAddressPoolSelectors',
      description: 'The pools announced, by label',
    },
    {
      name: 'Interfaces',
      type: 'string',
      jsonPath: '.spec.interfaces',
      description: 'The interfaces that answer',
    },
    {
      name: 'Node Selectors',
      type: 'string',
      jsonPath: '.spec.nodeSelectors',
      description: 'The nodes that may answer',
      priority: 10,
    },
  ],
});
