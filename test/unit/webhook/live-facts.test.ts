import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { NAMESPACES, SERVICES } from '../../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS } from '../../../src/api/metallb.ts';
import { Configuration } from '../../../src/cluster/configuration.ts';
import { verdict } from '../../../src/core/policy/verdict.ts';
import { parseYaml } from '../../../src/platform/yaml.ts';
import { LiveFacts } from '../../../src/webhook/live-facts.ts';
import type { Service } from '../../../src/api/kubernetes.ts';
import { address, pool, service } from '../../support/allocation.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { change, deletion, namespace } from '../../support/policy.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { settle } from '../../support/virtual-clock.ts';

let kube: FakeKube;
let facts: LiveFacts;

async function start(): Promise<void> {
  const log = new RecordingLog();
  const configuration = new Configuration({ client: kube, namespace: 'metallb-system', parseYaml, log });
  const services = kube.observe<Service>(SERVICES);
  facts = new LiveFacts({ configuration, services, defaultLevel: 'deny' });
  facts.start();
  await configuration.start();
  await services.start();
  await settle();
}

function holders(ip: string): string[] {
  return facts.ledger.holdersOf(address(ip)).map(({ key }) => key);
}

beforeEach(() => {
  kube = new FakeKube();
  kube.put(IP_ADDRESS_POOLS, pool('default', ['192.0.2.0/28']));
});

test('nothing is loaded before pools and Services are listed', async () => {
  kube.hold(SERVICES);
  kube.hold(IP_ADDRESS_POOLS);
  await start();
  assert.deepEqual([facts.listed, facts.loaded], [false, false]);
  kube.release(IP_ADDRESS_POOLS);
  await settle();
  assert.deepEqual([facts.listed, facts.loaded], [true, false]);
  kube.release(SERVICES);
  await settle();
  assert.deepEqual([facts.listed, facts.loaded], [true, true]);
});

test('the ledger follows the status of Services, at once', async () => {
  await start();
  kube.put(SERVICES, service('a', { held: ['192.0.2.1'] }));
  assert.deepEqual(holders('192.0.2.1'), ['default/a']);
  kube.put(SERVICES, service('a', { held: ['192.0.2.2'] }));
  assert.deepEqual([holders('192.0.2.1'), holders('192.0.2.2')], [[], ['default/a']]);
  kube.put(SERVICES, service('a', { held: ['192.0.2.2'], spec: { type: 'ClusterIP' } }));
  assert.deepEqual(holders('192.0.2.2'), []);
  kube.put(SERVICES, service('a', { held: ['192.0.2.2'] }));
  kube.remove(SERVICES, { namespace: 'default', name: 'a' });
  assert.deepEqual(holders('192.0.2.2'), []);
});

test('Services listed before the pools hold their addresses once the pools are there', async () => {
  kube.hold(IP_ADDRESS_POOLS);
  kube.put(SERVICES, service('a', { held: ['192.0.2.1'] }));
  await start();
  assert.deepEqual(holders('192.0.2.1'), []);
  kube.release(IP_ADDRESS_POOLS);
  await settle();
  assert.deepEqual(holders('192.0.2.1'), ['default/a']);
});

test('an address whose pool went and came back is held again', async () => {
  kube.put(SERVICES, service('a', { held: ['192.0.2.1'] }));
  await start();
  kube.put(IP_ADDRESS_POOLS, pool('default', ['192.0.2.8/29']));
  await settle();
  assert.deepEqual(holders('192.0.2.1'), []);
  kube.put(IP_ADDRESS_POOLS, pool('default', ['192.0.2.0/28']));
  await settle();
  assert.deepEqual(holders('192.0.2.1'), ['default/a']);
});

test('two Services that show one address are both known', async () => {
  await start();
  kube.put(SERVICES, service('a', { held: ['192.0.2.1'] }));
  kube.put(SERVICES, service('b', { held: ['192.0.2.1'] }));
  assert.deepEqual(holders('192.0.2.1').toSorted(), ['default/a', 'default/b']);
  kube.remove(SERVICES, { namespace: 'default', name: 'a' });
  assert.deepEqual(holders('192.0.2.1'), ['default/b']);
});

test('a namespace’s label counts at once, and every change makes a new version', async () => {
  kube.put(NAMESPACES, namespace('default', { 'cleat.dev/enforce': 'warn' }));
  await start();
  const wanted = change(service('web', { spec: { loadBalancerIP: '192.0.2.99' } }));
  assert.equal(verdict(facts, wanted).allowed, true);
  kube.put(NAMESPACES, namespace('default'));
  assert.equal(verdict(facts, wanted).allowed, false);
  const before = facts.version;
  kube.put(SERVICES, service('a'));
  assert.notEqual(facts.version, before);
});

test('a pool that is deleted is missed by those who are there, not once its namespace is on its way out', async () => {
  const own = namespace('metallb-system');
  kube.put(NAMESPACES, own);
  kube.put(SERVICES, service('a', { held: ['192.0.2.1'] }));
  await start();
  const going = deletion('IPAddressPool', pool('default', ['192.0.2.0/28']));
  assert.match(
    verdict(facts, going).message ?? '',
    /^LB229 a Service loses its address: default\/a 192\.0\.2\.1; /,
  );
  kube.put(NAMESPACES, { metadata: { ...own.metadata, deletionTimestamp: '2026-11-20T00:00:00Z' } });
  assert.equal(verdict(facts, going).allowed, true);
});

test('the Services made of a Gateway are found by it, and not once they are gone', async () => {
  await start();
  const labels = { 'gateway.networking.k8s.io/gateway-name': 'edge' };
  kube.put(SERVICES, service('edge-lb', { labels }));
  kube.put(SERVICES, service('web'));
  const found = (): string[] => facts.servicesOf('default/edge').map(({ key }) => key);
  assert.deepEqual(found(), ['default/edge-lb']);
  kube.put(SERVICES, service('edge-lb'));
  assert.deepEqual(found(), []);
});

test('after stop nothing changes any more', async () => {
  await start();
  facts.stop();
  kube.put(SERVICES, service('a', { held: ['192.0.2.1'] }));
  assert.deepEqual(holders('192.0.2.1'), []);
});
