/** MetalLB's implementations of BGP, by the names METALLB_BGP_TYPE gives them. */

/** The values of METALLB_BGP_TYPE; MetalLB takes native where it is not set. */
export type BgpType = 'native' | 'frr' | 'frr-k8s';
export const BGP_TYPES: readonly BgpType[] = ['native', 'frr', 'frr-k8s'];
