/** Our kinds as the API server is told of them. manifests/crds/ and the reference are made from these. */
import { ADDRESS_POLICY_CRD } from './crd-address-policy.ts';
import { ADDRESS_RESERVATION_CRD } from './crd-address-reservation.ts';
import { BFD_PROFILE_CRD } from './crd-bfd-profile.ts';
import { BGP_ADVERTISEMENT_CRD } from './crd-bgp-advertisement.ts';
import { BGP_PEER_CRD } from './crd-bgp-peer.ts';
import { COMMUNITY_CRD } from './crd-community.ts';
import { IP_ADDRESS_POOL_CRD } from './crd-ip-address-pool.ts';
import { L2_ADVERTISEMENT_CRD } from './crd-l2-advertisement.ts';
import { POLICY_EXCEPTION_CRD } from './crd-policy-exception.ts';
import type { CustomResourceDefinition } from './crd-schema.ts';
import { CONFIGURATION_STATE_CRD, SERVICE_BGP_STATUS_CRD, SERVICE_L2_STATUS_CRD } from './crd-statuses.ts';

export type { CustomResourceDefinition };

/** Those of metallb.io, then those of cleat.dev; each group by name. */
export const INSTALLED_CRDS: readonly CustomResourceDefinition[] = [
  BFD_PROFILE_CRD,
  BGP_ADVERTISEMENT_CRD,
  BGP_PEER_CRD,
  COMMUNITY_CRD,
  CONFIGURATION_STATE_CRD,
  IP_ADDRESS_POOL_CRD,
  L2_ADVERTISEMENT_CRD,
  SERVICE_BGP_STATUS_CRD,
  SERVICE_L2_STATUS_CRD,
  ADDRESS_POLICY_CRD,
  ADDRESS_RESERVATION_CRD,
  POLICY_EXCEPTION_CRD,
];
