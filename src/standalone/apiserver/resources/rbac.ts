/**
 * rbac.authorization.k8s.io/v1, kept but not enforced: the embedded API server knows one identity, its administrator.
 * Installation manifests carry these objects, and another cluster that gets them will read them.
 */
import type { Resource } from '../../../api/meta.ts';
import type { Definition, FieldFault, Schema, Stored } from '../definition.ts';
import { sameJson } from '../json.ts';
import {
  AGE,
  atomicObject,
  CREATED_AT,
  LABEL_SELECTOR,
  list,
  NAME,
  object,
  TEXT,
  textColumn,
} from './parts.ts';

const RULES: Schema = list(
  object(
    {
      verbs: list(TEXT),
      apiGroups: list(TEXT),
      resources: list(TEXT),
      resourceNames: list(TEXT),
      nonResourceURLs: list(TEXT),
    },
    ['verbs'],
  ),
);

const BINDING: Schema = object(
  {
    subjects: list(
      atomicObject({ kind: TEXT, apiGroup: TEXT, name: TEXT, namespace: TEXT }, ['kind', 'name']),
    ),
    roleRef: atomicObject({ apiGroup: TEXT, kind: TEXT, name: TEXT }, ['kind', 'name']),
  },
  ['roleRef'],
);

interface Binding {
  subjects?: { kind: string; name: string; namespace?: string }[];
  roleRef: { kind: string; name: string };
}

const asBinding = (stored: Stored): Binding => stored as unknown as Binding;

export const RBAC: readonly Definition[] = [
  role('Role', 'roles', true, object({ rules: RULES })),
  role(
    'ClusterRole',
    'clusterroles',
    false,
    object({ rules: RULES, aggregationRule: object({ clusterRoleSelectors: list(LABEL_SELECTOR) }) }),
  ),
  binding('RoleBinding', 'rolebindings', true),
  binding('ClusterRoleBinding', 'clusterrolebindings', false),
];

function definition(
  kind: string,
  plural: string,
  namespaced: boolean,
  rest: Pick<Definition, 'schema' | 'columns' | 'strategy'>,
): Definition {
  const resource: Resource = { group: 'rbac.authorization.k8s.io', version: 'v1', plural, kind, namespaced };
  return {
    resource,
    listKind: `${kind}List`,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    hasStatus: false,
    hasGeneration: false,
    nameRule: 'path',
    custom: false,
    ...rest,
  };
}

function role(kind: string, plural: string, namespaced: boolean, schema: Schema): Definition {
  return definition(kind, plural, namespaced, { schema, columns: [NAME, CREATED_AT], strategy: {} });
}

function binding(kind: string, plural: string, namespaced: boolean): Definition {
  return definition(kind, plural, namespaced, {
    schema: BINDING,
    columns: [
      NAME,
      textColumn('Role', (stored) => `${asBinding(stored).roleRef.kind}/${asBinding(stored).roleRef.name}`),
      AGE,
      textColumn('Users', (stored) => subjectsOf(stored, 'User'), 1),
      textColumn('Groups', (stored) => subjectsOf(stored, 'Group'), 1),
      textColumn('ServiceAccounts', (stored) => subjectsOf(stored, 'ServiceAccount'), 1),
    ],
    strategy: {
      validate: (stored, old) => (old === undefined ? [] : roleRefFaults(asBinding(stored), asBinding(old))),
    },
  });
}

function roleRefFaults({ roleRef }: Binding, old: Binding): FieldFault[] {
  if (sameJson(roleRef, old.roleRef)) return [];
  return [{ reason: 'Invalid', path: 'roleRef', value: roleRef, message: 'cannot change roleRef' }];
}

function subjectsOf(stored: Stored, kind: string): string {
  const subjects = (asBinding(stored).subjects ?? []).filter((subject) => subject.kind === kind);
  return subjects
    .map(({ name, namespace }) => (namespace === undefined ? name : `${namespace}/${name}`))
    .join(', ');
}
