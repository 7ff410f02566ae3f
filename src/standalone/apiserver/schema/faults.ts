/** Faults of fields as text and as the 422 answer, word for word as kube-apiserver gives them. */
import type { Resource } from '../../../api/meta.ts';
import type { FieldFault } from '../definition.ts';
import { ApiError } from '../definition.ts';
import { formatJson } from '../exact-json.ts';

const WORDS = {
  Invalid: 'Invalid value',
  TypeInvalid: 'Invalid value',
  Required: 'Required value',
  NotSupported: 'Unsupported value',
  Forbidden: 'Forbidden',
  Duplicate: 'Duplicate value',
  TooLong: 'Too long',
  TooMany: 'Too many',
} as const satisfies Record<FieldFault['reason'], string>;

/** These never show the value. */
const WITHOUT_VALUE: ReadonlySet<FieldFault['reason']> = new Set(['Required', 'Forbidden', 'TooLong']);

/** `Invalid value: 0: must be between 1 and 65535, inclusive`: the fault without its path. */
function formatFaultBody(fault: FieldFault): string {
  const value =
    WITHOUT_VALUE.has(fault.reason) || fault.value === undefined ? '' : `: ${formatJson(fault.value)}`;
  return `${WORDS[fault.reason]}${value}${fault.message === '' ? '' : `: ${fault.message}`}`;
}

export function formatFault(fault: FieldFault): string {
  return `${fault.path === '' ? '<nil>' : fault.path}: ${formatFaultBody(fault)}`;
}

/** The 422 answer to the options of a request: `PatchOptions.meta.k8s.io "" is invalid: …`. */
export function invalidOptions(kind: string, ...faults: readonly FieldFault[]): ApiError {
  return invalidObject(
    { group: 'meta.k8s.io', version: 'v1', plural: '', kind, namespaced: false },
    '',
    faults,
  );
}

/** The 422 answer to an object with faults: `Service "x" is invalid: …`, with one cause a fault. */
export function invalidObject(resource: Resource, name: string, faults: readonly FieldFault[]): ApiError {
  const texts = [...new Set(faults.map(formatFault))];
  const kind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${kind} ${JSON.stringify(name)} is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`,
    details: {
      ...(name === '' ? {} : { name }),
      ...(resource.group === '' ? {} : { group: resource.group }),
      kind: resource.kind,
      causes: faults.map((fault) => ({
        reason: `FieldValue${fault.reason}`,
        message: formatFaultBody(fault),
        field: fault.path === '' ? '<nil>' : fault.path,
      })),
    },
  });
}
