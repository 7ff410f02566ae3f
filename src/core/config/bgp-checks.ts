/**
 * What BGP objects say together: advertisements and pools, advertisements among themselves, peers and what they refer to
 * (MetalLB internal/config/config.go, validateBGPAdvPerPool; internal/config/validation.go).
 */
import type { Finding } from '../../api/findings.ts';
import type { PoolDraft } from './address-pool.ts';
import type { BgpPeerDraft } from './bgp-peer.ts';
import type { NodeLabels } from './node-sets.ts';
import { shareNode } from './node-sets.ts';
import type { Read } from './objects.ts';
import { keyOf } from './objects.ts';
import type { RangeEntry } from './pool-ranges.ts';
import type { Origin } from './report.ts';
import { Report } from './report.ts';
import type { BfdProfile, BgpAdvertisement, BgpPeer, Pool } from './snapshot.ts';

/** An advertisement with its pools and communities, and where it comes from. */
export interface Placed {
  readonly origin: Origin;
  readonly advertisement: BgpAdvertisement;
}

/** What is known of a Secret; never what is in it. */
export interface SecretFact {
  readonly type: string;
  readonly hasPassword: boolean;
}

export interface BgpWorld {
  readonly advertisements: readonly Placed[];
  readonly pools: ReadonlyMap<string, Pool>;
  readonly poolDraftOf: (name: string) => PoolDraft | undefined;
  readonly peers: readonly Read<BgpPeerDraft>[];
  readonly profiles: ReadonlyMap<string, BfdProfile>;
  readonly nodes: NodeLabels;
  /** By name; absent where nobody looked. */
  readonly secrets?: ReadonlyMap<string, SecretFact>;
}

export function checkBgp(world: BgpWorld, findings: Finding[]): void {
  for (const peer of world.peers) checkReferences(peer, world, findings);
  for (const placed of world.advertisements) checkAggregates(placed, world, findings);
  checkLocalPrefs(world, findings);
  checkEcho(world, findings);
}

function checkReferences({ origin, value }: Read<BgpPeerDraft>, world: BgpWorld, findings: Finding[]): void {
  const { bfdProfile, passwordSecret } = value.peer;
  const report = new Report(origin, findings);
  if (bfdProfile !== undefined && !world.profiles.has(bfdProfile))
    report.add('LB216', 'spec.bfdProfile', bfdProfile, 'is not the name of a BFDProfile: create it');
  if (passwordSecret === undefined || world.secrets === undefined) return;
  const path = 'spec.passwordSecret.name';
  const secret = world.secrets.get(passwordSecret);
  if (secret === undefined) {
    const what = `is not the name of a Secret in namespace ${origin.object.namespace ?? ''}: create it`;
    report.add('LB216', path, passwordSecret, what);
  } else if (secret.type !== BASIC_AUTH) {
    const what = `is a Secret of type ${secret.type}: create it with type ${BASIC_AUTH}`;
    report.add('LB223', path, passwordSecret, what);
  } else if (!secret.hasPassword) {
    report.add('LB223', path, passwordSecret, 'is a Secret without the key password: add it');
  }
}

const BASIC_AUTH = 'kubernetes.io/basic-auth';

const AGGREGATES = [
  { family: 'IPv4', bits: 32, field: 'aggregationLength' },
  { family: 'IPv6', bits: 128, field: 'aggregationLengthV6' },
] as const;

function checkAggregates({ origin, advertisement }: Placed, world: BgpWorld, findings: Finding[]): void {
  for (const { family, bits, field } of AGGREGATES) {
    const length = advertisement[field];
    if (length >= bits) continue;
    for (const name of advertisement.pools) {
      const entries = (world.poolDraftOf(name)?.entries ?? []).filter(({ range }) => range.family === family);
      const narrowest = Math.max(0, ...entries.map(({ widestPrefix }) => widestPrefix));
      const report = new Report(origin, findings);
      if (narrowest > length) {
        const text = entries.find(({ widestPrefix }) => widestPrefix === narrowest)?.text;
        const what = `is wider than ${text} of pool ${name}: write at least ${narrowest}`;
        report.add('LB218', `spec.${field}`, length, what);
        continue;
      }
      const ragged = entries.find((entry) => isRagged(entry, bits - length));
      if (ragged === undefined) continue;
      const what = `announces addresses beside ${ragged.text} of pool ${name} with it: their traffic comes too`;
      report.add('LB226', `spec.${field}`, length, what);
    }
  }
}

/** Whether the aggregates, of 2^hostBits addresses, reach beyond either end. */
function isRagged({ range }: RangeEntry, hostBits: number): boolean {
  const mask = (1n << BigInt(hostBits)) - 1n;
  return (range.first & mask) !== 0n || (range.last & mask) !== mask;
}

/** One pool, one prefix, one peer, one node: one LOCAL_PREF. What selects Services is judged when it is announced. */
function checkLocalPrefs({ advertisements, pools, nodes }: BgpWorld, findings: Finding[]): void {
  const plain = advertisements.filter(({ advertisement }) => advertisement.serviceSelectors.length === 0);
  if (new Set(plain.map(({ advertisement }) => advertisement.localPref)).size < 2) return;
  const byPool = new Map<string, Placed[]>();
  for (const placed of plain) {
    for (const pool of placed.advertisement.pools) {
      const others = byPool.get(pool) ?? [];
      byPool.set(pool, [...others, placed]);
    }
  }
  const told = new Map<Placed, Set<Placed>>();
  for (const [name, announcing] of byPool) {
    const pool = pools.get(name);
    if (pool === undefined) continue;
    for (const [index, a] of announcing.entries()) {
      for (const b of announcing.slice(0, index)) {
        if (told.get(a)?.has(b) === true || !conflict(a.advertisement, b.advertisement, pool, nodes))
          continue;
        told.set(a, (told.get(a) ?? new Set()).add(b));
        reportLocalPrefs(a, b, name, findings);
      }
    }
  }
}

function conflict(a: BgpAdvertisement, b: BgpAdvertisement, { families }: Pool, nodes: NodeLabels): boolean {
  if (a.localPref === b.localPref) return false;
  const samePrefix = AGGREGATES.some(({ family, field }) => families.has(family) && a[field] === b[field]);
  if (!samePrefix) return false;
  const samePeer = a.peers.size === 0 || b.peers.size === 0 || [...a.peers].some((peer) => b.peers.has(peer));
  return samePeer && shareNode(a.nodeSelectors, b.nodeSelectors, nodes);
}

function reportLocalPrefs(a: Placed, b: Placed, pool: string, findings: Finding[]): void {
  for (const [{ origin, advertisement }, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const { kind } = other.origin.object;
    const theirs = `${other.advertisement.localPref} of ${kind} ${keyOf(other.origin.object)}`;
    const what = `is not the ${theirs} for the same routes of pool ${pool}: write the same, or tell other peers or nodes`;
    new Report(origin, findings).add('LB219', 'spec.localPref', advertisement.localPref, what);
  }
}

/** Echo packets exist for IPv4 sessions only, as far as FRR goes. */
function checkEcho({ advertisements, pools, peers, profiles }: BgpWorld, findings: Finding[]): void {
  const withEcho = peers
    .map(({ value }) => value.peer)
    .filter(({ bfdProfile = '' }) => profiles.get(bfdProfile)?.echoMode === true);
  if (withEcho.length === 0) return;
  for (const { origin, advertisement } of advertisements) {
    const told = (peer: BgpPeer): boolean =>
      advertisement.peers.size === 0 || advertisement.peers.has(peer.name);
    const pool = [...advertisement.pools].find((name) => pools.get(name)?.families.has('IPv6') === true);
    if (pool === undefined) continue;
    for (const { name, bfdProfile } of withEcho.filter(told)) {
      const what = `mean BGPPeer ${name} too, whose BFDProfile ${bfdProfile} has echoMode, and pool ${pool} has IPv6 addresses: turn echoMode off or name other peers`;
      new Report(origin, findings).addMissing('LB220', 'spec.peers', what);
    }
  }
}
