import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../../../src/api/findings.ts';
import type { Condition, KubeObject } from '../../../../src/api/meta.ts';
import { planValidity } from '../../../../src/core/status/object-validity.ts';

const NOW = '2026-11-21T10:00:00Z';
const LATER = '2026-11-21T11:00:00Z';

const fault = (path: string, code: Finding['code'] = 'LB210'): Finding => ({
  code,
  object: { kind: 'L2Advertisement', namespace: 'metallb-system', name: 'a' },
  path,
  message: `${path} is wrong`,
});

interface Reported extends KubeObject {
  status?: { assignedIPv4?: number; conditions?: Condition[] };
}

/** The object after its status was written, as many times as there is something to write. */
function written(
  object: Reported,
  faults: readonly Finding[],
  now: string,
  kind = 'L2Advertisement',
): Reported {
  const body = planValidity(kind, object, faults, now) as Reported | undefined;
  if (body === undefined) return object;
  const after = { ...object, status: { ...object.status, ...body.status } };
  assert.equal(planValidity(kind, after, faults, now), undefined, 'once is enough');
  return after;
}

const bare: Reported = { metadata: { name: 'a', generation: 3, resourceVersion: '7' } };

test('an object without faults has no condition; one with faults has them all, and True once they are mended', () => {
  assert.equal(planValidity('L2Advertisement', bare, [], NOW), undefined);
  const broken = written(bare, [fault('spec.a'), fault('spec.b', 'LB206')], NOW);
  const condition = {
    type: 'cleat.dev/Valid',
    status: 'False',
    reason: 'MalformedField',
    message: 'LB210 spec.a is wrong; LB206 spec.b is wrong',
    observedGeneration: 3,
    lastTransitionTime: NOW,
  };
  assert.deepEqual(broken.status, { conditions: [condition] });
  const edited = { ...broken, metadata: { ...broken.metadata, generation: 4 } };
  const [still] = written(edited, [fault('spec.a')], LATER).status?.conditions ?? [];
  assert.deepEqual([still?.observedGeneration, still?.lastTransitionTime], [4, NOW]);
  const [mended] = written(edited, [], LATER).status?.conditions ?? [];
  assert.deepEqual(mended, {
    ...condition,
    status: 'True',
    reason: 'Valid',
    message: '',
    observedGeneration: 4,
    lastTransitionTime: LATER,
  });
});

test('conditions of others stay, and the write is bound to the version that had them', () => {
  const other: Condition = {
    type: 'Seen',
    status: 'True',
    reason: 'Yes',
    message: '',
    lastTransitionTime: NOW,
  };
  const object = { ...bare, status: { conditions: [other] } };
  const body = planValidity('L2Advertisement', object, [fault('spec.a')], NOW) as Reported;
  assert.deepEqual(body.metadata, { resourceVersion: '7' });
  assert.deepEqual(
    body.status?.conditions?.map(({ type }) => type),
    ['Seen', 'cleat.dev/Valid'],
  );
});

test('the status of a pool has counters, as its schema wants, and those that are there stay', () => {
  const counts = { assignedIPv4: 0, assignedIPv6: 0, availableIPv4: 0, availableIPv6: 0 };
  const { conditions: _, ...first } =
    written(bare, [fault('spec.addresses')], NOW, 'IPAddressPool').status ?? {};
  assert.deepEqual(first, counts);
  const counted: Reported = { ...bare, status: { ...counts, assignedIPv4: 2 } };
  const body = planValidity('IPAddressPool', counted, [fault('spec.addresses')], NOW) as Reported;
  assert.deepEqual(Object.keys(body.status ?? {}), ['conditions']);
});

test('a message is as long as the API server takes it', () => {
  const faults = Array.from({ length: 2000 }, (_, index) => fault(`spec.addresses[${index}]`));
  const [condition] = written(bare, faults, NOW).status?.conditions ?? [];
  assert.equal(condition?.message.length, 32_768);
});
