import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '../../../../src/core/allocation/decision.ts';
import { malformed, noClusterIp, noPools, oneFamilyOnly } from '../../../../src/core/allocation/findings.ts';
import type { Told } from '../../../../src/core/status/service-events.ts';
import { eventsOf, toldBy, toldInStatus } from '../../../../src/core/status/service-events.ts';
import type { ServiceText } from '../../../support/allocation.ts';
import { address, service, view } from '../../../support/allocation.ts';

const seen = view('a');
const NOTHING: Told = { addresses: [], readiness: undefined };
const finding = noPools(seen);
const sentence =
  'LB105 spec.type LoadBalancer needs an address, but there is no address pool; create an IPAddressPool';

function assigned(...ips: string[]): Extract<Decision, { kind: 'assigned' }> {
  return { kind: 'assigned', addresses: ips.map(address), pool: 'p', findings: [] };
}

function lines(before: Told, decision: Decision, text: ServiceText = {}): string[] {
  return eventsOf(view('a', text), service('a', text), before, decision).map(
    ({ type, reason, message }) => `${type} ${reason} ${message}`,
  );
}

test('an address is told once, as MetalLB tells it', () => {
  const one = assigned('192.0.2.1');
  assert.deepEqual(lines(NOTHING, one), ['Normal IPAllocated Assigned IP ["192.0.2.1"]']);
  assert.deepEqual(lines(NOTHING, assigned('192.0.2.1', 'fd00::1')), [
    'Normal IPAllocated Assigned IP ["192.0.2.1" "fd00::1"]',
  ]);
  assert.deepEqual(lines(toldBy(seen, one), one), []);
  assert.deepEqual(lines(toldBy(seen, one), assigned('192.0.2.1', 'fd00::1')), [
    'Normal IPAllocated Assigned additional IP "fd00::1"',
  ]);
  assert.deepEqual(lines(toldBy(seen, one), assigned('192.0.2.2')), [
    'Normal IPAllocated Assigned IP ["192.0.2.2"]',
  ]);
});

test('a refusal is told once for each reason', () => {
  const waiting: Decision = { kind: 'waiting', finding, released: [] };
  const told = [`Warning AllocationFailed Failed to allocate IP for "default/a": ${sentence}`];
  assert.deepEqual(lines(NOTHING, waiting), told);
  assert.deepEqual(lines(toldBy(seen, waiting), waiting), []);
  const broken: Decision = {
    kind: 'waiting',
    finding: malformed(seen, { kind: 'malformed', path: 'spec.loadBalancerIP', text: 'x', why: 'is odd' }),
    released: [],
  };
  assert.deepEqual(lines(toldBy(seen, waiting), broken), [
    'Warning LoadBalancerFailed invalid requested loadbalancer IPs: LB102 spec.loadBalancerIP x is odd; write one IPv4 or IPv6 address',
  ]);
  assert.deepEqual(lines(toldBy(seen, broken), { ...assigned('192.0.2.1'), findings: [broken.finding] }), [
    'Normal IPAllocated Assigned IP ["192.0.2.1"]',
    'Warning LoadBalancerFailed invalid requested loadbalancer IPs: LB102 spec.loadBalancerIP x is odd; write one IPv4 or IPv6 address',
  ]);
});

test('what the configuration takes away is told before what comes of it', () => {
  const before = toldBy(seen, assigned('192.0.2.1'));
  const cleared = `Normal ClearAssignment current IP for "default/a" not allowed by config, will attempt for new IP assignment: ${sentence}`;
  const moved = { from: [address('192.0.2.1')], why: finding };
  assert.deepEqual(lines(before, { ...assigned('192.0.2.2'), moved }), [
    cleared,
    'Normal IPAllocated Assigned IP ["192.0.2.2"]',
  ]);
  assert.deepEqual(lines(before, { kind: 'waiting', finding, released: moved.from, lost: finding }), [
    cleared,
    `Warning AllocationFailed Failed to allocate IP for "default/a": ${sentence}`,
  ]);
});

test('special cases of MetalLB', () => {
  const required: ServiceText = { spec: { ipFamilyPolicy: 'RequireDualStack' } };
  const waiting: Decision = { kind: 'waiting', finding: noClusterIp(view('a', required)), released: [] };
  assert.deepEqual(lines(NOTHING, waiting, required), [
    'Warning not enough clusterips Service requires dual stack but not enough clusterips [10.96.0.1]',
  ]);
  const half = { ...assigned('192.0.2.1'), findings: [oneFamilyOnly(seen, 'IPv6', 'p')] };
  assert.match(
    lines(toldBy(seen, assigned('192.0.2.1')), half).join(),
    /^Normal AdditionalAssignFailed cannot assign additional IP in PreferDualStack: LB111 /,
  );
  const legacy = { annotations: { 'metallb.universe.tf/address-pool': 'p' } };
  assert.deepEqual(lines(NOTHING, assigned('192.0.2.1'), legacy), [
    'Warning deprecatedAnnotation Service uses deprecated annotation metallb.universe.tf/address-pool',
    'Normal IPAllocated Assigned IP ["192.0.2.1"]',
  ]);
  assert.deepEqual(lines(toldBy(seen, assigned('192.0.2.1')), assigned('192.0.2.1'), legacy), []);
});

test('nothing is told of what is not ours, nor again after a restart', () => {
  assert.deepEqual(lines(toldBy(seen, assigned('192.0.2.1')), { kind: 'foreign', released: [] }), []);
  const stored = service('a', { held: ['192.0.2.1'] });
  assert.deepEqual(
    lines(toldInStatus(view('a', { held: ['192.0.2.1'] }), stored), assigned('192.0.2.1')),
    [],
  );
  const waiting: Decision = { kind: 'waiting', finding, released: [] };
  stored.status = {
    conditions: [
      {
        type: 'cleat.dev/AddressReady',
        status: 'False',
        reason: 'NoPools',
        message: sentence,
        lastTransitionTime: '',
      },
    ],
  };
  assert.deepEqual(lines(toldInStatus(seen, stored), waiting), []);
});
