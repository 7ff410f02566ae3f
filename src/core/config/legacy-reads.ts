/** The parts of the legacy ConfigMap, read by the readers of the objects they stand for. */
import type { Finding } from '../../api/findings.ts';
import type { ObjectRef } from '../../api/meta.ts';
import { LEGACY_CONFIG_KEY } from '../../api/metallb.ts';
import type { PoolDraft } from './address-pool.ts';
import { readAddressPool } from './address-pool.ts';
import type { BgpAdvertisementDraft } from './bgp-advertisement.ts';
import { readBgpAdvertisement } from './bgp-advertisement.ts';
import type { BgpPeerDraft } from './bgp-peer.ts';
import { readBgpPeer } from './bgp-peer.ts';
import { readBfdProfile } from './bfd-profile.ts';
import type { CommunityAlias } from './communities.ts';
import { readCommunity } from './communities.ts';
import type { ConfigInput } from './input.ts';
import type { L2AdvertisementDraft } from './l2-advertisement.ts';
import { readL2Advertisement } from './l2-advertisement.ts';
import type { LegacyObject } from './legacy.ts';
import { readLegacyConfig } from './legacy.ts';
import type { Read, ReadFields } from './objects.ts';
import { readAs } from './objects.ts';
import { remember } from './remember.ts';
import type { Origin } from './report.ts';
import { originOf, Report } from './report.ts';
import type { BfdProfile } from './snapshot.ts';

export interface LegacyPoolRead {
  readonly pool: Read<PoolDraft>;
  readonly l2Advertisements: readonly Read<L2AdvertisementDraft>[];
  readonly bgpAdvertisements: readonly Read<BgpAdvertisementDraft>[];
}

export interface LegacyReads {
  /** What is wrong with the shape of the document. */
  readonly findings: readonly Finding[];
  readonly pools: readonly LegacyPoolRead[];
  readonly peers: readonly Read<BgpPeerDraft>[];
  readonly profiles: readonly Read<BfdProfile>[];
  readonly communities: readonly Read<readonly CommunityAlias[]>[];
}

export const NOTHING_LEGACY: LegacyReads = {
  findings: [],
  pools: [],
  peers: [],
  profiles: [],
  communities: [],
};

/** Remembered for each ConfigMap. */
export const readLegacy = remember((legacy: NonNullable<ConfigInput['legacy']>): LegacyReads => {
  const findings: Finding[] = [];
  const shape = new Report(legacyOrigin(legacy.source), findings);
  if (!('document' in legacy)) {
    shape.addMissing('LB208', `data.${LEGACY_CONFIG_KEY}`, `is not YAML: ${legacy.malformed}`);
    return { ...NOTHING_LEGACY, findings };
  }
  const { pools, peers, profiles, communities } = readLegacyConfig(legacy.document, shape);
  const read = <T>(part: LegacyObject, readFields: ReadFields<T>): Read<T> => {
    const { name, spec, locate } = part;
    const { namespace = '' } = legacy.source;
    return readAs({ ...shape.origin, locate }, { metadata: { name, namespace }, spec }, readFields);
  };
  return {
    findings,
    pools: pools.map((pool) => ({
      pool: read(pool, readAddressPool),
      l2Advertisements: pool.l2Advertisements.map((part) =>
        onlyOf(pool.name, read(part, readL2Advertisement)),
      ),
      bgpAdvertisements: pool.bgpAdvertisements.map((part) =>
        onlyOf(pool.name, read(part, readBgpAdvertisement)),
      ),
    })),
    peers: peers.map((part) => read(part, readBgpPeer)),
    profiles: profiles.map((part) => read(part, readBfdProfile)),
    communities: communities.map((part) => read(part, readCommunity)),
  };
});

function legacyOrigin(source: ObjectRef): Origin {
  return { ...originOf(source), malformed: 'LB208' };
}

function onlyOf<T>(pool: string, read: Read<T>): Read<T> {
  return { ...read, value: { ...read.value, selection: { names: [pool], selectors: [] } } };
}
