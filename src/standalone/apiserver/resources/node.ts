/** core/v1 Node: registered and kept ready by whoever runs the node. Most of what kubelets report is kept unread. */
import { NODES } from '../../../api/kubernetes.ts';
import type { Node } from '../../../api/kubernetes.ts';
import type { Definition, Schema, Stored } from '../definition.ts';
import { AGE, FLAG, list, listByKey, NAME, object, OPAQUE, setOf, TEXT, textColumn, TIME } from './parts.ts';

const ROLE_LABEL = 'node-role.kubernetes.io/';

const SCHEMA: Schema = object({
  spec: object({
    podCIDR: TEXT,
    podCIDRs: setOf(TEXT),
    providerID: TEXT,
    unschedulable: FLAG,
    taints: list(object({ key: TEXT, value: TEXT, effect: TEXT, timeAdded: TIME }, ['key', 'effect'])),
  }),
  status: {
    ...OPAQUE,
    properties: {
      // Not a map by type: a node of two families has two InternalIPs.
      addresses: {
        ...list(object({ type: TEXT, address: TEXT }, ['type', 'address'])),
        'x-kubernetes-patch-strategy': 'merge',
        'x-kubernetes-patch-merge-key': 'type',
      },
      conditions: listByKey(
        ['type'],
        object(
          {
            type: TEXT,
            status: TEXT,
            lastHeartbeatTime: TIME,
            lastTransitionTime: TIME,
            reason: TEXT,
            message: TEXT,
          },
          ['type', 'status'],
        ),
      ),
      nodeInfo: OPAQUE,
    },
  },
});

export const NODE: Definition = {
  resource: NODES,
  listKind: 'NodeList',
  singular: 'node',
  shortNames: ['no'],
  categories: [],
  hasStatus: true,
  statusOnCreate: true,
  hasGeneration: false,
  schema: SCHEMA,
  columns: [
    NAME,
    textColumn('Status', formatStatus),
    textColumn('Roles', formatRoles),
    AGE,
    textColumn('Version', (stored) => nodeInfo(stored, 'kubeletVersion', '')),
    textColumn('Internal-IP', (stored) => addressOf(stored, 'InternalIP'), 1),
    textColumn('External-IP', (stored) => addressOf(stored, 'ExternalIP'), 1),
    textColumn('OS-Image', (stored) => nodeInfo(stored, 'osImage'), 1),
    textColumn('Kernel-Version', (stored) => nodeInfo(stored, 'kernelVersion'), 1),
    textColumn('Container-Runtime', (stored) => nodeInfo(stored, 'containerRuntimeVersion'), 1),
  ],
  strategy: {},
  custom: false,
};

function formatStatus(stored: Stored): string {
  const node = stored as Node;
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const status = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.unschedulable === true ? `${status},SchedulingDisabled` : status;
}

function formatRoles(stored: Stored): string {
  const roles = Object.entries(stored.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(ROLE_LABEL)) return key.slice(ROLE_LABEL.length);
    return key === 'kubernetes.io/role' ? value : [];
  });
  return [...new Set(roles.filter((role) => role !== ''))].sort().join(',') || '<none>';
}

function addressOf(stored: Stored, type: string): string {
  return (stored as Node).status?.addresses?.find((address) => address.type === type)?.address ?? '<none>';
}

function nodeInfo(stored: Stored, field: string, otherwise = '<unknown>'): string {
  const { status } = stored as { status?: { nodeInfo?: Record<string, unknown> } };
  const value = status?.nodeInfo?.[field];
  return typeof value === 'string' && value !== '' ? value : otherwise;
}
