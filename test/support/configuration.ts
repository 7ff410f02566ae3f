/** Configuration objects as users write them, and what loading them comes to. */
import assert from 'node:assert/strict';
import type { Node } from '../../src/api/kubernetes.ts';
import type { LabelSelector } from '../../src/api/meta.ts';
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
} from '../../src/api/metallb.ts';
import type { ConfigInput, LoadedConfig } from '../../src/core/config/load.ts';
import { loadConfig } from '../../src/core/config/load.ts';
import type { Snapshot } from '../../src/core/config/snapshot.ts';

export const NAMESPACE = 'metallb-system';

export const peer = (name: string, spec: object = {}): BGPPeer =>
  ({
    metadata: { name, namespace: NAMESPACE },
    spec: { myASN: 64_500, peerASN: 64_501, peerAddress: '10.0.0.1', ...spec },
  }) as BGPPeer;

export const bgpAdvertisement = (name: string, spec: object = {}): BGPAdvertisement => ({
  metadata: { name, namespace: NAMESPACE },
  spec,
});

export const profile = (name: string, spec: object = {}): BFDProfile => ({
  metadata: { name, namespace: NAMESPACE },
  spec,
});

export const community = (name: string, communities: object[]): Community => ({
  metadata: { name, namespace: NAMESPACE },
  spec: { communities },
});

export const addressPool = (
  name: string,
  addresses: string[],
  labels: Record<string, string> = {},
): IPAddressPool => ({ metadata: { name, namespace: NAMESPACE, labels }, spec: { addresses } });

export const node = (name: string, labels: Record<string, string> = {}): Node => ({
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
});

export const onNode = (name: string): LabelSelector[] => [
  { matchLabels: { 'kubernetes.io/hostname': name } },
];

export function load(input: Partial<ConfigInput>): LoadedConfig {
  const nothing = { namespace: NAMESPACE, pools: [], l2Advertisements: [], namespaces: [] };
  return loadConfig({ ...nothing, bgpType: 'frr-k8s', ...input });
}

/** `LB215 p: spec.holdTime 2s …` of each finding; that nothing announces by BGP yet is left out. */
export function said(input: Partial<ConfigInput>): string[] {
  return load(input)
    .findings.filter(({ code }) => code !== 'LB209')
    .map(({ code, object, message }) => `${code} ${object.name}: ${message}`);
}

export function loaded(input: Partial<ConfigInput>): Snapshot {
  const { snapshot, findings } = load(input);
  assert.ok(snapshot, findings.map((finding) => finding.message).join('\n'));
  return snapshot;
}
