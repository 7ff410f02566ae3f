/** core/v1 Namespace. Emptying one that is deleted is the server's work; here is what it looks like. */
import { NAMESPACES } from '../../../api/kubernetes.ts';
import type { Namespace } from '../../../api/kubernetes.ts';
import type { Definition, Schema } from '../definition.ts';
import { AGE, list, listByKey, NAME, object, TEXT, textColumn, TIME } from './parts.ts';

const NAME_LABEL = 'kubernetes.io/metadata.name';

const SCHEMA: Schema = object({
  spec: object({ finalizers: list(TEXT) }),
  status: object({
    phase: TEXT,
    conditions: listByKey(
      ['type'],
      object({ type: TEXT, status: TEXT, lastTransitionTime: TIME, reason: TEXT, message: TEXT }, [
        'type',
        'status',
      ]),
    ),
  }),
});

export const NAMESPACE: Definition = {
  resource: NAMESPACES,
  listKind: 'NamespaceList',
  singular: 'namespace',
  shortNames: ['ns'],
  categories: [],
  hasStatus: true,
  hasGeneration: false,
  nameRule: 'label',
  schema: SCHEMA,
  columns: [NAME, textColumn('Status', (stored) => (stored as Namespace).status?.phase ?? ''), AGE],
  strategy: {
    setDefaults: (stored, old) => {
      const namespace = stored as Namespace;
      const { metadata } = namespace;
      if (metadata.name !== undefined) metadata.labels = { ...metadata.labels, [NAME_LABEL]: metadata.name };
      // The finalizer stands for what is inside: it goes when the namespace is empty.
      namespace.spec = old === undefined ? { finalizers: ['kubernetes'] } : { ...(old as Namespace).spec };
      namespace.status = {
        ...namespace.status,
        phase: metadata.deletionTimestamp === undefined ? 'Active' : 'Terminating',
      };
    },
  },
  custom: false,
};
