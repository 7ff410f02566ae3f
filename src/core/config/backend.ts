/**
 * What MetalLB's BGP implementations cannot do, whichever METALLB_BGP_TYPE names (internal/config/validation.go). What one of
 * them refuses is refused here, so a configuration has the same faults as with MetalLB.
 */
import type { Finding } from '../../api/findings.ts';
import { EXTRAS_KEY } from '../../api/metallb.ts';
import type { BgpAdvertisementDraft } from './bgp-advertisement.ts';
import type { Placed } from './bgp-checks.ts';
import type { BgpPeerDraft } from './bgp-peer.ts';
import type { BgpType } from './bgp-type.ts';
import type { CommunityAlias } from './communities.ts';
import { formatCommunity, parseCommunity } from './community.ts';
import type { ConfigInput } from './input.ts';
import type { NodeLabels } from './node-sets.ts';
import { nodesOf } from './node-sets.ts';
import type { Read } from './objects.ts';
import { keyOf } from './objects.ts';
import { originOf, Report } from './report.ts';
import type { BfdProfile, BgpPeer, Pool } from './snapshot.ts';

export interface BackendWorld {
  readonly peers: readonly Read<BgpPeerDraft>[];
  readonly profiles: readonly Read<BfdProfile>[];
  readonly communities: readonly Read<readonly CommunityAlias[]>[];
  readonly drafts: readonly Read<BgpAdvertisementDraft>[];
  readonly advertisements: readonly Placed[];
  readonly pools: ReadonlyMap<string, Pool>;
  readonly nodes: NodeLabels;
  readonly extras: ConfigInput['extras'];
}

export function checkBackend(type: BgpType, world: BackendWorld, findings: Finding[]): void {
  checkExtras(type, world.extras, findings);
  if (type === 'native') checkNative(world, findings);
  else checkFrr(world, findings);
}

/** Whatever the mode, nobody here understands it; MetalLB refuses it in all modes but one. */
function checkExtras(type: BgpType, extras: ConfigInput['extras'], findings: Finding[]): void {
  if (extras === undefined || extras.text === '') return;
  const report = new Report(originOf(extras.source), findings);
  const path = `data.${EXTRAS_KEY}`;
  if (type === 'frr') report.addMissing('LB209', path, 'is text for FRR, which this version does not run');
  else report.addMissing('LB227', path, `is text for FRR, and METALLB_BGP_TYPE is ${type}: delete it`);
}

const NOT_NATIVE =
  'which MetalLB’s native BGP mode does not have: remove it, or set METALLB_BGP_TYPE to frr-k8s';

function checkNative(world: BackendWorld, findings: Finding[]): void {
  for (const { origin, value } of world.peers) {
    for (const { path, what } of value.beyondNative)
      new Report(origin, findings).addMissing('LB221', path, `asks for ${what}, ${NOT_NATIVE}`);
  }
  for (const { origin } of world.profiles)
    new Report(origin, findings).addMissing('LB221', 'spec', `is about BFD, ${NOT_NATIVE}`);
  for (const { origin, value } of world.communities) {
    for (const { community, valuePath } of value) {
      if (community.kind === 'large')
        reportLarge(new Report(origin, findings), valuePath, formatCommunity(community));
    }
  }
  for (const { origin, value } of world.drafts) {
    for (const [text, path] of value.communities) {
      const parsed = parseCommunity(text);
      if (parsed.ok && parsed.community.kind === 'large')
        reportLarge(new Report(origin, findings), path, text);
    }
  }
  for (const { origin, advertisement } of world.advertisements) {
    for (const name of advertisement.pools) {
      if (world.pools.get(name)?.families.has('IPv6') !== true) continue;
      const what = `mean pool ${name}, which has IPv6 addresses, ${NOT_NATIVE}`;
      new Report(origin, findings).addMissing('LB221', 'spec.ipAddressPools', what);
    }
  }
}

function reportLarge(report: Report, path: string, text: string): void {
  report.add('LB221', path, text, `is a large community, ${NOT_NATIVE}`);
}

/** FRR runs one BGP instance for each node and VRF. Peers whose nodes are not known may meet on one. */
function checkFrr({ peers, nodes }: BackendWorld, findings: Finding[]): void {
  const told = new Set<string>();
  for (const meeting of meetings(peers, nodes)) {
    const kept = new Map<string, Read<BgpPeerDraft>>();
    for (const peer of meeting) {
      for (const { key, agrees, path, why } of onceForEachNode(peer.value.peer)) {
        const earlier = kept.get(key);
        if (earlier === undefined) kept.set(key, peer);
        else if (!agrees(earlier.value.peer)) {
          // Two peers may meet on many nodes.
          const pair = JSON.stringify([earlier.value.name, peer.value.name, key]);
          if (!told.has(pair)) reportBoth(peer, earlier, path, why, findings);
          told.add(pair);
        }
      }
    }
  }
}

/** The peers of each node; all of them together where no node is known. */
function meetings(peers: readonly Read<BgpPeerDraft>[], nodes: NodeLabels): Iterable<Read<BgpPeerDraft>[]> {
  if (nodes.size === 0) return [[...peers]];
  const byNode = new Map<string, Read<BgpPeerDraft>[]>();
  for (const peer of peers) {
    for (const node of nodesOf(peer.value.peer.nodeSelectors, nodes)) {
      const others = byNode.get(node);
      if (others === undefined) byNode.set(node, [peer]);
      else others.push(peer);
    }
  }
  return byNode.values();
}

interface Singular {
  /** Peers of a node with the same key must agree. */
  readonly key: string;
  readonly agrees: (other: BgpPeer) => boolean;
  readonly path: string;
  readonly why: string;
}

function onceForEachNode(peer: BgpPeer): readonly Singular[] {
  const { routerId, myAsn, vrf = '', peerAddress, interface: through = '' } = peer;
  const end = peerAddress === undefined ? through : peerAddress;
  return [
    {
      key: 'router id',
      agrees: (other) => other.routerId === routerId,
      path: 'spec.routerID',
      why: 'a node has one router ID for all peers: write the same',
    },
    {
      key: JSON.stringify(['end', end, vrf]),
      agrees: () => false,
      path: peerAddress === undefined ? 'spec.interface' : 'spec.peerAddress',
      why: 'a node has one session with a peer: remove one of the two, or select other nodes',
    },
    {
      key: JSON.stringify(['as', vrf]),
      agrees: (other) => other.myAsn === myAsn,
      path: 'spec.myASN',
      why: 'a node has one AS number in a VRF: write the same',
    },
  ];
}

function reportBoth(
  a: Read<BgpPeerDraft>,
  b: Read<BgpPeerDraft>,
  path: string,
  why: string,
  findings: Finding[],
): void {
  for (const [own, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const name = `${other.value.name} (${other.origin.object.kind} ${keyOf(other.origin.object)})`;
    new Report(own.origin, findings).addMissing('LB222', path, `does not go with peer ${name}: ${why}`);
  }
}
