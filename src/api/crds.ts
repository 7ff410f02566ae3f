/** The kinds of group metallb.io as the API server is told of them. manifests/crds/ and the reference are made from these. */
import { IP_ADDRESS_POOL_CRD } from './crd-ip-address-pool.ts';
import { L2_ADVERTISEMENT_CRD } from './crd-l2-advertisement.ts';
import type { CustomResourceDefinition } from './crd-schema.ts';

export type { CustomResourceDefinition };

export const CRDS_OF_METALLB: readonly CustomResourceDefinition[] = [
  IP_ADDRESS_POOL_CRD,
  L2_ADVERTISEMENT_CRD,
];
