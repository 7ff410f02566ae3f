/**
 * BGPPeer v1beta2 and its deprecated v1beta1, field for field as in MetalLB 0.16 (api/v1beta2/bgppeer_types.go,
 * api/v1beta1/bgppeer_types.go); the words are ours. Every field of v1beta1 is in v1beta2 with the same name, type and
 * meaning: docs/adr/0008 rests on that, and a test holds it.
 */
import type { CustomResourceDefinition, FieldSchema, KindDescription } from './crd-schema.ts';
import { STATUS_OF_CONFIGURATION } from './crd-conditions.ts';
import { customResourceDefinition, NO_BGP_YET, selectors } from './crd-schema.ts';
import { BGP_PEERS } from './metallb.ts';

const text = (description: string): FieldSchema => ({ description, type: 'string' });
const flag = (description: string): FieldSchema => ({ description, type: 'boolean' });
const asNumber = (description: string, minimum = 0): FieldSchema => ({
  description,
  type: 'integer',
  format: 'int64',
  minimum,
  maximum: 4_294_967_295,
});

const MY_ASN = asNumber('The AS number of this side.');
const PEER_ASN = 'The AS number of the peer.';
const PEER_ADDRESS = 'The IP address of the peer.';
const PEER_PORT = 'The TCP port of the peer.';

/** The same in both versions. */
const SHARED: Readonly<Record<string, FieldSchema>> = {
  sourceAddress: text('The address of this side to connect from. Without it the kernel chooses.'),
  holdTime: text(
    'How long the session lives without a word from the peer (RFC 4271), as 90s or 1m30s: 0s, or at least 3s.',
  ),
  keepaliveTime: text('How often this side says a word, as 30s. Without it a third of holdTime.'),
  routerID: text('The BGP identifier of this side, an IPv4 address. Without it the address of the node.'),
  password: text('The password of the TCP session (RFC 2385), in clear. passwordSecret keeps it secret.'),
  bfdProfile: text(
    'The BFDProfile by which both sides watch each other, by name. Without it there is no BFD.',
  ),
  ebgpMultiHop: flag('Whether the peer, of another AS, is behind a router.'),
};

const COLUMNS: KindDescription['columns'] = [
  { name: 'Address', type: 'string', jsonPath: '.spec.peerAddress', description: 'The address of the peer' },
  { name: 'ASN', type: 'string', jsonPath: '.spec.peerASN', description: 'The AS number of the peer' },
  { name: 'BFD Profile', type: 'string', jsonPath: '.spec.bfdProfile', description: 'The BFDProfile' },
  {
    name: 'Multi Hops',
    type: 'string',
    jsonPath: '.spec.ebgpMultiHop',
    description: 'Whether the peer is behind a router',
  },
];

const DESCRIPTION = `A router that is told, by BGP, which node to send the traffic of which address to. ${NO_BGP_YET}`;
const SPEC_DESCRIPTION = 'The peer and the session with it.';
const NODE_SELECTORS =
  'Nodes, by label, that open a session. One of the selectors must match; none means every node.';

const V1BETA1: KindDescription = {
  description: DESCRIPTION,
  specRequired: false,
  spec: {
    description: SPEC_DESCRIPTION,
    type: 'object',
    required: ['myASN', 'peerASN', 'peerAddress'],
    properties: {
      myASN: MY_ASN,
      peerASN: asNumber(PEER_ASN),
      peerAddress: text(PEER_ADDRESS),
      peerPort: { description: `${PEER_PORT} 0 means 179.`, type: 'integer', minimum: 0, maximum: 16_384 },
      nodeSelectors: {
        description: NODE_SELECTORS,
        type: 'array',
        items: {
          type: 'object',
          properties: {
            matchLabels: {
              description: 'Labels that must be there with exactly these values.',
              type: 'object',
              additionalProperties: { type: 'string' },
            },
            matchExpressions: {
              description: 'Conditions on labels. All of them must hold.',
              type: 'array',
              items: {
                type: 'object',
                required: ['key', 'operator', 'values'],
                properties: {
                  key: text('The label the condition is about.'),
                  operator: text('In or NotIn; Exists and DoesNotExist can be written in v1beta2 only.'),
                  values: {
                    description: 'The values meant, at least one.',
                    type: 'array',
                    minItems: 1,
                    items: { type: 'string' },
                  },
                },
              },
            },
          },
        },
      },
      ...SHARED,
    },
  },
  status: STATUS_OF_CONFIGURATION,
  columns: COLUMNS,
};

const V1BETA2: KindDescription = {
  description: DESCRIPTION,
  specRequired: false,
  spec: {
    description: SPEC_DESCRIPTION,
    type: 'object',
    required: ['myASN'],
    properties: {
      myASN: MY_ASN,
      peerASN: asNumber(`${PEER_ASN} Either this or dynamicASN.`),
      localASN: asNumber('An AS number to show to this peer instead of myASN.', 1),
      dynamicASN: {
        description:
          'Takes whatever AS number the peer has, if it is the one of this side (internal) or if it is not (external).',
        type: 'string',
        enum: ['internal', 'external'],
      },
      peerAddress: text(`${PEER_ADDRESS} Either this or interface.`),
      interface: text('The interface of the node behind which the peer is, where it has no address to name.'),
      peerPort: {
        description: PEER_PORT,
        type: 'integer',
        minimum: 1,
        maximum: 16_384,
        default: 179,
      },
      connectTime: {
        description: 'How long to wait between attempts to connect, in whole seconds, as 10s.',
        type: 'string',
        'x-kubernetes-validations': [
          {
            rule: 'duration(self).getSeconds() >= 1 && duration(self).getSeconds() <= 65535',
            message: 'connect time should be between 1 seconds to 65535',
          },
          {
            rule: 'duration(self).getMilliseconds() % 1000 == 0',
            message: 'connect time should contain a whole number of seconds',
          },
        ],
      },
      nodeSelectors: selectors(NODE_SELECTORS),
      passwordSecret: {
        description:
          'The Secret, of type kubernetes.io/basic-auth and in the namespace of Cleat, whose key password is the password of the session.',
        type: 'object',
        properties: {
          name: text('The name of the Secret.'),
          namespace: text('Not looked at: the Secret is in the namespace of Cleat.'),
        },
        'x-kubernetes-map-type': 'atomic',
      },
      enableGracefulRestart: {
        ...flag(
          'Whether the peer keeps the routes while this side restarts (RFC 4724). It stays as created.',
        ),
        'x-kubernetes-validations': [
          { rule: 'self == oldSelf', message: 'EnableGracefulRestart cannot be changed after creation' },
        ],
      },
      vrf: text('The VRF of the node the session is made in.'),
      disableMP: {
        ...flag('Without effect: routes of the session’s own family are the rule.'),
        default: false,
      },
      dualStackAddressFamily: {
        ...flag('Whether routes of both families are told over the one session.'),
        default: false,
      },
      ...SHARED,
    },
  },
  status: STATUS_OF_CONFIGURATION,
  columns: COLUMNS,
};

export const BGP_PEER_CRD: CustomResourceDefinition = customResourceDefinition(BGP_PEERS, V1BETA2, [
  { name: 'v1beta1', deprecationWarning: 'v1beta1 is deprecated, please use v1beta2', kind: V1BETA1 },
]);
