/**
 * The file config.json of MetalLB's ConfigMap metallb-memberlist-config: settings of hashicorp/memberlist by their names in
 * Go, durations as Go writes them. It stands on the settings for local networks, whatever --ml-wan-config says.
 */
import { parseDuration } from '../core/config/duration.ts';
import { LAN } from '../protocol/memberlist/config.ts';
import type { GossipConfig } from '../protocol/memberlist/config.ts';

export type GossipConfigParsed =
  | {
      readonly ok: true;
      readonly config: GossipConfig;
      readonly verifyIncoming: boolean;
      readonly verifyOutgoing: boolean;
    }
  | { readonly ok: false; readonly why: string };

type KeysOf<T> = { [K in keyof GossipConfig]: GossipConfig[K] extends T ? K : never }[keyof GossipConfig];

const DURATIONS: Readonly<Record<string, KeysOf<number>>> = {
  TCPTimeout: 'tcpTimeoutMs',
  PushPullInterval: 'pushPullIntervalMs',
  ProbeTimeout: 'probeTimeoutMs',
  ProbeInterval: 'probeIntervalMs',
  GossipInterval: 'gossipIntervalMs',
  GossipToTheDeadTime: 'gossipToTheDeadMs',
};
const NUMBERS: Readonly<Record<string, KeysOf<number>>> = {
  IndirectChecks: 'indirectChecks',
  RetransmitMult: 'retransmitMult',
  SuspicionMult: 'suspicionMult',
  SuspicionMaxTimeoutMult: 'suspicionMaxTimeoutMult',
  AwarenessMaxMultiplier: 'awarenessMaxMultiplier',
  GossipNodes: 'gossipNodes',
  UDPBufferSize: 'udpBufferSize',
};
const BOOLEANS: readonly string[] = ['DisableTcpPings', 'GossipVerifyIncoming', 'GossipVerifyOutgoing'];
/** Where zero has a meaning. */
const MAY_BE_ZERO: readonly string[] = ['PushPullInterval', 'IndirectChecks', 'GossipToTheDeadTime'];
const NANOSECONDS_IN_MS = 1_000_000n;
const LARGEST = 1_000_000_000;

/** What is not written keeps its default: MetalLB would take 0 for most, with which nothing works. Other keys are passed over. */
export function parseGossipConfig(text: string): GossipConfigParsed {
  const object = parseObject(text);
  if (object === undefined)
    return { ok: false, why: 'it is no JSON object; write one such as {"ProbeInterval": "1s"}' };
  const changes: Record<string, number | boolean> = {};
  for (const [key, value] of Object.entries(object)) {
    const target = DURATIONS[key] ?? NUMBERS[key];
    if (target !== undefined) {
      const number = DURATIONS[key] === undefined ? value : milliseconds(value);
      const least = MAY_BE_ZERO.includes(key) ? 0 : 1;
      if (typeof number !== 'number' || !Number.isInteger(number) || number < least || number > LARGEST) {
        const right =
          DURATIONS[key] === undefined ? `a whole number from ${least}` : 'a duration such as "500ms"';
        return { ok: false, why: `${key} is ${JSON.stringify(value)}; write ${right}` };
      }
      changes[target] = number;
    } else if (BOOLEANS.includes(key)) {
      if (typeof value !== 'boolean')
        return { ok: false, why: `${key} is ${JSON.stringify(value)}; write true or false` };
      changes[key] = value;
    }
  }
  const {
    DisableTcpPings: disableTcpPings = false,
    GossipVerifyIncoming: verifyIncoming = true,
    GossipVerifyOutgoing: verifyOutgoing = true,
    ...numbers
  } = changes;
  return {
    ok: true,
    config: { ...LAN, ...numbers, disableTcpPings: disableTcpPings === true },
    verifyIncoming: verifyIncoming === true,
    verifyOutgoing: verifyOutgoing === true,
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function milliseconds(value: unknown): number | undefined {
  const nanoseconds = typeof value === 'string' ? parseDuration(value) : undefined;
  return nanoseconds === undefined ? undefined : Number(nanoseconds / NANOSECONDS_IN_MS);
}
