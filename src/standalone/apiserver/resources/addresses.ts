/** Which addresses may stand for an endpoint or an external IP, with kube-apiserver's sentences. */
import { parseAddress } from '../../../core/net/address.ts';
import type { Address, AddressRange } from '../../../core/net/address.ts';
import { parseRange, rangeContains } from '../../../core/net/range.ts';
import type { FieldFault } from '../definition.ts';

const BARRED = [
  ['may not be unspecified (0.0.0.0 or ::)', '0.0.0.0/32', '::/128'],
  ['may not be in the loopback range (127.0.0.0/8, ::1/128)', '127.0.0.0/8', '::1/128'],
  ['may not be in the link-local range (169.254.0.0/16, fe80::/10)', '169.254.0.0/16', 'fe80::/10'],
  ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)', '224.0.0.0/24', 'ff02::/16'],
].map(([why = '', ...ranges]) => ({ why, ranges: ranges.map(knownRange) }));

const NOT_AN_ADDRESS = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
export const NOT_A_CIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

export function addressFaults(path: string, value: string): FieldFault[] {
  return parseAddress(value) === undefined
    ? [{ reason: 'Invalid', path, value, message: NOT_AN_ADDRESS }]
    : [];
}

/** As addressFaults, and no loopback, link-local or unspecified address. */
export function endpointAddressFaults(path: string, value: string): FieldFault[] {
  const address = parseAddress(value);
  if (address === undefined) return addressFaults(path, value);
  return BARRED.filter(({ ranges }) => ranges.some((range) => isIn(range, address))).map(({ why }) => ({
    reason: 'Invalid',
    path,
    value,
    message: why,
  }));
}

function isIn(range: AddressRange, address: Address): boolean {
  return rangeContains(range, address);
}

function knownRange(text: string): AddressRange {
  const parsed = parseRange(text);
  if (!parsed.ok) throw new Error(`${text} ${parsed.why}`);
  return parsed.range;
}
