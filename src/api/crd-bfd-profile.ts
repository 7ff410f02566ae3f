/** BFDProfile v1beta1, field for field as in MetalLB 0.16 (api/v1beta1/bfdprofile_types.go); the words are ours. */
import type { CustomResourceDefinition, FieldSchema } from './crd-schema.ts';
import { STATUS_OF_CONFIGURATION } from './crd-conditions.ts';
import { customResourceDefinition, NO_BGP_YET } from './crd-schema.ts';
import { BFD_PROFILES } from './metallb.ts';

const bounded = (description: string, minimum: number, maximum: number): FieldSchema => ({
  description,
  type: 'integer',
  format: 'int32',
  minimum,
  maximum,
});

export const BFD_PROFILE_CRD: CustomResourceDefinition = customResourceDefinition(BFD_PROFILES, {
  description: `How BGP peers that name it watch each other by BFD (RFC 5880). ${NO_BGP_YET}`,
  specRequired: false,
  spec: {
    description: 'The timers and modes of the sessions.',
    type: 'object',
    properties: {
      receiveInterval: bounded(
        'The shortest time between control packets this side can take, in milliseconds. Without it 300.',
        10,
        60_000,
      ),
      transmitInterval: bounded(
        'The shortest time between control packets this side wants to send, in milliseconds. Without it 300.',
        10,
        60_000,
      ),
      detectMultiplier: bounded(
        'How many of the peer’s intervals may pass in silence before the session is down.',
        2,
        255,
      ),
      echoInterval: bounded(
        'The shortest time between echo packets this side can take, in milliseconds. Without it 50.',
        10,
        60_000,
      ),
      echoMode: {
        description: 'Whether echo packets are sent. They cannot cross a router.',
        type: 'boolean',
      },
      passiveMode: {
        description: 'Whether this side waits for the peer’s first control packet before it sends its own.',
        type: 'boolean',
      },
      minimumTtl: bounded(
        'For peers behind routers: control packets with a smaller TTL than this are dropped.',
        1,
        254,
      ),
    },
  },
  status: STATUS_OF_CONFIGURATION,
  columns: [
    {
      name: 'Passive Mode',
      type: 'boolean',
      jsonPath: '.spec.passiveMode',
      description: 'Whether this side waits for the peer',
    },
    {
      name: 'Transmit Interval',
      type: 'integer',
      jsonPath: '.spec.transmitInterval',
      description: 'Milliseconds between control packets sent',
    },
    {
      name: 'Receive Interval',
      type: 'integer',
      jsonPath: '.spec.receiveInterval',
      description: 'Milliseconds between control packets taken',
    },
    {
      name: 'Multiplier',
      type: 'integer',
      jsonPath: '.spec.detectMultiplier',
      description: 'Intervals of silence until the session is down',
    },
  ],
});
