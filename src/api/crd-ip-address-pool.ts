/** IPAddressPool v1beta1, field for field as in MetalLB 0.16 (api/v1beta1/ipaddresspool_types.go); the words are ours. */
import { CONDITIONS_OF_CONFIGURATION } from './crd-conditions.ts';
import type { CustomResourceDefinition } from './crd-schema.ts';
import { customResourceDefinition, selectors, texts } from './crd-schema.ts';
import { IP_ADDRESS_POOLS } from './metallb.ts';

export const IP_ADDRESS_POOL_CRD: CustomResourceDefinition = customResourceDefinition(IP_ADDRESS_POOLS, {
  description: 'Addresses that Services of type LoadBalancer may be given, and which Services may have them.',
  specRequired: true,
  spec: {
    description: 'The addresses and the rules for giving them out.',
    type: 'object',
    required: ['addresses'],
    properties: {
      addresses: texts(
        'The addresses, IPv4 or IPv6: CIDRs such as 192.0.2.0/28 and ranges such as 192.0.2.1-192.0.2.9. Both ends of a ' +
          'range and every address of a CIDR belong to the pool. No address may be in two pools.',
      ),
      autoAssign: {
        description:
          'Whether a Service that asks for no pool and no address may be given one of these. Otherwise the pool or the ' +
          'address must be asked for.',
        type: 'boolean',
        default: true,
      },
      avoidBuggyIPs: {
        description:
          'Leave out IPv4 addresses that end in .0 or .255, which some old network equipment does not carry.',
        type: 'boolean',
        default: false,
      },
      serviceAllocation: {
        description:
          'Keeps the pool for some Services, and has it tried before pools without this field. Without it every Service ' +
          'may use the pool.',
        type: 'object',
        properties: {
          priority: {
            description:
              'Which pool is tried first among those kept for a Service: the lowest number. 0 means last.',
            type: 'integer',
          },
          namespaces: texts('Namespaces, by name, whose Services may use the pool.'),
          namespaceSelectors: selectors(
            'Namespaces, by label, whose Services may use the pool, besides those listed by name. Selectors that match no ' +
              'namespace let nobody in.',
          ),
          serviceSelectors: selectors(
            'Services, by label, that may use the pool. One of the selectors must match; none means all.',
          ),
        },
      },
    },
  },
  status: {
    description: 'How much of the pool is in use, and what is wrong with it.',
    type: 'object',
    required: ['assignedIPv4', 'assignedIPv6', 'availableIPv4', 'availableIPv6'],
    properties: {
      assignedIPv4: { description: 'IPv4 addresses that Services hold.', type: 'integer', format: 'int64' },
      assignedIPv6: { description: 'IPv6 addresses that Services hold.', type: 'integer', format: 'int64' },
      availableIPv4: { description: 'IPv4 addresses that are free.', type: 'integer', format: 'int64' },
      availableIPv6: { description: 'IPv6 addresses that are free.', type: 'integer', format: 'int64' },
      conditions: CONDITIONS_OF_CONFIGURATION,
    },
  },
  columns: [
    {
      name: 'Auto Assign',
      type: 'boolean',
      jsonPath: '.spec.autoAssign',
      description: 'Whether Services that ask for nothing may be given these addresses',
    },
    {
      name: 'Avoid Buggy IPs',
      type: 'boolean',
      jsonPath: '.spec.avoidBuggyIPs',
      description: 'Whether addresses that end in .0 or .255 are left out',
    },
    {
      name: 'Addresses',
      type: 'string',
      jsonPath: '.spec.addresses',
      description: 'The addresses of the pool',
    },
  ],
});
