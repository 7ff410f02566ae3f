/** The settings of hashicorp/memberlist that change what others see, with its own two sets of defaults (config.go). */

export interface GossipConfig {
  /** For a whole exchange over TCP. */
  readonly tcpTimeoutMs: number;
  /** How many others are asked to reach a member that does not answer. */
  readonly indirectChecks: number;
  /** Each piece of news is sent this many times the decimal logarithm of the number of members. */
  readonly retransmitMult: number;
  /** A suspect has this many probe intervals, times the logarithm, to defend itself. */
  readonly suspicionMult: number;
  /** As long as nobody else suspects it, it has this many times longer. */
  readonly suspicionMaxTimeoutMult: number;
  /** How often all that is known is exchanged with somebody. 0: never. */
  readonly pushPullIntervalMs: number;
  /** A ping should be answered in this time. */
  readonly probeTimeoutMs: number;
  /** One member after the other is probed, each in this time. */
  readonly probeIntervalMs: number;
  readonly disableTcpPings: boolean;
  /** Who is not well itself takes at most this many times longer to judge others. */
  readonly awarenessMaxMultiplier: number;
  /** News go to this many members at a time. */
  readonly gossipNodes: number;
  readonly gossipIntervalMs: number;
  /** How long the dead are told, too: they may not be. */
  readonly gossipToTheDeadMs: number;
  /** The longest datagram. */
  readonly udpBufferSize: number;
}

export const LAN: GossipConfig = {
  tcpTimeoutMs: 10_000,
  indirectChecks: 3,
  retransmitMult: 4,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6,
  pushPullIntervalMs: 30_000,
  probeTimeoutMs: 500,
  probeIntervalMs: 1000,
  disableTcpPings: false,
  awarenessMaxMultiplier: 8,
  gossipNodes: 3,
  gossipIntervalMs: 200,
  gossipToTheDeadMs: 30_000,
  udpBufferSize: 1400,
};

export const WAN: GossipConfig = {
  ...LAN,
  tcpTimeoutMs: 30_000,
  suspicionMult: 6,
  pushPullIntervalMs: 60_000,
  probeTimeoutMs: 3000,
  probeIntervalMs: 5000,
  gossipNodes: 4,
  gossipIntervalMs: 500,
  gossipToTheDeadMs: 60_000,
};

/** Members beyond which exchanges of everything become rarer. */
const PUSH_PULL_SCALES_BEYOND = 32;

/** How often one piece of news is sent by one member. */
export function retransmitLimit({ retransmitMult }: GossipConfig, members: number): number {
  return retransmitMult * Math.ceil(Math.log10(members + 1));
}

export function pushPullIntervalMs({ pushPullIntervalMs: baseMs }: GossipConfig, members: number): number {
  if (members <= PUSH_PULL_SCALES_BEYOND) return baseMs;
  return baseMs * (Math.ceil(Math.log2(members) - Math.log2(PUSH_PULL_SCALES_BEYOND)) + 1);
}

/** How long a suspect has: the least, with as many confirmations as are wanted, and the most, with none. */
export function suspicionBounds(
  config: GossipConfig,
  members: number,
): { readonly confirmations: number; readonly minMs: number; readonly maxMs: number } {
  const scale = Math.max(1, Math.log10(Math.max(1, members)));
  const minMs = config.suspicionMult * scale * config.probeIntervalMs;
  const wanted = config.suspicionMult - 2;
  // Two are neither asked nor counted: the suspect and who suspects it.
  const confirmations = members - 2 < wanted ? 0 : wanted;
  return { confirmations, minMs, maxMs: minMs * config.suspicionMaxTimeoutMult };
}
