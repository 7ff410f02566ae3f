/**
 * The kinds in which MetalLB's programs report: ServiceL2Status, ServiceBGPStatus and ConfigurationState v1beta1, field for
 * field as in MetalLB 0.16 (api/v1beta1); the words are ours. Nobody but the programs writes them.
 */
import type { CustomResourceDefinition, FieldSchema } from './crd-schema.ts';
import { conditions } from './crd-conditions.ts';
import { customResourceDefinition, lastingText, NOT_ACTED_ON, texts } from './crd-schema.ts';
import { CONFIGURATION_STATES, SERVICE_BGP_STATUSES, SERVICE_L2_STATUSES } from './metallb.ts';

const EMPTY_SPEC: FieldSchema = { description: 'There is nothing to ask for.', type: 'object' };

const WHO_AND_WHERE: Readonly<Record<string, FieldSchema>> = {
  node: lastingText('The node that announces.'),
  serviceName: lastingText('The name of the Service.'),
  serviceNamespace: lastingText('The namespace of the Service.'),
};

const serviceColumns = (node: string) =>
  [
    { name: node, type: 'string', jsonPath: '.status.node', description: 'The node that announces' },
    {
      name: 'Service Name',
      type: 'string',
      jsonPath: '.status.serviceName',
      description: 'The name of the Service',
    },
    {
      name: 'Service Namespace',
      type: 'string',
      jsonPath: '.status.serviceNamespace',
      description: 'The namespace of the Service',
    },
  ] as const;

export const SERVICE_L2_STATUS_CRD: CustomResourceDefinition = customResourceDefinition(SERVICE_L2_STATUSES, {
  description: `Which node answers for the addresses of a Service on the local network. ${NOT_ACTED_ON}`,
  specRequired: false,
  spec: EMPTY_SPEC,
  status: {
    description: 'Who answers for what.',
    type: 'object',
    properties: {
      ...WHO_AND_WHERE,
      interfaces: {
        description: 'The interfaces the node answers on; none means all of them.',
        type: 'array',
        items: {
          type: 'object',
          properties: { name: { description: 'The name of the interface.', type: 'string' } },
        },
      },
    },
  },
  columns: serviceColumns('Allocated Node'),
});

export const SERVICE_BGP_STATUS_CRD: CustomResourceDefinition = customResourceDefinition(
  SERVICE_BGP_STATUSES,
  {
    description: `Which peers a node tells about the addresses of a Service. ${NOT_ACTED_ON}`,
    specRequired: false,
    spec: EMPTY_SPEC,
    status: {
      description: 'Who is told by whom.',
      type: 'object',
      properties: { ...WHO_AND_WHERE, peers: texts('The BGPPeers that are told, by name.') },
    },
    columns: serviceColumns('Node'),
  },
);

export const CONFIGURATION_STATE_CRD: CustomResourceDefinition = customResourceDefinition(
  CONFIGURATION_STATES,
  {
    description: 'Whether a program could take the configuration as it is.',
    specRequired: false,
    status: {
      description: 'What the program made of the configuration.',
      type: 'object',
      properties: {
        result: {
          description: 'Whether the configuration as it is was taken.',
          type: 'string',
          enum: ['Valid', 'Invalid', 'Unknown'],
        },
        errorSummary: { description: 'What is wrong with it; empty where nothing is.', type: 'string' },
        conditions: conditions('The same, part by part.'),
      },
    },
    columns: [
      { name: 'Result', type: 'string', jsonPath: '.status.result', description: 'Whether it was taken' },
      {
        name: 'ErrorSummary',
        type: 'string',
        jsonPath: '.status.errorSummary',
        description: 'What is wrong with it',
      },
      {
        name: 'Age',
        type: 'date',
        jsonPath: '.metadata.creationTimestamp',
        description: 'When the program first reported',
      },
    ],
  },
);
