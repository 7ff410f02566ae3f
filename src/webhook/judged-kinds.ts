/** The kinds the gate judges, and what each is called. */
import { ADDRESS_POLICIES, ADDRESS_RESERVATIONS, POLICY_EXCEPTIONS } from '../api/cleat.ts';
import { GATEWAYS } from '../api/gateway.ts';
import { CONFIG_MAPS, NAMESPACES, SERVICES } from '../api/kubernetes.ts';
import type { Resource } from '../api/meta.ts';
import {
  BFD_PROFILES,
  BGP_ADVERTISEMENTS,
  BGP_PEERS,
  COMMUNITIES,
  IP_ADDRESS_POOLS,
  L2_ADVERTISEMENTS,
} from '../api/metallb.ts';
import type { Change } from '../core/policy/facts.ts';

export const JUDGED_KINDS: Readonly<Record<Change['kind'], Resource>> = {
  Service: SERVICES,
  Gateway: GATEWAYS,
  ConfigMap: CONFIG_MAPS,
  Namespace: NAMESPACES,
  IPAddressPool: IP_ADDRESS_POOLS,
  L2Advertisement: L2_ADVERTISEMENTS,
  BGPAdvertisement: BGP_ADVERTISEMENTS,
  BGPPeer: BGP_PEERS,
  BFDProfile: BFD_PROFILES,
  Community: COMMUNITIES,
  AddressReservation: ADDRESS_RESERVATIONS,
  AddressPolicy: ADDRESS_POLICIES,
  PolicyException: POLICY_EXCEPTIONS,
};
