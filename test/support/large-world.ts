/** A world in which verdicts are timed, and the review that asks for one. */
import type { Change, Facts } from '../../src/core/policy/facts.ts';
import { pool, service } from './allocation.ts';
import { factsOf } from './policy.ts';

export const POOLS = 1_000;
export const SERVICES_OF_A_POOL = 10;

/** Pool 500 is 10.1.244.0/24, its first ten addresses are held. */
export function largeWorld(): Facts {
  const subnet = (index: number): string => `10.${index >> 8}.${index & 255}`;
  const indexes = Array.from({ length: POOLS }, (_, index) => index);
  return factsOf({
    pools: indexes.map((index) => pool(`pool-${index}`, [`${subnet(index)}.0/24`])),
    services: indexes.flatMap((index) =>
      Array.from({ length: SERVICES_OF_A_POOL }, (_, last) =>
        service(`holder-${index}-${last}`, { held: [`${subnet(index)}.${last}`] }),
      ),
    ),
  });
}

/** An AdmissionReview as the API server sends it. */
export function reviewOf({ kind, ...rest }: Change): object {
  const group = kind === 'Service' || kind === 'ConfigMap' ? '' : 'metallb.io';
  const version = group === '' ? 'v1' : 'v1beta1';
  const asked = {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { group, version, kind },
    userInfo: { username: 'jane' },
  };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { ...asked, ...rest } };
}
