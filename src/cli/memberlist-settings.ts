/** The flags, variables and files by which MetalLB's speakers are told about their member list (MetalLB behaviour 7 and 8.2). */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { UserError } from '../api/user-error.ts';
import { parseAddress } from '../core/net/address.ts';
import { createCipher } from '../platform/aes-gcm.ts';
import type { Log } from '../ports.ts';
import { LAN, WAN } from '../protocol/memberlist/config.ts';
import type { GossipConfig } from '../protocol/memberlist/config.ts';
import { deriveKey } from '../protocol/memberlist/secrecy.ts';
import type { GossipSettings } from '../speaker/gossip.ts';
import { parseGossipConfig } from '../speaker/gossip-config.ts';
import { parsePort } from './flags.ts';

export interface MemberlistFlags {
  readonly mlBindaddr?: string;
  readonly mlBindport: number;
  readonly mlLabels?: string;
  readonly mlSecretKeyPath?: string;
  readonly mlWanConfig: boolean;
}

const DEFAULT_PORT = 7946;
const SECRET_FILE = 'secretkey';
/** Of the ConfigMap metallb-memberlist-config. */
const CONFIG_FILE = '/etc/metallb/memberlist/config.json';
const UNSPECIFIED: readonly string[] = ['0.0.0.0', '::'];

export function addMemberlistFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--ml-bindaddr <address>',
        'keep the list of speakers by MetalLB’s member list, at this address of the node; without it by Leases',
      ).env('METALLB_ML_BIND_ADDR'),
    )
    .addOption(
      new Option('--ml-bindport <port>', 'its port, TCP and UDP, the same on all nodes')
        .env('METALLB_ML_BIND_PORT')
        .argParser((text) => (text === '' ? DEFAULT_PORT : parsePort(text)))
        .default(DEFAULT_PORT),
    )
    .addOption(
      new Option(
        '--ml-labels <selector>',
        'the Pods of the speakers: without it there is no member list',
      ).env('METALLB_ML_LABELS'),
    )
    .addOption(
      new Option(
        '--ml-secret-key-path <dir>',
        `where the file ${SECRET_FILE} is that encrypts it (METALLB_ML_SECRET_KEY has the key itself)`,
      ).env('METALLB_ML_SECRET_KEY_PATH'),
    )
    .addOption(
      new Option('--ml-wan-config', 'its settings for wide networks: slower to give anybody up').default(
        false,
      ),
    );
}

/** Undefined where there is to be no member list. Throws a UserError for what cannot be used. */
export function readMemberlistSettings(
  flags: MemberlistFlags,
  log: Log,
  surroundings: { readonly env: NodeJS.ProcessEnv; readonly configFile: string } = {
    env: process.env,
    configFile: CONFIG_FILE,
  },
): GossipSettings | undefined {
  const { mlBindaddr: bind = '', mlLabels: podSelector = '', mlBindport: port } = flags;
  if (bind === '' || podSelector === '') return undefined;
  if (parseAddress(bind) === undefined)
    throw new UserError(`--ml-bindaddr ${bind} is no IP address; write one of this node, such as its Pod’s`);
  if (port === 0) throw new UserError('--ml-bindport 0 is no port; write the one that all speakers use');
  const secret = readSecret(flags, surroundings.env);
  if (secret.length === 0) log.warn('the member list is not encrypted: there is no secret key');
  const circle = secret.length === 0 ? { label: '' } : { label: '', cipher: createCipher(deriveKey(secret)) };
  const { config, verifyIncoming, verifyOutgoing } = readConfig(flags, surroundings.configFile);
  const unspecified = UNSPECIFIED.includes(bind);
  return {
    endpoint: { address: unspecified ? ownAddress(bind) : bind, port },
    podSelector,
    circle: { ...circle, verifyIncoming, verifyOutgoing },
    config,
    ...(unspecified ? { listenAddress: bind } : {}),
  };
}

function readSecret({ mlSecretKeyPath = '' }: MemberlistFlags, env: NodeJS.ProcessEnv): Uint8Array {
  if (mlSecretKeyPath === '') return Buffer.from(env['METALLB_ML_SECRET_KEY'] ?? '');
  const file = path.join(mlSecretKeyPath, SECRET_FILE);
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(
      `${file}, the key of the member list, cannot be read (${code}); mount the Secret memberlist there, or leave --ml-secret-key-path away to do without encryption`,
    );
  }
}

function readConfig(
  { mlWanConfig }: MemberlistFlags,
  file: string,
): { config: GossipConfig; verifyIncoming: boolean; verifyOutgoing: boolean } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw new UserError(`${file} cannot be read (${code}); make it readable`);
    return { config: mlWanConfig ? WAN : LAN, verifyIncoming: true, verifyOutgoing: true };
  }
  const parsed = parseGossipConfig(text);
  if (!parsed.ok) throw new UserError(`${file}: ${parsed.why}`);
  return parsed;
}

/** Where others find this node, if it is to listen everywhere: as hashicorp's library, at its first private address. */
function ownAddress(bind: string): string {
  const family = bind === '::' ? 'IPv6' : 'IPv4';
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const usable = all.filter((it) => it.family === family && !it.internal && !it.address.startsWith('fe80:'));
  const address = (usable.find((it) => isPrivate(it.address)) ?? usable[0])?.address;
  if (address !== undefined) return address;
  throw new UserError(
    `--ml-bindaddr ${bind}: this node has no ${family} address; write the one that others reach it at`,
  );
}

/** RFC 1918, and RFC 4193 for IPv6. */
function isPrivate(address: string): boolean {
  return /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|f[cd])/.test(address);
}
