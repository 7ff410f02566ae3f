/**
 * What Kubernetes' CEL has beside the language, as far as it is here (k8s.io/apiserver/pkg/cel/library): IP addresses and CIDRs, lists,
 * regular expressions, and two functions of strings. An expression that needs more does not compile, and says so.
 */
import type { Environment } from '@marcbachmann/cel-js';
import { BITS_OF_FAMILY, formatAddress, parseAddress, sameAddress } from '../core/net/address.ts';
import type { Address } from '../core/net/address.ts';

class Ip {
  readonly address: Address;
  constructor(address: Address) {
    this.address = address;
  }
}

class Cidr {
  readonly address: Address;
  readonly prefix: number;
  constructor(address: Address, prefix: number) {
    this.address = address;
    this.prefix = prefix;
  }
}

/** Gives the environment back. */
export function registerLibrary(environment: Environment): Environment {
  registerAddresses(environment);
  registerCidrs(environment);
  registerLists(environment);
  registerTexts(environment);
  return environment;
}

type Handler = (...values: never[]) => unknown;

/** The package takes functions that are not said to be otherwise for asynchronous. */
function add(environment: Environment, functions: Readonly<Record<string, Handler>>): void {
  for (const [signature, handler] of Object.entries(functions))
    environment.registerFunction(signature, handler as (...values: unknown[]) => unknown, { async: false });
}

function registerAddresses(environment: Environment): void {
  environment.registerType('net.IP', Ip);
  environment.registerOperator('net.IP == net.IP', (a: Ip, b: Ip) => sameAddress(a.address, b.address));
  const within =
    (...networks: readonly string[]) =>
    ({ address }: Ip): boolean =>
      networks.some((network) => contains(parseCidr(network), address));
  const notGlobal = within(
    '0.0.0.0/32',
    '::/128',
    '127.0.0.0/8',
    '::1/128',
    '224.0.0.0/4',
    'ff00::/8',
    '169.254.0.0/16',
    'fe80::/10',
    '255.255.255.255/32',
  );
  add(environment, {
    'isIP(string): bool': (text: string) => parseIp(text) !== undefined,
    'ip(string): net.IP': (text: string) => ipOf(text),
    'string(net.IP): string': ({ address }: Ip) => formatAddress(address),
    'net.IP.family(): int': ({ address }: Ip) => (address.family === 'IPv4' ? 4n : 6n),
    'net.IP.isUnspecified(): bool': within('0.0.0.0/32', '::/128'),
    'net.IP.isLoopback(): bool': within('127.0.0.0/8', '::1/128'),
    'net.IP.isLinkLocalMulticast(): bool': within('224.0.0.0/24', 'ff02::/16'),
    'net.IP.isLinkLocalUnicast(): bool': within('169.254.0.0/16', 'fe80::/10'),
    'net.IP.isGlobalUnicast(): bool': (ip: Ip) => !notGlobal(ip),
  });
}

function registerCidrs(environment: Environment): void {
  environment.registerType('net.CIDR', Cidr);
  environment.registerOperator(
    'net.CIDR == net.CIDR',
    (a: Cidr, b: Cidr) => a.prefix === b.prefix && sameAddress(a.address, b.address),
  );
  const containsCidr = (outer: Cidr, inner: Cidr): boolean =>
    inner.prefix >= outer.prefix && contains(outer, inner.address);
  add(environment, {
    'isCIDR(string): bool': (text: string) => parseCidr(text) !== undefined,
    'cidr(string): net.CIDR': (text: string) => cidrOf(text),
    'string(net.CIDR): string': ({ address, prefix }: Cidr) => `${formatAddress(address)}/${prefix}`,
    'net.CIDR.containsIP(net.IP): bool': (cidr: Cidr, ip: Ip) => contains(cidr, ip.address),
    'net.CIDR.containsIP(string): bool': (cidr: Cidr, text: string) => contains(cidr, ipOf(text).address),
    'net.CIDR.containsCIDR(net.CIDR): bool': containsCidr,
    'net.CIDR.containsCIDR(string): bool': (cidr: Cidr, text: string) => containsCidr(cidr, cidrOf(text)),
    'net.CIDR.ip(): net.IP': ({ address }: Cidr) => new Ip(address),
    'net.CIDR.prefixLength(): int': ({ prefix }: Cidr) => BigInt(prefix),
    'net.CIDR.masked(): net.CIDR': ({ address, prefix }: Cidr) => {
      const hostBits = BigInt(BITS_OF_FAMILY[address.family] - prefix);
      return new Cidr({ family: address.family, value: (address.value >> hostBits) << hostBits }, prefix);
    },
  });
}

type Ordered = bigint | number | string | boolean;

function registerLists(environment: Environment): void {
  const least = (
    list: readonly Ordered[],
    better: (a: Ordered, b: Ordered) => boolean,
    name: string,
  ): Ordered => {
    const [first, ...rest] = list;
    if (first === undefined) throw new Error(`${name} called on empty list`);
    return rest.reduce((best, item) => (better(item, best) ? item : best), first);
  };
  add(environment, {
    'list.isSorted(): bool': (list: readonly Ordered[]) =>
      list.every((item, index) => index === 0 || (list[index - 1] as Ordered) <= item),
    'list.min(): dyn': (list: readonly Ordered[]) => least(list, (a, b) => a < b, 'min'),
    'list.max(): dyn': (list: readonly Ordered[]) => least(list, (a, b) => a > b, 'max'),
    'list<int>.sum(): int': (list: readonly bigint[]) => list.reduce((sum, item) => sum + item, 0n),
    'list<double>.sum(): double': (list: readonly number[]) => list.reduce((sum, item) => sum + item, 0),
  });
}

function registerTexts(environment: Environment): void {
  add(environment, {
    'string.find(string): string': (text: string, pattern: string) => RegExp(pattern).exec(text)?.[0] ?? '',
    'string.findAll(string): list<string>': (text: string, pattern: string) =>
      Array.from(text.matchAll(RegExp(pattern, 'g')), ([found]) => found),
    'string.replace(string, string): string': (text: string, old: string, fresh: string) =>
      text.split(old).join(fresh),
    'string.charAt(int): string': (text: string, index: bigint) => {
      if (index < 0n || index > BigInt(text.length)) throw new Error(`index out of range: ${index}`);
      return text.charAt(Number(index));
    },
  });
}

/** As Kubernetes: no zones and no IPv4-mapped addresses. */
function parseIp(text: string): Address | undefined {
  const address = parseAddress(text);
  return address?.family === 'IPv6' && address.value >> 32n === 0xffffn ? undefined : address;
}

function ipOf(text: string): Ip {
  const address = parseIp(text);
  if (address === undefined)
    throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
  return new Ip(address);
}

function cidrOf(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined)
    throw new Error(`network address parse error during conversion from string: ${JSON.stringify(text)}`);
  return cidr;
}

function parseCidr(text: string): Cidr | undefined {
  const [, ip = '', bits = ''] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const address = parseIp(ip);
  if (address === undefined || Number(bits) > BITS_OF_FAMILY[address.family]) return undefined;
  return new Cidr(address, Number(bits));
}

function contains(cidr: Cidr | undefined, address: Address): boolean {
  if (cidr === undefined || cidr.address.family !== address.family) return false;
  const hostBits = BigInt(BITS_OF_FAMILY[address.family] - cidr.prefix);
  return cidr.address.value >> hostBits === address.value >> hostBits;
}
