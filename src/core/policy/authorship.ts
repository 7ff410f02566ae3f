/**
 * Who wrote what of an object. Admission sees an object after the API server has filled in its own defaults, so that a field is
 * there does not say that its author wrote it; and some tools hold what is stored against their own text, so that no text of
 * theirs may be written in another way.
 */
import type { KubeObject } from '../../api/meta.ts';

/** What client-side `kubectl apply` leaves: the manifest as it was given. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const ARGO_CD_TRACKING = 'argocd.argoproj.io/tracking-id';
/**
 * Field managers that compare texts by themselves, without a dry run: Argo CD (its default diff), and Terraform's two kinds of
 * resources, one of which fails where a value comes back changed.
 */
const COMPARES_TEXT: ReadonlySet<string> = new Set(['argocd-controller', 'Terraform', 'HashiCorp']);

/** True where a tool would see a text of the object, written in another way, as a difference for ever. */
export function isComparedAsText({ metadata }: KubeObject): boolean {
  if (metadata.annotations?.[ARGO_CD_TRACKING] !== undefined) return true;
  return managersOf(metadata.managedFields).some(({ manager = '' }) => COMPARES_TEXT.has(manager));
}

/**
 * Whether the author wrote `spec.<field>`, as far as can be told. What differs from `given`, the API server's own default, was
 * written. Else the applied manifest says so, or who applied on the server. After a plain create nothing says so: managedFields
 * then name what was filled in as well.
 */
export function isWritten(object: KubeObject, field: string, given: unknown): boolean {
  const { spec } = object as { readonly spec?: Readonly<Record<string, unknown>> };
  const value = spec?.[field];
  if (value === undefined) return false;
  if (value !== given) return true;
  const { annotations, managedFields } = object.metadata;
  const applied = specApplied(annotations?.[LAST_APPLIED]);
  if (applied !== undefined) return Object.hasOwn(applied, field);
  const managers = managersOf(managedFields);
  // No API server leaves them out: this object comes as its author wrote it.
  if (managers.length === 0) return true;
  return managers.some(
    ({ operation, fieldsV1 }) =>
      operation === 'Apply' && Object.hasOwn(recordOf(recordOf(fieldsV1)['f:spec']), `f:${field}`),
  );
}

function specApplied(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  try {
    return recordOf(recordOf(JSON.parse(text))['spec']);
  } catch {
    return undefined;
  }
}

interface Manager {
  readonly manager?: string;
  readonly operation?: string;
  readonly fieldsV1?: unknown;
}

function managersOf(managedFields: unknown): readonly Manager[] {
  return Array.isArray(managedFields) ? managedFields.map(recordOf) : [];
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}
