/** core/v1 ConfigMap and Secret: keys and values, which may be declared unchangeable. */
import { CONFIG_MAPS, SECRETS } from '../../../api/kubernetes.ts';
import type { ConfigMap, Secret } from '../../../api/kubernetes.ts';
import type { Definition, FieldFault, Stored } from '../definition.ts';
import { sameJson } from '../json.ts';
import { faultsOfConfigKey } from '../schema/names.ts';
import { AGE, FLAG, NAME, object, TEXT, textColumn, TEXTS_BY_NAME } from './parts.ts';

/** All values together, in bytes. */
const LIMIT = 1024 * 1024;
const BASE64_BY_NAME = { type: 'object', additionalProperties: { type: 'string', format: 'byte' } } as const;

export const CONFIG_MAP: Definition = {
  resource: CONFIG_MAPS,
  listKind: 'ConfigMapList',
  singular: 'configmap',
  shortNames: ['cm'],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  schema: object({ data: TEXTS_BY_NAME, binaryData: BASE64_BY_NAME, immutable: FLAG }),
  columns: [NAME, { name: 'Data', type: 'string', cell: (stored) => countOf(stored as ConfigMap) }, AGE],
  strategy: {
    validate: (stored, old) => {
      const map = stored as ConfigMap;
      const faults = [...keyFaults('data', map.data), ...keyFaults('binaryData', map.binaryData)];
      for (const key of Object.keys(map.binaryData ?? {}))
        if (map.data !== undefined && Object.hasOwn(map.data, key))
          faults.push({
            reason: 'Invalid',
            path: `data[${key}]`,
            value: key,
            message: 'duplicate of key present in binaryData',
          });
      if (sizeOf(map.data, 'utf8') + sizeOf(map.binaryData, 'base64') > LIMIT) faults.push(tooLong('data'));
      return [...faults, ...immutableFaults(stored, old, ['data', 'binaryData'])];
    },
  },
  custom: false,
};

export const SECRET: Definition = {
  resource: SECRETS,
  listKind: 'SecretList',
  singular: 'secret',
  shortNames: [],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  schema: object({
    type: { ...TEXT, default: 'Opaque' },
    data: BASE64_BY_NAME,
    stringData: TEXTS_BY_NAME,
    immutable: FLAG,
  }),
  columns: [
    NAME,
    textColumn('Type', (stored) => (stored as Secret).type ?? ''),
    {
      name: 'Data',
      type: 'string',
      cell: (stored) => Object.keys((stored as Secret).data ?? {}).length,
    },
    AGE,
  ],
  strategy: {
    setDefaults: (stored) => {
      const secret = stored as Secret;
      const plain = Object.entries(secret.stringData ?? {});
      if (plain.length > 0)
        secret.data = {
          ...secret.data,
          ...Object.fromEntries(plain.map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
        };
      delete secret.stringData;
    },
    validate: (stored, old) => {
      const secret = stored as Secret;
      const faults = keyFaults('data', secret.data);
      if (sizeOf(secret.data, 'base64') > LIMIT) faults.push(tooLong('data'));
      if (old !== undefined && secret.type !== (old as Secret).type)
        faults.push({ reason: 'Invalid', path: 'type', value: secret.type, message: 'field is immutable' });
      if (secret.type === 'kubernetes.io/tls')
        for (const key of ['tls.crt', 'tls.key'])
          if (secret.data?.[key] === undefined)
            faults.push({ reason: 'Required', path: `data[${key}]`, message: '' });
      return [...faults, ...immutableFaults(stored, old, ['data'])];
    },
  },
  custom: false,
};

function countOf(map: ConfigMap): number {
  return Object.keys(map.data ?? {}).length + Object.keys(map.binaryData ?? {}).length;
}

function keyFaults(path: string, values: Record<string, string> | undefined): FieldFault[] {
  return Object.keys(values ?? {}).flatMap((key) =>
    faultsOfConfigKey(key).map((message) => ({
      reason: 'Invalid' as const,
      path: `${path}[${key}]`,
      value: key,
      message,
    })),
  );
}

function immutableFaults(stored: Stored, old: Stored | undefined, fields: readonly string[]): FieldFault[] {
  if (old?.['immutable'] !== true) return [];
  const message = 'field is immutable when `immutable` is set';
  const faults: FieldFault[] =
    stored['immutable'] === true ? [] : [{ reason: 'Forbidden', path: 'immutable', message }];
  for (const field of fields)
    if (!sameJson(stored[field] ?? {}, old[field] ?? {}))
      faults.push({ reason: 'Forbidden', path: field, message });
  return faults;
}

function sizeOf(values: Record<string, string> | undefined, encoding: 'utf8' | 'base64'): number {
  return Object.values(values ?? {}).reduce((sum, value) => sum + Buffer.byteLength(value, encoding), 0);
}

function tooLong(path: string): FieldFault {
  return { reason: 'TooLong', path, message: `may not be more than ${LIMIT} bytes` };
}
