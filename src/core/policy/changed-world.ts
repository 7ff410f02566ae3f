/** The configuration as it would be with a change in it. */
import type { KubeObject } from '../../api/meta.ts';
import type { ConfigInput, LoadedConfig } from '../config/load.ts';
import { loadConfig, loadedOf } from '../config/load.ts';
import { remember, rememberLatest } from '../config/remember.ts';
import type { Change, ConfigurationChange, NamespaceChange } from './facts.ts';

export type WorldChange = ConfigurationChange | NamespaceChange;

/** False of what only asks for addresses. */
export function isWorldChange(change: Change): change is WorldChange {
  return change.kind !== 'Service' && change.kind !== 'Gateway';
}

/** Where the objects of each kind stand. */
const LISTS = {
  IPAddressPool: 'pools',
  L2Advertisement: 'l2Advertisements',
  BGPAdvertisement: 'bgpAdvertisements',
  BGPPeer: 'bgpPeers',
  BFDProfile: 'bfdProfiles',
  Community: 'communities',
  AddressReservation: 'reservations',
  AddressPolicy: 'policies',
  PolicyException: 'exceptions',
  Namespace: 'namespaces',
} as const satisfies Record<Exclude<WorldChange['kind'], 'ConfigMap'>, keyof ConfigInput>;

/**
 * The configuration with `object`, the new or the old one of the change, in the place of the one of its name; without one
 * of its name where `object` is undefined.
 */
export function withObject(
  input: ConfigInput,
  change: WorldChange,
  object: KubeObject | undefined,
): ConfigInput {
  if (change.kind === 'ConfigMap') {
    const { legacy: _, ...rest } = input;
    return object === undefined || change.legacy === undefined ? rest : { ...rest, legacy: change.legacy };
  }
  const list = LISTS[change.kind];
  const { namespace, name } = refOf(change);
  const stored: readonly KubeObject[] = input[list] ?? [];
  const place = { name, ...(namespace !== undefined && { namespace }) };
  const named = object && { ...object, metadata: { ...object.metadata, ...place } };
  // A long list is copied as a whole, which is many times as fast as member by member.
  const after = [...stored];
  const places = placesOf(stored).get(name) ?? [];
  for (const at of places.toReversed()) if (stored[at]?.metadata.namespace === namespace) after.splice(at, 1);
  if (named !== undefined) after.push(named);
  return { ...input, [list]: after };
}

/** Where the objects of each name are. */
const placesOf = remember(
  (objects: readonly KubeObject[]): ReadonlyMap<string | undefined, readonly number[]> => {
    const places = new Map<string | undefined, number[]>();
    for (const [at, { metadata }] of objects.entries()) {
      const others = places.get(metadata.name);
      if (others === undefined) places.set(metadata.name, [at]);
      else others.push(at);
    }
    return places;
  },
);

/** What the world would be read as with the change in it. Several rules ask. */
export const loadAfter = rememberLatest((input: ConfigInput, change: WorldChange): LoadedConfig =>
  loadConfig(withObject(input, change, change.object), loadedOf(input)),
);

/** The same with the old object as the API server sends it, which a store may not have seen yet. */
export const loadBefore = rememberLatest((input: ConfigInput, change: WorldChange): LoadedConfig =>
  loadConfig(withObject(input, change, change.oldObject), loadedOf(input)),
);

/** A name the API server has yet to generate begins with what the author gave. */
export function refOf(change: WorldChange): {
  readonly namespace: string | undefined;
  readonly name: string;
} {
  const name = change.name === '' ? (change.object?.metadata.generateName ?? '') : change.name;
  return { namespace: change.kind === 'Namespace' ? undefined : change.namespace, name };
}
