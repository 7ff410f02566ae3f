/**
 * Custom resources: a CustomResourceDefinition (crd-resource.ts, checked by structural.ts and crd-rules.ts) becomes a
 * Definition a version, and is then served like a built-in resource.
 *
 * What is refused in words when a CRD is written: conversion by webhook, the scale subresource, schemas that are not
 * structural, names another definition has, rules in CEL that do not compile.
 */
import type { KubeObject, Resource } from '../../../api/meta.ts';
import type { Column, Definition, Schema } from '../definition.ts';
import { formatJson } from '../exact-json.ts';
import { AGE, NAME } from '../resources/parts.ts';
import { formatFault } from '../schema/faults.ts';
import { TYPE_AND_META } from '../schema/schema.ts';
import { validateSchema } from '../schema/validate.ts';
import { compileRules, validateRules } from './cel-rules.ts';
import { parseJsonPath } from './json-path.ts';

/** apiextensions.k8s.io/v1, with the fields the server acts on. */
export interface CustomResourceDefinition extends KubeObject {
  spec: {
    group: string;
    names: CrdNames;
    scope: 'Namespaced' | 'Cluster';
    versions: CrdVersion[];
    conversion?: { strategy: string };
  };
  status?: {
    conditions?: CrdCondition[];
    acceptedNames?: CrdNames;
    storedVersions?: string[];
  };
}

export interface CrdNames {
  plural: string;
  kind: string;
  singular?: string;
  listKind?: string;
  shortNames?: string[];
  categories?: string[];
}

export interface CrdVersion {
  name: string;
  served: boolean;
  storage: boolean;
  deprecated?: boolean;
  deprecationWarning?: string;
  schema?: { openAPIV3Schema?: Schema };
  subresources?: { status?: object; scale?: object };
  additionalPrinterColumns?: CrdColumn[];
}

interface CrdColumn {
  name: string;
  type: string;
  format?: string;
  description?: string;
  priority?: number;
  jsonPath: string;
}

export interface CrdCondition {
  type: string;
  status: 'True' | 'False';
  reason: string;
  message: string;
  lastTransitionTime: string;
}

/** The definition of one version of a valid CRD. */
export function definitionOfCrd(crd: CustomResourceDefinition, version: CrdVersion): Definition {
  const { group, names, scope } = crd.spec;
  const resource: Resource = {
    group,
    version: version.name,
    plural: names.plural,
    kind: names.kind,
    namespaced: scope === 'Namespaced',
  };
  const root = version.schema?.openAPIV3Schema ?? {};
  const properties = Object.entries(root.properties ?? {}).filter(([name]) => !TYPE_AND_META.has(name));
  const metadata = root.properties?.['metadata'];
  const columns = version.additionalPrinterColumns ?? [];
  const schema = { ...root, properties: Object.fromEntries(properties) };
  const rules = compileRules(root);
  return {
    resource,
    listKind: names.listKind ?? `${names.kind}List`,
    singular: names.singular ?? names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    hasStatus: version.subresources?.status !== undefined,
    hasGeneration: true,
    schema,
    columns: [NAME, ...(columns.length === 0 ? [AGE] : columns.map(columnOfCrd))],
    strategy: {
      validate: (object, old) => [
        // A CRD may narrow metadata.name and generateName, nothing else of metadata.
        ...(metadata === undefined ? [] : validateSchema(metadata, object.metadata, 'metadata')),
        // Rules may rely on the schema: they are not asked about an object of another shape.
        ...(rules === undefined || validateSchema(schema, object, '').length > 0
          ? []
          : validateRules(rules, object, old).faults),
      ],
      warnings: (object, old) =>
        rules === undefined || old === undefined
          ? []
          : validateRules(rules, object, old).kept.map((fault) => formatFault(fault)),
    },
    custom: true,
  };
}

function columnOfCrd(column: CrdColumn): Column {
  const path = parseJsonPath(column.jsonPath);
  const type = COLUMN_TYPES.find((known) => known === column.type) ?? 'string';
  return {
    name: column.name,
    type,
    format: column.format ?? '',
    description:
      column.description ?? `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
    priority: column.priority ?? 0,
    cell: (object) => (path.ok ? cellOf(type, path.evaluate(object)[0]) : null),
  };
}

export const COLUMN_TYPES = ['string', 'integer', 'number', 'boolean', 'date'] as const;

/** A value that is not of its column's type leaves the cell empty, as kube-apiserver does. */
function cellOf(type: Column['type'], value: unknown): string | number | bigint | boolean | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint' && (type === 'integer' || type === 'number')) return value;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? value : null;
    case 'string':
      return typeof value === 'string' ? value : formatJson(value);
  }
}
