import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '../../../../src/core/allocation/decision.ts';
import { outsidePools, poolsFull } from '../../../../src/core/allocation/findings.ts';
import type { Readiness } from '../../../../src/core/status/readiness.ts';
import { conditionAt, readinessOf, sameReadiness } from '../../../../src/core/status/readiness.ts';
import { address, view } from '../../../support/allocation.ts';

const seen = { ...view('a'), heldFromPool: 'p' };
const from = [address('192.0.2.1')];
const near = (text: string) => ({ address: address(text), pool: 'q' });
const why = outsidePools(
  seen,
  { path: 'status.loadBalancer.ingress', address: address('192.0.2.1') },
  near('192.0.2.9'),
);
const full = poolsFull(seen, [{ name: 'q' }]);

const has = (text: string, rest: Partial<Extract<Decision, { kind: 'assigned' }>> = {}): Decision => ({
  kind: 'assigned',
  addresses: [address(text)],
  pool: 'q',
  findings: [],
  ...rest,
});
const lost: Decision = { kind: 'waiting', finding: full, released: from, lost: why };
const waits: Decision = { kind: 'waiting', finding: full, released: [] };

function said(decision: Decision): Readiness {
  const readiness = readinessOf(seen, decision);
  assert.ok(readiness);
  return readiness;
}

/** What the condition says after these decisions, one after the other. */
function after(...decisions: Decision[]): string {
  let stored: ReturnType<typeof conditionAt> | undefined;
  for (const decision of decisions) {
    const readiness = said(decision);
    if (!sameReadiness(stored, readiness)) stored = conditionAt(readiness, stored, '2026-01-01T00:00:00Z');
    assert.ok(sameReadiness(stored, readiness), 'once it is stored there is nothing to write');
  }
  return stored?.message ?? '';
}

const MOVED = /; moved from 192\.0\.2\.1 of pool p: LB101 /;

test('what a Service had stays said as long as it has what it got instead', () => {
  const moves = has('192.0.2.9', { moved: { from, why } });
  assert.match(after(moves), MOVED);
  assert.match(after(moves, has('192.0.2.9')), MOVED);
  assert.match(after(moves, has('192.0.2.9', { findings: [full] })), MOVED, 'beside other news');
  assert.doesNotMatch(after(moves, has('192.0.2.8')), MOVED, 'its author moved it since');
});

test('what a Service lost stays said while it waits, and then is where it moved from', () => {
  assert.match(after(lost, waits), /; lost 192\.0\.2\.1 of pool p: LB101 /);
  assert.match(after(lost, waits, has('192.0.2.9'), has('192.0.2.9')), MOVED);
  assert.doesNotMatch(after(lost, has('192.0.2.9'), waits), /192\.0\.2\.1/);
});

test('neither the address nor the pools offered are a reason to say it again', () => {
  const other = poolsFull(seen, [{ name: 'q' }, { name: 'r' }]);
  assert.ok(sameReadiness(said({ ...waits, finding: full }), said({ ...waits, finding: other })));
  const moved = said(has('192.0.2.9', { moved: { from, why } }));
  assert.ok(
    sameReadiness({ ...moved, message: moved.message.replaceAll('192.0.2.9 (', '192.0.2.7 (') }, moved),
  );
  assert.ok(!sameReadiness(moved, said(has('192.0.2.9', { moved: { from: [address('192.0.2.3')], why } }))));
});

test('users who write such words are taken by their word, and it rests', () => {
  const words = 'oops; moved from 192.0.2.1 of pool p: LB101 x';
  const finding = { ...full, message: `metadata.annotations[a] ${words} is not an IP address` };
  after({ kind: 'waiting', finding, released: [] }, { kind: 'waiting', finding, released: [] });
});
