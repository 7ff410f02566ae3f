/** The times of a BGPPeer: MetalLB's rules (internal/config/config.go, parseTimers), and what RFC 4271 can carry at all. */
import { formatDuration, parseDuration, wholeSeconds } from './duration.ts';
import type { Fields } from './read.ts';
import { readOptionalText } from './read.ts';
import type { Report } from './report.ts';
import type { BgpPeer } from './snapshot.ts';

type Timers = Partial<Pick<BgpPeer, 'holdTimeSeconds' | 'keepaliveTimeMs' | 'connectTimeSeconds'>>;

/** RFC 4271 section 4.2: two octets of seconds. */
const LONGEST_SECONDS = 65_535;
const SHORTEST_HOLD_SECONDS = 3;
const MILLISECOND = 1_000_000n;
const SECOND = 1_000_000_000n;

export function readTimers(spec: Fields, report: Report): Timers {
  const hold = readDuration(spec['holdTime'], 'spec.holdTime', report);
  const keepalive = readDuration(spec['keepaliveTime'], 'spec.keepaliveTime', report);
  const connect = readDuration(spec['connectTime'], 'spec.connectTime', report);
  return {
    ...joinTimers(hold, keepalive, report),
    ...(connect === undefined ? {} : readConnectTime(connect, report)),
  };
}

/** Where one of the two is left out it follows from the other: three keepalives fit into a hold time. */
function joinTimers(hold: bigint | undefined, keepalive: bigint | undefined, report: Report): Timers {
  if (hold === undefined && keepalive === undefined) return {};
  const path = hold === undefined ? 'spec.keepaliveTime' : 'spec.holdTime';
  const holdTime = hold ?? (keepalive ?? 0n) * 3n;
  const seconds = wholeSeconds(holdTime);
  const text = formatDuration(hold ?? keepalive ?? 0n);
  const derived = hold === undefined ? ', and the hold time is three times that' : '';
  if (holdTime < 0n || (holdTime !== 0n && seconds < SHORTEST_HOLD_SECONDS) || seconds > LONGEST_SECONDS) {
    const what = `is no hold time that BGP can carry: write 0s, or from ${SHORTEST_HOLD_SECONDS}s to ${LONGEST_SECONDS}s${derived}`;
    report.add('LB215', path, text, what);
    return {};
  }
  if (keepalive !== undefined && keepalive < 0n) {
    report.add('LB215', 'spec.keepaliveTime', formatDuration(keepalive), 'is negative: leave it out');
    return {};
  }
  if (keepalive !== undefined && keepalive > holdTime) {
    const what = `is longer than the hold time ${formatDuration(holdTime)}: write a third of it`;
    report.add('LB215', 'spec.keepaliveTime', formatDuration(keepalive), what);
    return {};
  }
  // What MetalLB converted from v1beta1 has 0s where nothing was written.
  const given = keepalive === 0n ? undefined : keepalive;
  return { holdTimeSeconds: seconds, keepaliveTimeMs: Number((given ?? holdTime / 3n) / MILLISECOND) };
}

function readConnectTime(connect: bigint, report: Report): Timers {
  const seconds = wholeSeconds(connect);
  if (connect % SECOND === 0n && seconds >= 1 && seconds <= LONGEST_SECONDS)
    return { connectTimeSeconds: seconds };
  const what = `is not a whole number of seconds from 1s to ${LONGEST_SECONDS}s`;
  report.add('LB215', 'spec.connectTime', formatDuration(connect), what);
  return {};
}

function readDuration(value: unknown, path: string, report: Report): bigint | undefined {
  const text = readOptionalText(value, path, report);
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  if (duration === undefined)
    report.add('LB215', path, text, 'is no duration: write one such as 90s or 1m30s');
  return duration;
}
