import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { KubeObject } from '../../../../src/api/meta.ts';
import { judgeSet } from '../../../../src/core/policy/judge-set.ts';
import { advertisement, policy, pool, reservation, service } from '../../../support/allocation.ts';
import { namespace } from '../../../support/policy.ts';

const typed = (apiVersion: string, kind: string, object: object): KubeObject =>
  ({ apiVersion, kind, ...object }) as KubeObject;
const poolOf = (...args: Parameters<typeof pool>) =>
  typed('metallb.io/v1beta1', 'IPAddressPool', pool(...args));
const announced = typed('metallb.io/v1beta1', 'L2Advertisement', advertisement());
const namespaceOf = (...args: Parameters<typeof namespace>) => typed('v1', 'Namespace', namespace(...args));
const asking = (name: string, ip: string, more: object = {}) =>
  service(name, { spec: { loadBalancerIP: ip }, ...more });

function said(...objects: KubeObject[]): string[] {
  const judged = judgeSet(objects, {
    namespace: 'metallb-system',
    defaultLevel: 'deny',
    bgpType: 'native',
    sha256: (text) => createHash('sha256').update(text).digest(),
    readLegacy: () => undefined,
  });
  return judged.map(({ finding, level, object }) => `${level} ${finding.code} ${object?.metadata.name}`);
}

const first = poolOf('first', ['192.0.2.0/30']);

test('what is right is silent', () => {
  assert.deepEqual(said(first, announced, asking('web', '192.0.2.1'), service('any')), []);
  assert.deepEqual(said(), []);
  assert.deepEqual(said(typed('apps/v1', 'Deployment', { metadata: { name: 'web' } })), []);
});

test('findings come in the order of the objects, whoever gets what first', () => {
  assert.deepEqual(said(announced, asking('z', '192.0.2.9'), asking('a', 'x'), poolOf('second', ['y'])), [
    'deny LB201 second',
  ]);
  assert.deepEqual(said(first, announced, asking('z', '192.0.2.9'), asking('a', 'x')), [
    'deny LB101 z',
    'deny LB102 a',
  ]);
});

test('who has an address keeps it, then who asks for one gets it, then the others', () => {
  const set = [
    first,
    announced,
    service('any'),
    asking('wants', '192.0.2.0'),
    service('has', { held: ['192.0.2.1'] }),
    asking('late', '192.0.2.1'),
  ];
  assert.deepEqual(said(...set), ['deny LB107 late']);
  const more = ['a', 'b', 'c'].map((name) => service(name));
  assert.deepEqual(said(...set, ...more), ['deny LB107 late', 'warn LB111 b', 'warn LB111 c']);
});

test('a namespace that is not in the set may have any labels', () => {
  const serviceAllocation = { namespaceSelectors: [{ matchLabels: { team: 'a' } }] };
  const closed = poolOf('closed', ['192.0.2.0/30'], { serviceAllocation });
  const web = asking('web', '192.0.2.1');
  assert.deepEqual(said(closed, announced, web), ['warn LB106 web']);
  assert.deepEqual(said(closed, announced, web, namespaceOf('other', { team: 'a' })), ['warn LB106 web']);
  assert.deepEqual(
    said(closed, announced, web, namespaceOf('default'), namespaceOf('other', { team: 'a' })),
    ['deny LB106 web'],
  );
  assert.deepEqual(said(closed, announced, web, namespaceOf('default', { team: 'a' })), []);
});

test('a namespace’s level counts for what is in it', () => {
  const lax = namespaceOf('default', { 'cleat.dev/enforce': 'warn' });
  assert.deepEqual(said(first, announced, asking('web', '192.0.2.9'), lax), ['warn LB101 web']);
  const silent = namespaceOf('metallb-system', { 'cleat.dev/enforce': 'audit' });
  assert.deepEqual(said(poolOf('second', ['y']), announced, silent), ['audit LB201 second']);
});

test('beside objects with faults nothing is proven about pools, but what is malformed is', () => {
  const broken = poolOf('broken', ['x']);
  assert.deepEqual(said(first, broken, announced, asking('web', '192.0.2.9'), asking('bad', 'x')), [
    'deny LB201 broken',
    'warn LB101 web',
    'deny LB102 bad',
  ]);
  assert.deepEqual(said(first, broken, announced, asking('a', '192.0.2.1'), asking('b', '192.0.2.1')), [
    'deny LB201 broken',
    'deny LB107 b',
  ]);
});

test('an exception with a fault is left out, and all else of the set is judged as ever', () => {
  const exception = typed('cleat.dev/v1alpha1', 'PolicyException', { metadata: { name: 'e' }, spec: {} });
  const [fault, ...more] = said(first, announced, asking('web', '192.0.2.9'), exception).toReversed();
  assert.equal(fault, 'deny LB210 e');
  assert.equal(more.at(-1), 'deny LB101 web');
});

test('pools that are not in the set may be anything', () => {
  const own = [
    typed('cleat.dev/v1alpha1', 'AddressPolicy', policy('team', { pools: ['first', 'second'] })),
    typed(
      'cleat.dev/v1alpha1',
      'AddressReservation',
      reservation('kept', { addresses: ['192.0.2.9'], namespaces: ['a'] }),
    ),
  ];
  assert.deepEqual(said(...own), []);
  assert.deepEqual(said(...own, first, announced), ['warn LB235 team', 'warn LB237 kept']);
});

test('a Gateway is judged beside the Services of the set, its own known by its label', () => {
  const gateway = (ip: string): KubeObject =>
    typed('gateway.networking.k8s.io/v1', 'Gateway', {
      metadata: { name: 'edge' },
      spec: { addresses: [{ value: ip }] },
    });
  const labels = { 'gateway.networking.k8s.io/gateway-name': 'edge' };
  const own = asking('own', '192.0.2.1', { labels });
  assert.deepEqual(said(first, announced, own, gateway('192.0.2.1')), []);
  assert.deepEqual(said(first, announced, own, gateway('192.0.2.9')), ['deny LB101 edge']);
  assert.deepEqual(said(first, announced, asking('web', '192.0.2.1'), gateway('192.0.2.1')), [
    'warn LB107 edge',
  ]);
});

test('objects without a namespace are where they would come', () => {
  const here = { ...first, metadata: { name: 'first' } };
  const web = asking('web', '192.0.2.9');
  delete web.metadata.namespace;
  assert.deepEqual(said(here, announced, web), ['deny LB101 web']);
});
