/** What ARP and neighbour discovery have in common: hardware addresses, and numbers in frames. */

/** An unsigned number of 48 bits. */
export type Mac = number;

export const BROADCAST_MAC: Mac = 0xffff_ffff_ffff;
/** Where the Ethernet header says what the rest is. */
export const ETHERTYPE_OFFSET = 12;
export const ETHERNET_HEADER_LENGTH = 14;

/** Big endian, up to 6 bytes. Not by shifts: those are of 32 bits. */
export function readNumber(bytes: Uint8Array, offset: number, length: number): number {
  let value = 0;
  for (let i = offset; i < offset + length; i++) value = value * 256 + (bytes[i] ?? 0);
  return value;
}

/** Big endian, up to 6 bytes. */
export function writeNumber(bytes: Uint8Array, offset: number, length: number, value: number): void {
  for (let i = offset + length - 1, rest = value; i >= offset; i--, rest = Math.floor(rest / 256)) {
    bytes[i] = rest % 256;
  }
}

/** `02:00:00:00:00:11` */
export function formatMac(mac: Mac): string {
  return mac
    .toString(16)
    .padStart(12, '0')
    .replaceAll(/..(?=.)/g, '$&:');
}

/** Undefined for what is not six bytes in hexadecimal with colons. */
export function parseMac(text: string): Mac | undefined {
  return /^[\da-f]{2}(?::[\da-f]{2}){5}$/i.test(text)
    ? Number.parseInt(text.replaceAll(':', ''), 16)
    : undefined;
}
