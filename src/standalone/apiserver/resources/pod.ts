/**
 * core/v1 Pod and ServiceAccount, as plain records: manifests and controllers refer to them, but no kubelet is here to run
 * a Pod, and its condition says so.
 */
import { PODS } from '../../../api/kubernetes.ts';
import type { Definition, Schema, Stored } from '../definition.ts';
import {
  AGE,
  FLAG,
  list,
  listByKey,
  NAME,
  object,
  OBJECT_REFERENCE,
  OPAQUE,
  TEXT,
  textColumn,
  TIME,
} from './parts.ts';

const CONTAINERS: Schema = listByKey(['name'], {
  ...OPAQUE,
  properties: { name: TEXT, image: TEXT },
  required: ['name'],
});

interface Pod {
  spec?: { containers?: unknown[]; nodeName?: string };
  status?: {
    phase?: string;
    podIP?: string;
    containerStatuses?: { ready?: boolean; restartCount?: number }[];
  };
}

const asPod = (stored: Stored): Pod => stored as Pod;

export const POD: Definition = {
  resource: PODS,
  listKind: 'PodList',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  hasStatus: true,
  hasGeneration: false,
  schema: object(
    {
      spec: { ...OPAQUE, properties: { containers: CONTAINERS, nodeName: TEXT }, required: ['containers'] },
      status: {
        ...OPAQUE,
        properties: {
          phase: TEXT,
          podIP: TEXT,
          conditions: listByKey(
            ['type'],
            object(
              {
                type: TEXT,
                status: TEXT,
                lastProbeTime: TIME,
                lastTransitionTime: TIME,
                reason: TEXT,
                message: TEXT,
              },
              ['type', 'status'],
            ),
          ),
          containerStatuses: list({
            ...OPAQUE,
            properties: { ready: FLAG, restartCount: { type: 'integer' } },
          }),
        },
      },
    },
    ['spec'],
  ),
  columns: [
    NAME,
    textColumn('Ready', formatReady),
    textColumn('Status', (stored) =>
      stored.metadata.deletionTimestamp === undefined ? (asPod(stored).status?.phase ?? '') : 'Terminating',
    ),
    textColumn('Restarts', (stored) =>
      String(containersOf(stored).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0)),
    ),
    AGE,
    textColumn('IP', (stored) => asPod(stored).status?.podIP ?? '<none>', 1),
    textColumn('Node', (stored) => asPod(stored).spec?.nodeName ?? '<none>', 1),
  ],
  strategy: {
    setDefaults: (stored, old) => {
      if (old !== undefined) return;
      stored['status'] = {
        phase: 'Pending',
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'NoKubelet',
            message: 'the embedded API server keeps Pods but runs none',
          },
        ],
      };
    },
  },
  custom: false,
};

function containersOf(stored: Stored): { ready?: boolean; restartCount?: number }[] {
  return asPod(stored).status?.containerStatuses ?? [];
}

function formatReady(stored: Stored): string {
  const ready = containersOf(stored).filter((container) => container.ready === true).length;
  return `${ready}/${asPod(stored).spec?.containers?.length ?? 0}`;
}

export const SERVICE_ACCOUNT: Definition = {
  resource: { group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true },
  listKind: 'ServiceAccountList',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  schema: object({
    secrets: listByKey(['name'], OBJECT_REFERENCE),
    imagePullSecrets: list(object({ name: TEXT })),
    automountServiceAccountToken: FLAG,
  }),
  columns: [NAME, AGE],
  strategy: {},
  custom: false,
};
