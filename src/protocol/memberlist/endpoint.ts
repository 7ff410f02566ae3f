/** Where a member listens, as text and number; the wire has 4 or 16 bytes for the address. */
import { formatAddress, parseAddress } from '../../core/net/address.ts';

export interface Endpoint {
  /** Canonical text; an IPv4 address in 16 bytes is an IPv4 address. */
  readonly address: string;
  /** 1 to 65535. */
  readonly port: number;
}

const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** `address` has 4 or 16 bytes. */
export function endpointOf(address: Uint8Array, port: number): Endpoint {
  const isMapped = address.length === 16 && MAPPED_PREFIX.every((byte, i) => address[i] === byte);
  const bytes = isMapped ? address.subarray(12) : address;
  if (bytes.length === 4) return { address: bytes.join('.'), port };
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { address: formatAddress({ family: 'IPv6', value }), port };
}

/** 4 bytes of an IPv4 address, 16 of an IPv6 one; undefined for what is no address. */
export function addressBytes(text: string): Uint8Array | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  const length = address.family === 'IPv4' ? 4 : 16;
  return Uint8Array.from({ length }, (_, i) =>
    Number((address.value >> BigInt(8 * (length - 1 - i))) & 0xffn),
  );
}

export function endpointKey({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}
