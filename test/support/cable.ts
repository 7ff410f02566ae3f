/**
 * The smallest network in which a packet worker answers somebody: this process is the node, in a network of its own, and a
 * namespace `client` is at the other end of a cable.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { onOtherKernel } from './other-kernel.ts';
import { until } from './until.ts';

export const NODE_MAC = '02:00:00:00:09:01';
/** Long enough for anything that happens at all. A kernel in user mode takes its time. */
export const LONG_MS = onOtherKernel ? 30_000 : 5000;

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

/** The client's end of a cable, or what lies on it. */
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
function neighbour(address: string, device = 'c0'): string {
  const [entry] = JSON.parse(clientIp(`-j neigh show to ${address} dev ${device}`) || '[]') as {
    lladdr?: string;
  }[];
  return entry?.lladdr ?? '';
}

/** Forgets the address and sends it something, so that the kernel asks for it. */
export function ask(address: string, device = 'c0'): void {
  spawnSync('nsenter', ['--net=/run/netns/client', 'ip', 'neigh', 'flush', 'to', address, 'dev', device]);
  inClient('bash', '-c', `echo >/dev/udp/${address}/9`);
}

/** The client's kernel comes to know the address there, asked or unasked. */
export const resolves = (address: string, mac: string, device = 'c0'): Promise<true> =>
  until(`${address} at ${mac}`, LONG_MS, () => neighbour(address, device) === mac || undefined, 20);

/** Asks until the answer is the right one: the first request may be earlier than the table at the worker. */
export function answers(address: string, mac: string, device = 'c0'): Promise<true> {
  let asked = false;
  return until(`an answer for ${address} from ${mac}`, LONG_MS, () => {
    if (asked && neighbour(address, device) === mac) return true;
    ask(address, device);
    asked = true;
    return undefined;
  });
}

/** Nobody has answered what was asked. */
export const fails = (address: string): Promise<true> =>
  until(
    'a failed look-up',
    LONG_MS,
    () => clientIp(`neigh show to ${address}`).includes('FAILED') || undefined,
    20,
  );

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
