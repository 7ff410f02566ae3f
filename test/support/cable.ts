/**
 * The smallest network in which a packet worker answers somebody: this process is the node, in a network of its own, and a
 * namespace `client` is at the other end of a cable.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

export const NODE_MAC = '02:00:00:00:09:01';
/** Long enough for anything that happens at all. */
export const LONG_MS = 5000;

export function run(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

export const ip = (line: string): string => run('ip', ...line.split(' '));
export const inClient = (...command: readonly string[]): string =>
  run('nsenter', '--net=/run/netns/client', ...command);
export const clientIp = (line: string): string => inClient('ip', ...line.split(' '));

/** A cable between the node's `near` and the client's `far`. */
export function plug(near = 'n0', far = 'c0', subnet = 9, mac = NODE_MAC): void {
  ip(`link add ${near} address ${mac} type veth peer name ${far} netns client`);
  ip(`address add 10.${subnet}.0.1/24 dev ${near}`);
  ip(`address add fd00:${subnet}::1/64 dev ${near} nodad`);
  ip(`link set ${near} up`);
  wake(far, subnet);
}

/** The client's end of a cable. */
export function wake(far: string, subnet = 9): void {
  clientIp(`address add 10.${subnet}.0.10/24 dev ${far}`);
  clientIp(`address add fd00:${subnet}::10/64 dev ${far} nodad`);
  clientIp(`link set ${far} up`);
  // A look-up fails after three requests: not a second each.
  setPatience(far, 100);
}

export function setPatience(device: string, retransMs: number): void {
  for (const table of ['arp_cache', 'ndisc_cache'])
    clientIp(`ntable change name ${table} dev ${device} retrans ${retransMs}`);
}

/** What the client's neighbour table has for the address; '' for none or a failed look-up. */
export function neighbour(address: string, device = 'c0'): string {
  const [entry] = JSON.parse(clientIp(`-j neigh show to ${address} dev ${device}`) || '[]') as {
    lladdr?: string;
  }[];
  return entry?.lladdr ?? '';
}

/** Forgets the address and sends it something, so that the kernel asks for it. */
export function ask(address: string, device = 'c0'): void {
  const socket = address.includes(':') ? 'udp6' : 'udp4';
  spawnSync('nsenter', ['--net=/run/netns/client', 'ip', 'neigh', 'flush', 'to', address, 'dev', device]);
  const script = `const s = require('dgram').createSocket('${socket}'); s.send('x', 9, '${address}', () => s.close())`;
  inClient(process.execPath, '-e', script);
}

/** Makes the client, with one cable. */
export function connectClient(): void {
  ip('netns add client');
  // Link-local addresses are there at once.
  const sysctl = 'echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad';
  run('sh', '-c', sysctl);
  inClient('sh', '-c', sysctl);
  plug();
}

/** Takes the client away, and what there is of these interfaces. */
export function removeClient(...names: readonly string[]): void {
  ip('netns delete client');
  for (const name of ['n0', ...names]) spawnSync('ip', ['link', 'delete', name]);
}
