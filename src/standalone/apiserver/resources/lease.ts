/** coordination.k8s.io/v1 Lease: who leads, and who is alive. */
import { LEASES } from '../../../api/kubernetes.ts';
import type { Lease } from '../../../api/kubernetes.ts';
import type { Definition } from '../definition.ts';
import { AGE, INT32, NAME, object, TEXT, textColumn, TIME } from './parts.ts';

const NULLABLE_TIME = { ...TIME, nullable: true };

export const LEASE: Definition = {
  resource: LEASES,
  listKind: 'LeaseList',
  singular: 'lease',
  shortNames: [],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  schema: object({
    spec: object({
      holderIdentity: TEXT,
      leaseDurationSeconds: INT32,
      acquireTime: NULLABLE_TIME,
      renewTime: NULLABLE_TIME,
      leaseTransitions: INT32,
      strategy: TEXT,
      preferredHolder: TEXT,
    }),
  }),
  columns: [NAME, textColumn('Holder', (stored) => (stored as Lease).spec?.holderIdentity ?? ''), AGE],
  strategy: {
    setDefaults: (stored) => void (stored['spec'] ??= {}),
    validate: (stored) => {
      const { leaseDurationSeconds: duration, leaseTransitions: transitions } = (stored as Lease).spec ?? {};
      return [
        ...(duration !== undefined && duration <= 0
          ? [
              {
                reason: 'Invalid' as const,
                path: 'spec.leaseDurationSeconds',
                value: duration,
                message: 'must be greater than 0',
              },
            ]
          : []),
        ...(transitions !== undefined && transitions < 0
          ? [
              {
                reason: 'Invalid' as const,
                path: 'spec.leaseTransitions',
                value: transitions,
                message: 'must be greater than or equal to 0',
              },
            ]
          : []),
      ];
    },
  },
  custom: false,
};
