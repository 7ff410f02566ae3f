/** Conditions in the status of our kinds: meta/v1 Condition, as Kubernetes bounds it. */
import type { FieldSchema } from './crd-schema.ts';

const CONDITION: FieldSchema = {
  type: 'object',
  required: ['lastTransitionTime', 'message', 'reason', 'status', 'type'],
  properties: {
    lastTransitionTime: {
      description: 'When the status last changed.',
      type: 'string',
      format: 'date-time',
    },
    message: { description: 'What there is to say, for people.', type: 'string', maxLength: 32_768 },
    observedGeneration: {
      description: 'The generation of the object the condition is about.',
      type: 'integer',
      format: 'int64',
      minimum: 0,
    },
    reason: {
      description: 'Why the status is what it is, in one word, for programs.',
      type: 'string',
      minLength: 1,
      maxLength: 1024,
      pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
    },
    status: {
      description: 'Whether what the condition names is so.',
      type: 'string',
      enum: ['True', 'False', 'Unknown'],
    },
    type: {
      description: 'What the condition is about.',
      type: 'string',
      maxLength: 316,
      pattern:
        '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$',
    },
  },
};

/** A list with one entry for each type, which several may write. */
export function conditions(description: string): FieldSchema {
  return {
    description,
    type: 'array',
    items: CONDITION,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  };
}

/** Not in MetalLB, where users must look for faults elsewhere: docs/adr/0020. */
export const CONDITIONS_OF_CONFIGURATION: FieldSchema = conditions(
  'Whether the object has faults, where it has or had any: type cleat.dev/Valid.',
);

/** The status of a kind of configuration that has nothing else to report. */
export const STATUS_OF_CONFIGURATION: FieldSchema = {
  description: 'What there is to say about the object.',
  type: 'object',
  properties: { conditions: CONDITIONS_OF_CONFIGURATION },
};
