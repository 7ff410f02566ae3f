/** BFDProfile objects: MetalLB's bounds (internal/config/config.go, bfdProfileFromCR). */
import type { Fields } from './read.ts';
import { readBoolean, readFields, readInteger } from './read.ts';
import type { Report } from './report.ts';
import type { BfdProfile } from './snapshot.ts';

const INTERVAL_MS = { min: 10, max: 60_000 };

export function readBfdProfile(object: Fields, report: Report): BfdProfile {
  const spec = readFields(object['spec'], 'spec', report);
  const { name } = readFields(object['metadata'], 'metadata', report);
  const number = <K extends string>(
    key: K,
    field: string,
    bounds: { min: number; max: number },
  ): Partial<Record<K, number>> => {
    const absent = 0;
    const value = readInteger(spec[field], `spec.${field}`, report, { absent, ...bounds });
    return value === absent ? {} : ({ [key]: value } as Partial<Record<K, number>>);
  };
  const flag = (field: string): boolean => readBoolean(spec[field], `spec.${field}`, report, false);
  return {
    source: report.origin.object,
    name: typeof name === 'string' ? name : '',
    ...number('receiveIntervalMs', 'receiveInterval', INTERVAL_MS),
    ...number('transmitIntervalMs', 'transmitInterval', INTERVAL_MS),
    ...number('detectMultiplier', 'detectMultiplier', { min: 2, max: 255 }),
    ...number('echoIntervalMs', 'echoInterval', INTERVAL_MS),
    echoMode: flag('echoMode'),
    passiveMode: flag('passiveMode'),
    ...number('minimumTtl', 'minimumTtl', { min: 1, max: 254 }),
  };
}
