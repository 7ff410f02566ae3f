import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../../../src/api/findings.ts';
import * as findings from '../../../../src/core/allocation/findings.ts';
import { address, pool, snapshotOf, view } from '../../../support/allocation.ts';

const fullOfTwo = {
  counts: () => ({ assignedIPv4: 2n, assignedIPv6: 0n, availableIPv4: 0n, availableIPv6: 5n }),
};
const IP = '192.0.2.1';
const asked = { path: 'spec.loadBalancerIP', address: address(IP) };
const near = { address: address('192.0.2.2'), pool: 'p' };
const named = { pool: 'gold', path: 'metadata.annotations[metallb.io/address-pool]' };
const shut = snapshotOf([
  pool('gold', [`${IP}/32`], { serviceAllocation: { namespaces: ['vip'] } }),
]).pools.get('gold');
assert.ok(shut);
const seen = view('web', { families: ['IPv4', 'IPv6'], annotations: { 'allow-shared-ip': 'mine' } });

/** Every sentence there is, in every form. */
const ALL: readonly Finding[] = [
  findings.outsidePools(seen, asked, near),
  findings.outsidePools(seen, asked, undefined),
  findings.inTwoPools(seen, asked.path, `${IP},2001:db8::1`, ['a', 'b']),
  findings.malformed(seen, {
    kind: 'malformed',
    path: asked.path,
    text: 'oops',
    why: 'is not an IP address',
  }),
  findings.conflicting(seen, {
    kind: 'conflicting',
    path: named.path,
    text: IP,
    other: `spec.loadBalancerIP ${IP}`,
  }),
  findings.inOtherPool(seen, asked, 'silver', named, near),
  findings.poolNotFound(
    seen,
    named,
    Array.from('abcdefg', (name) => ({ name })),
  ),
  findings.poolNotFound(seen, named, []),
  findings.noPools(seen),
  findings.addressNotOpen(seen, asked, shut, near, undefined),
  findings.addressNotOpen(seen, asked, shut, near, 'team'),
  findings.poolNotOpen(seen, shut, named.path, [{ name: 'a' }], undefined),
  findings.held(seen, asked, { kind: 'exclusive', by: 'default/other' }, near),
  findings.held(seen, asked, { kind: 'sharing-key', by: 'default/other', theirs: 'k' }, near),
  findings.held(seen, asked, { kind: 'backend', by: 'default/other' }, near),
  findings.held(seen, asked, { kind: 'port', by: 'default/other', port: 'TCP/80' }, near),
  findings.beingGivenUp(seen, IP, 'default/other'),
  findings.avoided(seen, asked, 'p', near),
  findings.wrongFamilies(seen, asked.path, IP, ['IPv4']),
  findings.poolWithoutFamily(seen, named, ['IPv6']),
  findings.poolsFull(seen, [{ name: 'a' }], fullOfTwo),
  findings.poolFull(seen, named, fullOfTwo),
  findings.oneFamilyOnly(seen, 'IPv6', 'p'),
  findings.notAnnounced(seen, 'p'),
  findings.foreignClass(view('web', { spec: { loadBalancerClass: 'theirs' } })),
  findings.foreignClass({ ...seen, foreignClass: '' }, 'ours'),
  findings.notLoaded(seen),
  findings.noClusterIp({ ...seen, hasClusterIPs: false }),
  findings.noClusterIp(view('web', { spec: { ipFamilyPolicy: 'RequireDualStack' } })),
  findings.noOpenPool(seen, [{ name: 'a' }], undefined),
  findings.noOpenPool(seen, [], undefined),
  findings.noOpenPool(seen, [], { pools: [{ name: 'a' }], policy: 'p' }),
];

test('every code of a Service has its sentence here', () => {
  const codes = new Set(ALL.map(({ code }) => code));
  const expected = Array.from({ length: 16 }, (_, index) => `LB${101 + index}`);
  assert.deepEqual([...codes].sort(), expected);
});

test('each names object, path and value, and says what would be right', () => {
  for (const { object, path, value, message } of ALL) {
    assert.deepEqual(object, { kind: 'Service', namespace: 'default', name: 'web' });
    assert.ok(message.startsWith(value === undefined ? `${path} ` : `${path} ${value} `), message);
    assert.match(message, /;|as soon as/, message);
    assert.doesNotMatch(message, /immutable|undefined|\.$|\n/i, message);
  }
});

test('pools are named up to five, the rest counted', () => {
  const { message } = findings.poolNotFound(
    seen,
    named,
    Array.from('abcdefg', (name) => ({ name })),
  );
  assert.match(message, /: a, b, c, d, e and 2 more$/);
});

test('what users wrote is cut short and kept on one line', () => {
  const text = `${'x'.repeat(500)}\n\u0000immutable`;
  const { message, value } = findings.malformed(seen, {
    kind: 'malformed',
    path: 'spec.loadBalancerIP',
    text,
    why: 'is not an IP address',
  });
  assert.equal(value, text);
  assert.ok(message.length < 200, message);
  const short = findings.malformed(seen, {
    kind: 'malformed',
    path: 'p',
    text: 'a\nIMMUTABLE',
    why: 'is odd',
  });
  assert.match(short.message, /^p a\ufffdIM-MUTABLE is odd/);
});
