/** What a Snapshot is made from: objects as the API server or Git has them, and the facts they select on. */
import type { AddressPolicy, AddressReservation, PolicyException } from '../../api/cleat.ts';
import type { Namespace, Node } from '../../api/kubernetes.ts';
import type { ObjectRef } from '../../api/meta.ts';
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
  L2Advertisement,
} from '../../api/metallb.ts';
import type { BgpType } from './bgp-type.ts';
import type { SecretFact } from './bgp-checks.ts';

/**
 * Each object is read once and remembered by its identity, so whoever asks again with one object replaced pays for that one.
 * Objects and lists are never changed in place.
 */
export interface ConfigInput {
  /** Where configuration is read from; objects elsewhere are faults. */
  readonly namespace: string;
  readonly pools: readonly IPAddressPool[];
  readonly l2Advertisements: readonly L2Advertisement[];
  readonly bgpAdvertisements?: readonly BGPAdvertisement[];
  readonly bgpPeers?: readonly BGPPeer[];
  readonly bfdProfiles?: readonly BFDProfile[];
  readonly communities?: readonly Community[];
  readonly reservations?: readonly AddressReservation[];
  readonly policies?: readonly AddressPolicy[];
  readonly exceptions?: readonly PolicyException[];
  /** The time, which decides what has expired: milliseconds since the epoch. Absent: it is not known, and nothing has. */
  readonly nowMs?: number;
  /** Every namespace of the cluster, for namespaceSelectors. */
  readonly namespaces: readonly Namespace[];
  /** Every node, for nodeSelectors. Absent or empty: they are not known. */
  readonly nodes?: readonly Node[];
  /** The Secrets that peers name, by name. Absent: nobody looked, so nothing is said about them. */
  readonly secrets?: ReadonlyMap<string, SecretFact>;
  /** The value of METALLB_BGP_TYPE. Default native, as in MetalLB; any: what one or the other cannot do does not matter. */
  readonly bgpType?: BgpType | 'any';
  /** Text for FRR, and the ConfigMap that has it. */
  readonly extras?: { readonly source: ObjectRef; readonly text: string };
  /** The node the Snapshot is for: BGPPeers and BGPAdvertisements for others are left out, faults included. */
  readonly self?: string;
  /** The legacy ConfigMap: the parsed YAML of its key `config` (numbers as written), or why that is no YAML. */
  readonly legacy?:
    | { readonly source: ObjectRef; readonly document: unknown }
    | { readonly source: ObjectRef; readonly malformed: string };
}
