/**
 * The gate's rules: what they may look at (facts), what is about to happen (a change), and what they say.
 *
 * policy/ decides whether a change may land. It never decides an address itself: for Services it asks allocation what
 * would happen, for configuration it asks config to read the world as it would be, so every door prints the sentence the
 * controller would. What must always hold is the denial contract (docs/adr/0005): only what is proven impossible is
 * refused, and never what is stored already, nor anything that is being deleted.
 */
import type { AddressPolicy, AddressReservation, PolicyException } from '../../api/cleat.ts';
import type { ConfigMap, Namespace, Service } from '../../api/kubernetes.ts';
import type { Finding, Level } from '../../api/findings.ts';
import type { Gateway } from '../../api/gateway.ts';
import type { KubeObject } from '../../api/meta.ts';
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
  L2Advertisement,
} from '../../api/metallb.ts';
import type { Ledger } from '../allocation/ledger.ts';
import type { ServiceView } from '../allocation/service-view.ts';
import type { Sha256 } from '../announce/election.ts';
import type { ConfigInput } from '../config/load.ts';
import type { Snapshot } from '../config/snapshot.ts';

/** The world as the door knows it. Rules only read it. */
export interface Facts {
  /** True once every configuration object has been listed. Until then no configuration is proven wrong. */
  readonly listed: boolean;
  /** True once a configuration is in force and every Service has been listed. Until then no Service is proven wrong. */
  readonly loaded: boolean;
  /** The configuration in force. */
  readonly snapshot: Snapshot;
  /** Who holds which address, from the status of every stored Service. */
  readonly ledger: Ledger;
  /** The configuration objects as they are stored, in force or not. */
  readonly configInput: ConfigInput;
  /** What is wrong with `configInput`. With one that keeps it back, `snapshot` is older than `configInput`. */
  readonly configFindings: readonly Finding[];
  /** The labels of a namespace; undefined where it is not known. */
  labelsOf(namespace: string): Readonly<Record<string, string>> | undefined;
  /** True where the namespace is being deleted. */
  isTerminating(namespace: string): boolean;
  /** A stored Service; undefined where there is none of that key. */
  viewOf(key: string): ServiceView | undefined;
  /** The stored Services that were made of a Gateway, by its `namespace/name`. */
  servicesOf(gateway: string): readonly ServiceView[];
  /** For the hashes that confirmations are. */
  readonly sha256: Sha256;
  /** The level where a namespace has no label of its own. */
  readonly defaultLevel: Level;
  /** The class Cleat was started with. */
  readonly loadBalancerClass?: string;
  /** Changes with every change of the facts; for the audit log. */
  readonly version: string;
}

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

interface ChangeOf<Kind extends string, T extends KubeObject> {
  readonly kind: Kind;
  readonly operation: Operation;
  readonly namespace: string;
  /** '' where the API server has yet to generate it. */
  readonly name: string;
  /** As it would be stored; absent for DELETE. */
  readonly object?: T;
  /** As it is stored; absent for CREATE. */
  readonly oldObject?: T;
  /** For logs. No rule may look at it: the answer for a dry run is the answer for the real thing. */
  readonly dryRun: boolean;
  /** Who asks, as the API server calls it. */
  readonly user: string;
}

export type ServiceChange = ChangeOf<'Service', Service>;
export type GatewayChange = ChangeOf<'Gateway', Gateway>;
export type NamespaceChange = ChangeOf<'Namespace', Namespace>;
/** Its YAML is read by the door, because core has no parser. */
export type ConfigMapChange = ChangeOf<'ConfigMap', ConfigMap> & {
  readonly legacy?: NonNullable<ConfigInput['legacy']>;
};

/** Of what a Snapshot is made of. */
export type ConfigurationChange =
  | ChangeOf<'IPAddressPool', IPAddressPool>
  | ChangeOf<'L2Advertisement', L2Advertisement>
  | ChangeOf<'BGPAdvertisement', BGPAdvertisement>
  | ChangeOf<'BGPPeer', BGPPeer>
  | ChangeOf<'BFDProfile', BFDProfile>
  | ChangeOf<'Community', Community>
  | ChangeOf<'AddressReservation', AddressReservation>
  | ChangeOf<'AddressPolicy', AddressPolicy>
  | ChangeOf<'PolicyException', PolicyException>
  | ConfigMapChange;

export type Change = ServiceChange | GatewayChange | ConfigurationChange | NamespaceChange;

/** A finding and how seriously the rule takes it here, which may be less than its code's own level. */
export interface Remark {
  readonly finding: Finding;
  readonly level: Level;
  /** The PolicyException, `namespace/name`, but for which it would be a refusal. */
  readonly exceptedBy?: string;
}

/** Speaks about the changes it knows and is silent about the others. */
export type Rule = (facts: Facts, change: Change) => readonly Remark[];
