import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../../../src/api/findings.ts';
import { configurationStatus } from '../../../../src/core/status/configuration-state.ts';

const TYPE = 'poolReconcilerValid';
const EARLY = '2026-01-01T00:00:00.000Z';
const LATE = '2026-01-02T00:00:00.000Z';

function finding(code: Finding['code'], message = 'spec.x is wrong'): Finding {
  const object = { kind: 'IPAddressPool', namespace: 'metallb-system', name: 'p' };
  return { code, object, path: 'spec.x', message };
}

const SAID = 'configuration error: IPAddressPool metallb-system/p: LB201 spec.x is wrong';

test('1.11 without faults, warnings or not', () => {
  const valid = {
    result: 'Valid' as const,
    errorSummary: '',
    conditions: [
      { type: TYPE, status: 'True', reason: 'Reconciled', message: '', lastTransitionTime: EARLY },
    ],
  };
  assert.deepEqual(configurationStatus(TYPE, [], undefined, EARLY), valid);
  assert.deepEqual(configurationStatus(TYPE, [finding('LB212')], undefined, EARLY), valid);
});

test('1.11 with faults, all of them', () => {
  const findings = [finding('LB201'), finding('LB212', 'spec.y is odd'), finding('LB203', 'spec.z is empty')];
  const message = `${SAID}; IPAddressPool metallb-system/p: LB203 spec.z is empty`;
  const condition = {
    type: TYPE,
    status: 'False',
    reason: 'ConfigurationError',
    message,
    lastTransitionTime: EARLY,
  };
  assert.deepEqual(configurationStatus(TYPE, findings, undefined, EARLY), {
    result: 'Invalid',
    errorSummary: message,
    conditions: [condition],
  });
});

test('nothing is written where all is said, and the time is that of the last transition', () => {
  const invalid = configurationStatus(TYPE, [finding('LB201')], undefined, EARLY);
  assert.equal(configurationStatus(TYPE, [finding('LB201')], invalid, LATE), undefined);
  const times = [[finding('LB203')], []].map(
    (findings) => configurationStatus(TYPE, findings, invalid, LATE)?.conditions?.[0]?.lastTransitionTime,
  );
  assert.deepEqual(times, [EARLY, LATE]);
  const valid = configurationStatus(TYPE, [], undefined, EARLY);
  // The API server leaves an empty text out where a user cleared it.
  const { errorSummary: _, ...cleared } = valid ?? {};
  assert.equal(configurationStatus(TYPE, [], cleared, LATE), undefined);
});

test('what others wrote there does not count', () => {
  const foreign = {
    type: 'other',
    status: 'True',
    reason: 'X',
    message: '',
    lastTransitionTime: EARLY,
  } as const;
  const status = configurationStatus(TYPE, [], { result: 'Valid', conditions: [foreign] }, LATE);
  assert.deepEqual(
    status?.conditions?.map(({ type }) => type),
    [TYPE],
  );
});

test('the message is never longer than the API server takes', () => {
  const findings = Array.from({ length: 2_000 }, (_, index) => finding('LB201', `spec.x ${index} is wrong`));
  const message = configurationStatus(TYPE, findings, undefined, EARLY)?.conditions?.[0]?.message ?? '';
  assert.equal(message.length, 32_768);
  assert.ok(message.endsWith('…'));
});
