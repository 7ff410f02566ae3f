/**
 * The fields of the legacy ConfigMap (MetalLB 0.9 to 0.12) and those of the objects that came after it: the same facts under
 * other names, so the rules of the objects are the rules of the ConfigMap.
 */
import type { Fields } from './read.ts';
import { isFields } from './read.ts';

type Form = 'text' | 'number' | 'flag' | 'as it is';

/** A field of an object under its legacy name. */
interface LegacyField {
  readonly field: string;
  readonly form: Form;
}

export type LegacyFields = Readonly<Record<string, LegacyField>>;

const text = (field: string): LegacyField => ({ field, form: 'text' });
const number = (field: string): LegacyField => ({ field, form: 'number' });
const flag = (field: string): LegacyField => ({ field, form: 'flag' });
const asItIs = (field: string): LegacyField => ({ field, form: 'as it is' });

export const PEER_FIELDS: LegacyFields = {
  'my-asn': number('myASN'),
  'peer-asn': number('peerASN'),
  'peer-address': text('peerAddress'),
  'source-address': text('sourceAddress'),
  'peer-port': number('peerPort'),
  'hold-time': text('holdTime'),
  'keepalive-time': text('keepaliveTime'),
  'router-id': text('routerID'),
  'node-selectors': asItIs('nodeSelectors'),
  password: text('password'),
  'bfd-profile': text('bfdProfile'),
  'ebgp-multihop': flag('ebgpMultiHop'),
};

export const POOL_FIELDS: LegacyFields = {
  addresses: asItIs('addresses'),
  'auto-assign': flag('autoAssign'),
  'avoid-buggy-ips': flag('avoidBuggyIPs'),
};

export const ADVERTISEMENT_FIELDS: LegacyFields = {
  'aggregation-length': number('aggregationLength'),
  'aggregation-length-v6': number('aggregationLengthV6'),
  localpref: number('localPref'),
  communities: asItIs('communities'),
};

export const PROFILE_FIELDS: LegacyFields = {
  'receive-interval': number('receiveInterval'),
  'transmit-interval': number('transmitInterval'),
  'detect-multiplier': number('detectMultiplier'),
  'echo-interval': number('echoInterval'),
  'echo-mode': flag('echoMode'),
  'passive-mode': flag('passiveMode'),
  'minimum-ttl': number('minimumTtl'),
};

const SELECTOR_FIELDS: LegacyFields = {
  'match-labels': asItIs('matchLabels'),
  'match-expressions': asItIs('matchExpressions'),
};

/** The legacy name of each field. */
const LEGACY_NAME: ReadonlyMap<string, string> = new Map(
  [PEER_FIELDS, POOL_FIELDS, ADVERTISEMENT_FIELDS, PROFILE_FIELDS, SELECTOR_FIELDS].flatMap((fields) =>
    Object.entries(fields).map(([name, { field }]) => [field, name] as const),
  ),
);

/** The spec of an object from its legacy fields; those not in `fields` are left out. */
export function specOf(legacy: Fields, fields: LegacyFields): Record<string, unknown> {
  const spec: Record<string, unknown> = {};
  for (const [name, { field, form }] of Object.entries(fields)) {
    const value = legacy[name];
    if (value !== undefined && value !== null) spec[field] = read(value, field, form);
  }
  return spec;
}

/** Fields that follow from where the part stands and are written nowhere. */
const UNWRITTEN: ReadonlySet<string> = new Set(['ipAddressPools', 'peers']);

/** Where a field of an object stands in the ConfigMap, given where the object begins: `spec.myASN` is at `my-asn`. */
export function locateIn(base: string): (path: string) => string {
  return (path) => {
    const inside = path.replace(/^(?:spec|metadata)\.?/, '');
    if (inside === '' || UNWRITTEN.has(inside)) return base;
    const renamed = inside.replaceAll(/\[[^\]]*\]|[A-Za-z0-9]+/g, (part) => LEGACY_NAME.get(part) ?? part);
    return `${base}.${renamed}`;
  };
}

function read(value: unknown, field: string, form: Form): unknown {
  if (field === 'nodeSelectors' && Array.isArray(value)) return value.map(readSelector);
  if (Array.isArray(value)) return value.map(asText);
  if (form === 'text') return asText(value);
  if (typeof value !== 'string') return value;
  if (form === 'number') return asNumber(value);
  return form === 'flag' ? asFlag(value) : value;
}

function readSelector(value: unknown): unknown {
  if (!isFields(value)) return value;
  const { 'match-labels': labels, 'match-expressions': expressions } = value;
  return {
    ...(labels === undefined ? {} : { matchLabels: isFields(labels) ? textsOf(labels) : labels }),
    ...(expressions === undefined
      ? {}
      : { matchExpressions: Array.isArray(expressions) ? expressions.map(readExpression) : expressions }),
  };
}

function textsOf(labels: Fields): Fields {
  return Object.fromEntries(Object.entries(labels).map(([key, label]) => [key, asText(label)]));
}

function readExpression(value: unknown): unknown {
  if (!isFields(value) || !Array.isArray(value['values'])) return value;
  return { ...value, values: value['values'].map(asText) };
}

/**
 * MetalLB 0.9 to 0.12 read the YAML into Go strings (yaml.v2), which take a number or a boolean as it is written: a pool
 * named 010 is "010" and one named yes is "yes". A number that comes here as a number is written the way it prints: what is
 * written otherwise comes as text (ParseYaml of the configuration keeps it).
 */
export function asText(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}

/** YAML 1.1 writes 65000 as 65_000, 0xfde8 or 0176750 as well. Plain digits come as a number, so as text they were in quotes. */
function asNumber(text: string): unknown {
  const digits = text.replaceAll('_', '');
  const match = /^([+-]?)(?:0x([0-9a-f]+)|0b([01]+)|0o?([0-7]+)|(\d+))$/i.exec(digits);
  if (match === null || /^(?:0|-?[1-9]\d*)$/.test(text)) return text;
  const [, sign = '', hexadecimal, binary, octal, decimal = ''] = match;
  const value =
    hexadecimal !== undefined
      ? Number.parseInt(hexadecimal, 16)
      : binary !== undefined
        ? Number.parseInt(binary, 2)
        : octal !== undefined
          ? Number.parseInt(octal, 8)
          : Number(decimal);
  return sign === '-' ? -value : value;
}

/** As yaml.v2 has them. */
function asFlag(text: string): unknown {
  if (/^(?:y|yes|on|true)$/i.test(text)) return true;
  return /^(?:n|no|off|false)$/i.test(text) ? false : text;
}
