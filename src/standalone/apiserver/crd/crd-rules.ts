/** What a CustomResourceDefinition must be beyond its schema, with kube-apiserver's sentences, and what is refused here. */
import type { FieldFault } from '../definition.ts';
import { faultsOfLabel, faultsOfName, faultsOfSubdomain } from '../schema/names.ts';
import { COLUMN_TYPES } from './definition-of-crd.ts';
import type { CrdNames, CrdVersion, CustomResourceDefinition } from './definition-of-crd.ts';
import { parseJsonPath } from './json-path.ts';
import { structuralFaults } from './structural.ts';

/** `others` are the names taken in the CRD's group: those of other CRDs, or of the resources the server itself has there. */
export function crdFaults(
  crd: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
  others: readonly CrdNames[],
): FieldFault[] {
  const { spec, metadata } = crd;
  const faults = [...groupFaults(spec.group), ...nameFaults(spec.names, others), ...versionsFaults(crd)];
  const name = `${spec.names.plural}.${spec.group}`;
  if (metadata.name !== name)
    faults.push(invalid('metadata.name', metadata.name, `must be spec.names.plural+"."+spec.group`));
  if (spec.conversion !== undefined && spec.conversion.strategy !== 'None')
    faults.push({
      reason: 'NotSupported',
      path: 'spec.conversion.strategy',
      value: spec.conversion.strategy,
      message:
        'supported values: "None" (the embedded API server converts between versions by changing apiVersion only)',
    });
  for (const [index, version] of (crd.status?.storedVersions ?? []).entries())
    if (!spec.versions.some((known) => known.name === version))
      faults.push(invalid(`status.storedVersions[${index}]`, version, 'must appear in spec.versions'));
  if (old === undefined) return faults;
  const kept = 'field is immutable';
  if (spec.group !== old.spec.group) faults.push(invalid('spec.group', spec.group, kept));
  if (spec.scope !== old.spec.scope) faults.push(invalid('spec.scope', spec.scope, kept));
  if (spec.names.plural !== old.spec.names.plural)
    faults.push(invalid('spec.names.plural', spec.names.plural, kept));
  if (spec.names.kind !== old.spec.names.kind) faults.push(invalid('spec.names.kind', spec.names.kind, kept));
  return faults;
}

function groupFaults(group: string): FieldFault[] {
  const malformed = faultsOfSubdomain(group);
  if (malformed.length > 0) return malformed.map((message) => invalid('spec.group', group, message));
  return group.includes('.')
    ? []
    : [invalid('spec.group', group, 'should be a domain with at least one dot')];
}

function nameFaults(names: CrdNames, others: readonly CrdNames[]): FieldFault[] {
  const faults: FieldFault[] = [];
  const label = (field: string, value: string): void => {
    for (const message of faultsOfName('dns1035', value))
      faults.push(invalid(`spec.names.${field}`, value, message));
  };
  const singular = names.singular ?? '';
  label('plural', names.plural);
  label('singular', singular);
  label('kind', names.kind.toLowerCase());
  if (names.listKind !== undefined) label('listKind', names.listKind.toLowerCase());
  for (const [index, short] of (names.shortNames ?? []).entries()) label(`shortNames[${index}]`, short);
  for (const [index, category] of (names.categories ?? []).entries()) label(`categories[${index}]`, category);
  if (names.kind === names.listKind)
    faults.push(invalid('spec.names.listKind', names.listKind, 'kind and listKind may not be the same'));
  const taken = new Set(
    others.flatMap(({ plural, singular: one, shortNames }) => [plural, one ?? plural, ...(shortNames ?? [])]),
  );
  const kinds = new Set(others.flatMap(({ kind, listKind }) => [kind, listKind ?? `${kind}List`]));
  const clash = (field: string, value: string): void => {
    faults.push(invalid(`spec.names.${field}`, value, `${JSON.stringify(value)} is already in use`));
  };
  if (taken.has(names.plural)) clash('plural', names.plural);
  if (taken.has(singular)) clash('singular', singular);
  for (const [index, short] of (names.shortNames ?? []).entries())
    if (taken.has(short)) clash(`shortNames[${index}]`, short);
  if (kinds.has(names.kind)) clash('kind', names.kind);
  return faults;
}

function versionsFaults({ spec: { versions } }: CustomResourceDefinition): FieldFault[] {
  const faults = versions
    .flatMap((version, index) => versionFaults(version, `spec.versions[${index}]`))
    .map((fault) =>
      versions.length === 1
        ? {
            ...fault,
            path: fault.path.replace(
              /^spec\.versions\[0\]\.schema(?=\.openAPIV3Schema[.[])/,
              'spec.validation',
            ),
          }
        : fault,
    );
  for (const [index, { name }] of versions.entries())
    if (versions.findIndex((other) => other.name === name) < index)
      faults.push(invalid('spec.versions', name, 'must contain unique version names'));
  if (versions.filter(({ storage }) => storage).length !== 1)
    faults.push(
      invalid(
        'spec.versions',
        versions.map(({ name }) => name),
        'must have exactly one version marked as storage version',
      ),
    );
  return faults;
}

function versionFaults(version: CrdVersion, path: string): FieldFault[] {
  const faults = faultsOfLabel(version.name).map((message) => invalid(`${path}.name`, version.name, message));
  const schema = version.schema?.openAPIV3Schema;
  if (schema === undefined)
    faults.push({
      reason: 'Required',
      path: `${path}.schema.openAPIV3Schema`,
      message: 'schemas are required',
    });
  else faults.push(...structuralFaults(schema, `${path}.schema.openAPIV3Schema`));
  if (version.subresources?.scale !== undefined)
    faults.push({
      reason: 'Forbidden',
      path: `${path}.subresources.scale`,
      message: 'the embedded API server serves the status subresource only',
    });
  for (const [index, column] of (version.additionalPrinterColumns ?? []).entries()) {
    const at = `${path}.additionalPrinterColumns[${index}]`;
    if (!COLUMN_TYPES.some((type) => type === column.type)) {
      const supported = COLUMN_TYPES.map((type) => JSON.stringify(type)).join(', ');
      faults.push({
        reason: 'NotSupported',
        path: `${at}.type`,
        value: column.type,
        message: `supported values: ${supported}`,
      });
    }
    const parsed = parseJsonPath(column.jsonPath);
    if (!parsed.ok)
      faults.push(invalid(`${at}.jsonPath`, column.jsonPath, `is an invalid JSON path: ${parsed.why}`));
  }
  return faults;
}

function invalid(path: string, value: unknown, message: string): FieldFault {
  return { reason: 'Invalid', path, value: value ?? null, message };
}
