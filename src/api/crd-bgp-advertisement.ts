/** BGPAdvertisement v1beta1, field for field as in MetalLB 0.16 (api/v1beta1/bgpadvertisement_types.go); the words are ours. */
import type { CustomResourceDefinition } from './crd-schema.ts';
import { STATUS_OF_CONFIGURATION } from './crd-conditions.ts';
import { customResourceDefinition, NO_BGP_YET, selectors, texts } from './crd-schema.ts';
import { BGP_ADVERTISEMENTS } from './metallb.ts';

export const BGP_ADVERTISEMENT_CRD: CustomResourceDefinition = customResourceDefinition(BGP_ADVERTISEMENTS, {
  description: `Has the addresses of pools announced to BGP peers. ${NO_BGP_YET}`,
  specRequired: false,
  spec: {
    description: 'Which addresses are announced, how, and to whom.',
    type: 'object',
    properties: {
      aggregationLength: {
        description: 'IPv4 addresses are announced as the prefix of this length that they are in.',
        type: 'integer',
        format: 'int32',
        minimum: 1,
        default: 32,
      },
      aggregationLengthV6: {
        description: 'IPv6 addresses are announced as the prefix of this length that they are in.',
        type: 'integer',
        format: 'int32',
        default: 128,
      },
      localPref: {
        description: 'LOCAL_PREF of the routes, which peers of the same AS compare: the highest wins.',
        type: 'integer',
        format: 'int32',
      },
      communities: texts(
        'Communities put on the routes: 65000:100, large:65000:1:2, or a name that a Community object gives one.',
      ),
      ipAddressPools: texts('Pools, by name, whose addresses are announced.'),
      ipAddressPoolSelectors: selectors(
        'Pools, by label, whose addresses are announced, besides those listed by name. Without names and selectors every pool is.',
      ),
      nodeSelectors: selectors(
        'Nodes, by label, that are announced as the next hop. One of the selectors must match; none means every node.',
      ),
      peers: texts('BGPPeers, by name, that are told. None means all.'),
      serviceSelectors: selectors(
        'Services, by label, whose addresses are announced. One of the selectors must match; none means every Service of the pools.',
      ),
    },
    'x-kubernetes-validations': [
      {
        rule:
          '!has(self.serviceSelectors) || size(self.serviceSelectors) == 0 || ' +
          '((!has(self.aggregationLength) || self.aggregationLength == 32) && ' +
          '(!has(self.aggregationLengthV6) || self.aggregationLengthV6 == 128))',
        message:
          'serviceSelectors and aggregationLength are mutually exclusive: with serviceSelectors aggregationLength must be 32 and aggregationLengthV6 128',
      },
    ],
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
    { name: 'Peers', type: 'string', jsonPath: '.spec.peers', description: 'The peers that are told' },
    {
      name: 'Node Selectors',
      type: 'string',
      jsonPath: '.spec.nodeSelectors',
      description: 'The nodes that are announced as the next hop',
      priority: 10,
    },
  ],
});
