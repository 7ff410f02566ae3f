/** The options of a request, which are its query: what kube-apiserver refuses in them it refuses with a 422 that names them. */
import type { FieldFault } from '../definition.ts';
import { invalidOptions } from '../schema/faults.ts';

const MANAGER_LIMIT_BYTES = 128;
const KINDS: Readonly<Record<string, string>> = {
  POST: 'CreateOptions',
  PUT: 'UpdateOptions',
  PATCH: 'PatchOptions',
  DELETE: 'DeleteOptions',
};

/** Throws a 422 for options of a write that cannot be. `isApply` says that the body is an applied configuration. */
export function checkWriteOptions(method: string, query: URLSearchParams, isApply: boolean): void {
  const kind = KINDS[method];
  if (kind === undefined) return;
  const faults = [...dryRunFaults(query.getAll('dryRun'))];
  if (method !== 'DELETE') faults.push(...managerFaults(query), ...validationFaults(query));
  if (method === 'PATCH') {
    if (isApply && (query.get('fieldManager') ?? '') === '')
      faults.push({ reason: 'Required', path: 'fieldManager', message: 'is required for apply patch' });
    if (!isApply && query.has('force'))
      faults.push({
        reason: 'Forbidden',
        path: 'force',
        message: 'may not be specified for non-apply patch',
      });
  }
  if (faults.length > 0) throw invalidOptions(kind, ...faults);
}

/** Nothing but All is known. */
export function dryRunFaults(values: readonly unknown[]): FieldFault[] {
  const given = values.filter((value) => value !== '');
  if (given.every((value) => value === 'All')) return [];
  return [{ reason: 'NotSupported', path: 'dryRun', value: given, message: 'supported values: "All"' }];
}

function managerFaults(query: URLSearchParams): FieldFault[] {
  if (Buffer.byteLength(query.get('fieldManager') ?? '') <= MANAGER_LIMIT_BYTES) return [];
  const message = `may not be more than ${MANAGER_LIMIT_BYTES} bytes`;
  return [{ reason: 'TooLong', path: 'fieldManager', message }];
}

function validationFaults(query: URLSearchParams): FieldFault[] {
  const value = query.get('fieldValidation') ?? '';
  if (['', 'Ignore', 'Warn', 'Strict'].includes(value)) return [];
  const message = 'supported values: "", "Ignore", "Strict", "Warn"';
  return [{ reason: 'NotSupported', path: 'fieldValidation', value, message }];
}

/** Throws a 422 where a list or a watch asks for versions in a way that cannot be. */
export function checkListOptions(query: URLSearchParams, isWatch: boolean): void {
  const match = query.get('resourceVersionMatch') ?? '';
  const faults = isWatch ? watchFaults(query, match) : listFaults(query, match);
  if (faults.length > 0) throw invalidOptions('ListOptions', ...faults);
}

function watchFaults(query: URLSearchParams, match: string): FieldFault[] {
  const path = 'resourceVersionMatch';
  if (!query.has('sendInitialEvents')) {
    const message = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
    return match === '' ? [] : [{ reason: 'Forbidden', path, message }];
  }
  if (match === 'NotOlderThan') return [];
  const message = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
  const faults: FieldFault[] = [{ reason: 'Forbidden', path, message }];
  if (match !== '')
    faults.push({ reason: 'NotSupported', path, value: match, message: 'supported values: "NotOlderThan"' });
  return faults;
}

function listFaults(query: URLSearchParams, match: string): FieldFault[] {
  if (match === '') return [];
  const path = 'resourceVersionMatch';
  const version = query.get('resourceVersion') ?? '';
  if (version === '') {
    const message = 'resourceVersionMatch is forbidden unless resourceVersion is provided';
    return [{ reason: 'Forbidden', path, message }];
  }
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    const message = 'supported values: "Exact", "NotOlderThan", ""';
    return [{ reason: 'NotSupported', path, value: match, message }];
  }
  if (match !== 'Exact' || version !== '0') return [];
  const message = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"';
  return [{ reason: 'Forbidden', path, message }];
}
