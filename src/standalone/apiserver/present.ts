/** Objects in the form the client asked for: as they are, as a table for `kubectl get`, or only their metadata. */
import type { KubeList, Resource } from '../../api/meta.ts';
import type { Definition, Stored } from './definition.ts';
import { badRequest } from './errors.ts';
import type { Form } from './http/accept.ts';
import { formatHumanDuration } from './human-duration.ts';

export type ListMeta = KubeList<unknown>['metadata'];
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface Presentation {
  readonly definition: Definition;
  readonly form: Form;
  readonly includeObject: IncludeObject;
  readonly nowMs: number;
}

/** What a query's includeObject says, for tables. Throws 400 for anything else. */
export function parseIncludeObject(text: string | null): IncludeObject {
  if (text === null || text === '' || text === 'Metadata') return 'Metadata';
  if (text === 'None' || text === 'Object') return text;
  throw badRequest(`invalid includeObject value ${JSON.stringify(text)}: must be None, Metadata or Object`);
}

export function apiVersionOf(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

export function presentObject(presentation: Presentation, stored: Stored): unknown {
  const { definition, form } = presentation;
  const object = inVersion(definition, stored);
  if (form === 'metadata') return onlyMetadata(object);
  if (form === 'object') return object;
  return presentTable(
    presentation,
    [stored],
    { resourceVersion: object.metadata.resourceVersion ?? '' },
    true,
  );
}

export function presentList(
  presentation: Presentation,
  items: readonly Stored[],
  metadata: ListMeta,
): unknown {
  const { definition, form } = presentation;
  if (form === 'table') return presentTable(presentation, items, metadata, true);
  const objects = items.map((item) => inVersion(definition, item));
  if (form === 'metadata') {
    return {
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
      items: objects.map(onlyMetadata),
    };
  }
  return {
    kind: definition.listKind,
    apiVersion: apiVersionOf(definition.resource),
    metadata,
    // The list says what its items are; only custom resources say it again, as in kube-apiserver.
    items: definition.custom
      ? objects
      : objects.map(({ kind: _kind, apiVersion: _version, ...rest }) => rest),
  };
}

/** An object as its resource's version has it: whichever version it was written in, the fields are the same. */
export function inVersion(
  definition: Definition,
  { apiVersion: _stored, kind: _kind, ...rest }: Stored,
): Stored {
  const { resource } = definition;
  return { kind: resource.kind, apiVersion: apiVersionOf(resource), ...rest };
}

function onlyMetadata(object: Stored): unknown {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

/** A meta.k8s.io/v1 Table. Later tables of one watch leave out the columns. */
export function presentTable(
  { definition, includeObject, nowMs }: Presentation,
  items: readonly Stored[],
  metadata: ListMeta,
  withColumns: boolean,
): unknown {
  const { columns } = definition;
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: !withColumns
      ? null
      : columns.map(({ name, type, format, description, priority }) => ({
          name,
          // Dates are sent as ages, which are text; only columns of custom resources say that they were dates.
          type: type === 'date' && !definition.custom ? 'string' : type,
          format: format ?? '',
          description: description ?? '',
          priority: priority ?? 0,
        })),
    rows: items.map((item) => {
      const object = inVersion(definition, item);
      const cells = columns.map((column) => {
        const cell = column.cell(object);
        return column.type === 'date' ? formatAge(cell, nowMs) : cell;
      });
      return { cells, object: rowObject(object, includeObject) };
    }),
  };
}

function rowObject(object: Stored, include: IncludeObject): unknown {
  if (include === 'None') return null;
  return include === 'Object' ? object : onlyMetadata(object);
}

function formatAge(time: unknown, nowMs: number): string {
  const at = typeof time === 'string' ? Date.parse(time) : NaN;
  return Number.isNaN(at) ? '<unknown>' : formatHumanDuration(nowMs - at);
}
