/** The parts sentences about Services are made of. */
import type { Finding, FindingCode } from '../../api/findings.ts';
import type { Pool } from '../config/snapshot.ts';
import type { Address, IpFamily } from '../net/address.ts';
import { formatAddress } from '../net/address.ts';
import type { ServiceView } from './service-view.ts';

/** One address and the field it was read from. */
export interface Asked {
  readonly path: string;
  readonly address: Address;
}

/** A free address the Service could have instead. */
export interface Near {
  readonly address: Address;
  readonly pool: string;
}

/** A pool. */
export interface Named {
  readonly name: string;
}

/** So many pools are named in a sentence; the rest is counted. */
const POOLS_NAMED = 5;
const LONGEST_SHOWN = 64;

export function aboutAddress(
  code: FindingCode,
  view: ServiceView,
  asked: Asked,
  wrong: string,
  near: Near | undefined,
  right?: string,
): Finding {
  const value = formatAddress(asked.address);
  const nearest =
    near === undefined
      ? `no free ${asked.address.family} address is open to it`
      : `nearest free: ${formatAddress(near.address)} (pool ${near.pool})`;
  const remedy = right === undefined ? nearest : `${right}, or ${nearest}`;
  const found = finding(code, view, asked.path, value, `${wrong}; ${remedy}`);
  return near === undefined ? found : { ...found, suggestion: formatAddress(near.address) };
}

/**
 * The sentence without the addresses and pools it names because they are there. Those change with what happens to others,
 * which is no reason to say the sentence again.
 */
export function withoutOffer(message: string): string {
  return message.replace(OFFERS, '');
}

const OFFERS = new RegExp(
  [
    String.raw`nearest free: \S+ \(pool .*?\)`,
    'no free IPv[46] address is open to it',
    String.raw`pools open to namespace \S+: [^;]*`,
    String.raw`no pool is open to namespace [^\s;]+`,
    String.raw`(?<=(?:is full|has no free [^;]*? address) )\(.*?\)`,
    String.raw`name one with \S+ \(.*?\)`,
    'open a pool to it',
    String.raw`have AddressPolicy \S+ allow one \(.*?\)`,
  ].join('|'),
  'g',
);

export function finding(
  code: FindingCode,
  view: ServiceView,
  path: string,
  value: string,
  says: string,
): Finding {
  const subject = value === '' ? path : `${path} ${shown(value)}`;
  return {
    code,
    object: { kind: 'Service', namespace: view.namespace, name: view.name },
    path,
    ...(value === '' ? {} : { value }),
    message: safe(`${subject} ${says}`),
  };
}

export function asker({ namespace }: ServiceView): string {
  return `namespace ${namespace}`;
}

/** Whom the pool's serviceAllocation shuts out: the whole namespace, or only Services with such labels. */
export function shutOut(view: ServiceView, { allocation }: Pool): string {
  const namespaceMay = allocation?.namespaces?.has(view.namespace) ?? true;
  return namespaceMay ? `the labels of Service ${view.key}` : asker(view);
}

export function choice(view: ServiceView, open: readonly Named[]): string {
  return open.length === 0
    ? `no pool is open to ${asker(view)}`
    : `pools open to ${asker(view)}: ${naming(open)}`;
}

export function naming(pools: readonly Named[], tell = ({ name }: Named): string => name): string {
  const more = pools.length - POOLS_NAMED;
  const names = pools.slice(0, POOLS_NAMED).map((pool) => tell(pool));
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

export function both(families: readonly IpFamily[]): string {
  return families.length === 0 ? 'of no family' : families.toSorted().join(' and ');
}

export function needed({ families, familyPolicy }: ServiceView): string {
  return both(families).replace(' and ', familyPolicy === 'PreferDualStack' ? ' or ' : ' and an ');
}

/** Users' text as a sentence may carry it: short and on one line. */
export function shown(text: string): string {
  const line = text.replace(/\p{Cc}/gu, '\ufffd');
  return line.length > LONGEST_SHOWN ? `${line.slice(0, LONGEST_SHOWN - 1)}…` : line;
}

/** Whatever objects are called: Flux deletes and recreates what it applied when a refusal has this word. */
function safe(message: string): string {
  return message.replace(/immutable/gi, (word) => `${word.slice(0, 2)}-${word.slice(2)}`);
}
