/** What the ledger keeps for a Service is less than 1 kB on the heap, however many there are. Bytes are counted, not time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Ledger } from '../../src/core/allocation/ledger.ts';
import { plan } from '../../src/core/allocation/plan.ts';
import type { ServiceText } from '../support/allocation.ts';
import { pool, snapshotOf, view } from '../support/allocation.ts';

const BUDGET_BYTES = 1024;
const FIRST = 5_000;
const COUNTED = 20_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes for each Service after the first thousands: what is compiled and set up once is not theirs. */
function bytesOfEach(text: (index: number) => ServiceText): number {
  const snapshot = snapshotOf([pool('p', ['10.0.0.0/8', '2001:db8::/64'])]);
  const ledger = new Ledger();
  ledger.setPools(snapshot);
  const heapWith = (from: number, to: number): number => {
    for (let index = from; index < to; index += 1) {
      const each = view(`service-${index}`, text(index));
      ledger.settle(each, plan(ledger, snapshot, each));
    }
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = heapWith(0, FIRST);
  const bytes = (heapWith(FIRST, FIRST + COUNTED) - before) / COUNTED;
  assert.ok(ledger.counts('p').assignedIPv4 > 0n);
  return bytes;
}

const KINDS: Readonly<Record<string, (index: number) => ServiceText>> = {
  'with one address': () => ({}),
  'with two addresses': () => ({ families: ['IPv4', 'IPv6'], spec: { ipFamilyPolicy: 'RequireDualStack' } }),
  'that share, ten to an address': (index) => ({
    annotations: { 'allow-shared-ip': `key-${Math.floor(index / 10)}` },
    spec: { ports: [{ port: 80 + (index % 10) }] },
  }),
};
for (const [kind, text] of Object.entries(KINDS)) {
  test(`Services ${kind}`, () => {
    const bytes = bytesOfEach(text);
    assert.ok(bytes < BUDGET_BYTES, `${Math.round(bytes)} bytes for each`);
    assert.ok(bytes > 50, 'something was counted');
  });
}
