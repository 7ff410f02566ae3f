/**
 * Schemas that the kinds of cleat.dev share. MetalLB's kinds must take what MetalLB's own definitions take; these may refuse at the
 * API server whatever it can see by itself. What the API server refuses the loader refuses as well, and every list and text has a
 * bound, without which kube-apiserver takes no rules in CEL.
 */
import type { FieldSchema, SelectorRules } from './crd-schema.ts';
import { labelSelector } from './crd-schema.ts';

const LONGEST_NAME = 253;
const MOST_NAMES = 1000;
const MOST_SELECTORS = 100;
/** Two IPv6 addresses at their longest have 91 with the dash. */
const LONGEST_RANGE = 128;

/** A text that somebody reads. */
export const saying = (description: string): FieldSchema => ({
  description,
  type: 'string',
  minLength: 1,
  maxLength: 1024,
});

export const name = (description: string): FieldSchema => ({
  description,
  type: 'string',
  minLength: 1,
  maxLength: LONGEST_NAME,
});

/** A list of names, none of them twice. */
export function names(description: string): FieldSchema {
  return {
    description,
    type: 'array',
    maxItems: MOST_NAMES,
    items: { type: 'string', minLength: 1, maxLength: LONGEST_NAME },
    'x-kubernetes-list-type': 'set',
  };
}

const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = `${OCTET}([.]${OCTET}){3}`;
/** Any text with a colon of the characters there are in one: what is wrong with it exactly the loader says. */
const IPV6 = '[0-9A-Fa-f]*:[0-9A-Fa-f:.]*';
const BLANKS = '[ \\\\t\\\\r\\\\n]*';
const ADDRESSES = [
  `${BLANKS}(${IPV4}|${IPV6})${BLANKS}`,
  `${IPV4}/0*([12]?[0-9]|3[0-2])`,
  `${IPV6}/0*([1-9]?[0-9]|1[01][0-9]|12[0-8])`,
  `${BLANKS}${IPV4}${BLANKS}-${BLANKS}${IPV4}${BLANKS}`,
  `${BLANKS}${IPV6}${BLANKS}-${BLANKS}${IPV6}${BLANKS}`,
].join('|');

/** A list of addresses, CIDRs and ranges, at least one. */
export function addresses(description: string): FieldSchema {
  return {
    description,
    type: 'array',
    minItems: 1,
    maxItems: MOST_NAMES,
    items: {
      type: 'string',
      maxLength: LONGEST_RANGE,
      'x-kubernetes-validations': [
        {
          rule: `self.matches('^(${ADDRESSES})$')`,
          message: 'must be an address, a CIDR such as 192.0.2.0/28 or a range such as 192.0.2.1-192.0.2.9',
        },
      ],
    },
  };
}

/** RFC 3339, section 5.6; that there is such a day the format says. */
const DATE_TIME =
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$';

/** A moment from which on something does not count any more. */
export function expiry(description: string): FieldSchema {
  return {
    description: `${description} A time such as 2027-01-31T00:00:00Z.`,
    type: 'string',
    format: 'date-time',
    pattern: DATE_TIME,
    maxLength: 64,
  };
}

/**
 * A list of label selectors, one of which must match. That none is there twice is for the loader to say: a set of objects is one
 * that server-side apply keeps no owners of.
 */
export function strictSelectors(description: string): FieldSchema {
  return {
    description,
    type: 'array',
    maxItems: MOST_SELECTORS,
    items: strictSelector('A label selector. Its labels and expressions must all match.'),
  };
}

const LABEL_NAME = '([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]';
const LABEL_KEY = `^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?${LABEL_NAME}$`;
const STRICT: SelectorRules = {
  expressions: { maxItems: MOST_SELECTORS },
  key: { pattern: LABEL_KEY },
  operator: { enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] },
  value: { pattern: `^(${LABEL_NAME})?$` },
  values: { maxItems: MOST_NAMES, 'x-kubernetes-list-type': 'set' },
  expression: {
    'x-kubernetes-validations': [
      {
        rule: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
        message: 'values must be there for In and NotIn, and must not for Exists and DoesNotExist',
      },
    ],
  },
};

/** meta/v1 LabelSelector, with what Kubernetes itself checks only where it uses one. Of the keys of matchLabels no schema can speak. */
export function strictSelector(description: string): FieldSchema {
  return labelSelector(description, STRICT);
}
