/** Community v1beta1, field for field as in MetalLB 0.16 (api/v1beta1/community_types.go); the words are ours. */
import type { CustomResourceDefinition } from './crd-schema.ts';
import { STATUS_OF_CONFIGURATION } from './crd-conditions.ts';
import { customResourceDefinition, NO_BGP_YET } from './crd-schema.ts';
import { COMMUNITIES } from './metallb.ts';

export const COMMUNITY_CRD: CustomResourceDefinition = customResourceDefinition(COMMUNITIES, {
  description: `Names for BGP communities, to be used in BGPAdvertisements. ${NO_BGP_YET}`,
  specRequired: false,
  spec: {
    description: 'The names and what they stand for.',
    type: 'object',
    properties: {
      communities: {
        description: 'One entry for each name.',
        type: 'array',
        items: {
          type: 'object',
          properties: {
            name: { description: 'The name.', type: 'string' },
            value: {
              description: 'The community it stands for: 65000:100, or large:65000:1:2.',
              type: 'string',
            },
          },
        },
      },
    },
  },
  status: STATUS_OF_CONFIGURATION,
  columns: [],
});
