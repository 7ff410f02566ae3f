/**
 * Any sequence of what users do, with writes that fail now and then and a restart: nobody's status is ever given an address
 * that another's has and does not share, and in the end every Service has, or says why it has not.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Service } from '../../../src/api/kubernetes.ts';
import { SERVICES } from '../../../src/api/kubernetes.ts';
import type { ServiceText } from '../../support/allocation.ts';
import { pool } from '../../support/allocation.ts';
import { ControllerWorld } from '../../support/controller-world.ts';
import { refusal } from '../../support/fake-kube.ts';
import { settle } from '../../support/virtual-clock.ts';
import { runs } from '../../support/runs.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const POOLS = [
  ['192.0.2.1-192.0.2.2'],
  ['192.0.2.2-192.0.2.4'],
  ['192.0.2.1-192.0.2.5', '2001:db8::1-2001:db8::2'],
];

const text: fc.Arbitrary<ServiceText> = fc
  .record({
    asks: fc.constantFrom('', '', '', '192.0.2.1', '192.0.2.2', '192.0.2.9', 'oops'),
    shares: fc.constantFrom(undefined, undefined, 80, 81),
    type: fc.constantFrom('LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ClusterIP'),
    dual: fc.constantFrom(false, false, true),
  })
  .map(({ asks, shares, type, dual }) => ({
    annotations: { ...(shares && { 'allow-shared-ip': 'k' }), ...(asks && { loadBalancerIPs: asks }) },
    families: dual ? ['IPv4', 'IPv6'] : ['IPv4'],
    spec: {
      type: type as 'LoadBalancer' | 'ClusterIP',
      ports: [{ port: shares ?? 80 }],
      ipFamilyPolicy: dual ? 'PreferDualStack' : 'SingleStack',
    },
  }));

type Step =
  | { do: 'apply'; name: string; text: ServiceText }
  | { do: 'remove'; name: string }
  | { do: 'pool'; addresses: string[] }
  | { do: 'fail'; every: number; after: boolean }
  | { do: 'pass'; ms: number }
  | { do: 'settle' }
  | { do: 'restart' };

const name = fc.constantFrom(...NAMES);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('apply' as const), name, text }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('pool' as const), addresses: fc.constantFrom(...POOLS) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      every: fc.integer({ min: 0, max: 3 }),
      after: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 500 }) }),
  },
  { weight: 4, arbitrary: fc.constant({ do: 'settle' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);

function ingressOf(service: Service | undefined): string[] {
  return (service?.status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip);
}

/** The condition says True where there are addresses, and False with a reason where there are none. */
function checkTold(world: ControllerWorld): void {
  for (const service of NAMES.map((each) => world.find(each))) {
    if (service === undefined) continue;
    const condition = service.status?.conditions?.find(({ type }) => type === 'cleat.dev/AddressReady');
    if (service.spec?.type !== 'LoadBalancer') {
      assert.equal(condition, undefined);
      assert.deepEqual(ingressOf(service), []);
      continue;
    }
    const has = ingressOf(service).length > 0;
    assert.equal(condition?.status, has ? 'True' : 'False', JSON.stringify(service));
    assert.equal(service.metadata.annotations?.['metallb.io/ip-allocated-from-pool'], has ? 'p' : undefined);
  }
}

async function run(steps: readonly Step[]): Promise<void> {
  let world = new ControllerWorld();
  const { kube } = world;
  let failing = { every: 0, after: false };
  let writes = 0;
  /** Every so many writes to Services one fails: before anything happens, or after, when only the answer is lost. */
  const fails = (after: boolean, resource: { plural: string }) =>
    resource.plural === 'services' &&
    failing.after === after &&
    failing.every > 0 &&
    ++writes % failing.every === 0;
  const away = refusal(503, 'ServiceUnavailable', 'not now');
  const apply = kube.apply.bind(kube);
  const patch = kube.patch.bind(kube);
  kube.apply = async (resource, object, options) => {
    if (fails(false, resource)) throw away;
    const answer = await apply(resource, object, options);
    if (fails(true, resource)) throw away;
    return answer;
  };
  kube.patch = async (resource, ref, type, body, options) => {
    if (fails(false, resource)) throw away;
    const answer = await patch(resource, ref, type, body, options);
    if (fails(true, resource)) throw away;
    return answer as never;
  };
  const problems: string[] = [];
  const watched = kube.observe<Service>(SERVICES);
  await watched.start();
  // Two who shared may come to exclude each other by what their authors write; but nobody is given what another has.
  watched.subscribe(({ object, previous }) => {
    const given = ingressOf(object).filter((ip) => !ingressOf(previous).includes(ip));
    for (const other of watched.values()) {
      if (other.metadata.name === object.metadata.name) continue;
      const sharers = [object, other].filter(
        ({ metadata }) => metadata.annotations?.['metallb.io/allow-shared-ip'] !== undefined,
      );
      for (const ip of given.filter((each) => sharers.length < 2 && ingressOf(other).includes(each))) {
        problems.push(`${ip} is given to ${object.metadata.name} while ${other.metadata.name} has it`);
      }
    }
  });
  await world.putPools(pool('p', ['192.0.2.1-192.0.2.3']));
  await world.start();
  let second = 0;
  for (const todo of steps) {
    if (todo.do === 'apply') {
      const createdAt =
        world.find(todo.name)?.metadata.creationTimestamp ?? new Date(second++ * 1000).toISOString();
      world.put(todo.name, { ...todo.text, createdAt });
    } else if (todo.do === 'remove') kube.remove(SERVICES, { namespace: 'default', name: todo.name });
    else if (todo.do === 'pool') await world.putPools(pool('p', todo.addresses));
    else if (todo.do === 'fail') failing = todo;
    else if (todo.do === 'pass') await world.clock.advance(todo.ms);
    else if (todo.do === 'settle') await settle();
    else {
      await settle();
      await world.stop();
      world = new ControllerWorld(kube);
      await world.start();
    }
    assert.deepEqual(problems, []);
  }
  failing = { every: 0, after: false };
  await world.clock.advance(600_000);
  assert.deepEqual(problems, []);
  checkTold(world);
  kube.writes.length = 0;
  await world.stop();
  const after = new ControllerWorld(kube);
  await after.start();
  await after.clock.advance(10_000);
  assert.deepEqual(kube.writes, [], 'a restart has nothing to add');
  await after.stop();
  await watched.stop();
}

test('no address in two statuses, and every Service is told, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => run(steps)),
    runs(25),
  );
});
