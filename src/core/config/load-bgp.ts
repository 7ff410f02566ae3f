/** Everything about BGP together: peers, profiles, communities, advertisements, and whether a backend of MetalLB could do it. */
import type { Finding } from '../../api/findings.ts';
import type { LabelSelector } from '../../api/meta.ts';
import { BFD_PROFILES, BGP_ADVERTISEMENTS, BGP_PEERS, COMMUNITIES } from '../../api/metallb.ts';
import { checkBackend } from './backend.ts';
import { readBfdProfile } from './bfd-profile.ts';
import { readBgpAdvertisement, resolveCommunities } from './bgp-advertisement.ts';
import { checkBgp } from './bgp-checks.ts';
import type { BgpPeerDraft } from './bgp-peer.ts';
import { readBgpPeer } from './bgp-peer.ts';
import { joinAliases, readCommunity } from './communities.ts';
import { labelsOf } from './facts.ts';
import type { ConfigInput } from './input.ts';
import type { LegacyReads } from './legacy-reads.ts';
import type { LoadedPools } from './load-pools.ts';
import type { Read } from './objects.ts';
import { compareSources, reader, tell } from './objects.ts';
import { selectPools } from './pool-selection.ts';
import { keepOneOfEachName } from './same-name.ts';
import { matchesAny } from './selector.ts';
import type { BfdProfile, BgpPeer, Snapshot } from './snapshot.ts';

export type LoadedBgp = Pick<Snapshot, 'bgpAdvertisements' | 'bgpPeers' | 'bfdProfiles'> & {
  readonly findings: readonly Finding[];
};

const readBgpAdvertisements = reader(BGP_ADVERTISEMENTS.kind, readBgpAdvertisement);
const readBgpPeers = reader(BGP_PEERS.kind, readBgpPeer);
const readBfdProfiles = reader(BFD_PROFILES.kind, readBfdProfile);
const readCommunities = reader(COMMUNITIES.kind, readCommunity);
const NONE: readonly never[] = [];

export function loadBgp(input: ConfigInput, legacy: LegacyReads, pools: LoadedPools): LoadedBgp {
  const findings: Finding[] = [];
  const { namespace, secrets } = input;
  const nodes = labelsOf(input.nodes ?? NONE);
  const self = input.self === undefined ? undefined : (nodes.get(input.self) ?? {});
  const isOurs = <T>(read: Read<T>, selectors: readonly LabelSelector[]): boolean =>
    self === undefined || hasFaultySelector(read) || matchesAny(selectors, self);

  const communities = [...readCommunities(input.communities ?? NONE, namespace).to, ...legacy.communities];
  tell(communities, findings);
  const aliases = joinAliases(communities, findings);

  const drafts = [
    ...readBgpAdvertisements(input.bgpAdvertisements ?? NONE, namespace).to,
    ...pools.fromLegacy.flatMap((pool) => pool.bgpAdvertisements),
  ].filter((read) => isOurs(read, read.value.nodeSelectors));
  tell(drafts, findings);
  const advertisements = drafts.map((read) => ({
    origin: read.origin,
    advertisement: {
      ...selectPools(read.value, pools.byName),
      communities: resolveCommunities(read, aliases, findings),
    },
  }));

  const profileReads = readBfdProfiles(input.bfdProfiles ?? NONE, namespace).to;
  tell(profileReads, findings);
  tell(legacy.profiles, findings);
  const profiles = keepOneOfEachName('profile', profileReads, legacy.profiles, sameFacts, findings);
  const isOurPeer = (read: Read<BgpPeerDraft>): boolean => isOurs(read, read.value.peer.nodeSelectors);
  const peerReads = readBgpPeers(input.bgpPeers ?? NONE, namespace).to.filter(isOurPeer);
  const legacyPeers = legacy.peers.filter(isOurPeer);
  tell(peerReads, findings);
  tell(legacyPeers, findings);
  const samePeer = (a: BgpPeerDraft, b: BgpPeerDraft): boolean => sameFacts(a.peer, b.peer);
  const peers = keepOneOfEachName('peer', peerReads, legacyPeers, samePeer, findings);

  const bfdProfiles = byName(profiles.map(({ value }) => value));
  const world = {
    advertisements,
    pools: pools.byName,
    poolDraftOf: (name: string) => pools.resolved.get(name)?.read.value,
    peers,
    nodes,
  };
  checkBgp({ ...world, profiles: bfdProfiles, ...(secrets === undefined ? {} : { secrets }) }, findings);
  const { bgpType = 'native' } = input;
  const ofBackend = { ...world, profiles, communities, drafts, extras: input.extras };
  if (bgpType !== 'any') checkBackend(bgpType, ofBackend, findings);
  return {
    bgpAdvertisements: advertisements.map(({ advertisement }) => advertisement).toSorted(compareSources),
    bgpPeers: byName(peers.map(({ value }) => value.peer)),
    bfdProfiles,
    findings,
  };
}

/** Nobody knows which nodes it means. */
function hasFaultySelector({ findings }: Read<unknown>): boolean {
  return findings.some(({ path }) => /node-?selectors/i.test(path));
}

function sameFacts<T extends BgpPeer | BfdProfile>(a: T, b: T): boolean {
  const text = (facts: T): string => JSON.stringify({ ...facts, source: undefined });
  return text(a) === text(b);
}

function byName<T extends { readonly name: string }>(things: readonly T[]): ReadonlyMap<string, T> {
  return new Map(things.map((thing) => [thing.name, thing]));
}
