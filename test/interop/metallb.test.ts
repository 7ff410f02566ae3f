/**
 * Cleat beside MetalLB's own controller, which decides in a process of its own (test/support/metallb-peer.ts): whoever goes
 * from one to the other, in either direction, finds every Service with the address it had. Where they differ on purpose,
 * docs/compatibility.md says why, and what is left out here names its line there.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import fc from 'fast-check';
import type { Service } from '../../src/api/kubernetes.ts';
import { formatFinding } from '../../src/api/findings.ts';
import type { IPAddressPool } from '../../src/api/metallb.ts';
import { Allocator } from '../../src/controller/allocator.ts';
import type { Decision } from '../../src/core/allocation/decision.ts';
import { isFault, loadConfig } from '../../src/core/config/load.ts';
import { formatAddress } from '../../src/core/net/address.ts';
import { keyOf } from '../../src/kube/store.ts';
import type { ServiceText } from '../support/allocation.ts';
import { service, snapshotOf } from '../support/allocation.ts';
import { name, pools, text } from '../support/allocation-arbitraries.ts';
import { configurations } from '../support/metallb-configuration.ts';
import { faultOfMetallb, MetallbPeer } from '../support/metallb-peer.ts';
import { runs } from '../support/runs.ts';

const fault = faultOfMetallb();

suite('beside MetalLB', { skip: fault !== undefined && process.env['CI'] !== 'true' && fault }, () => {
  let metallb: MetallbPeer;

  before(() => {
    assert.equal(fault, undefined);
    metallb = new MetallbPeer();
  });

  after(() => metallb.stop());

  test('MetalLB keeps what Cleat gave, and has nothing for whom Cleat had nothing', async () => {
    await fc.assert(
      fc.asyncProperty(pools, services, async (objects, asked) => {
        const decisions = settle(objects, asked);
        const given = asked
          .map((each) => stored(each, addressesIn(decisions.get(keyOf(each)))))
          .sort(fullFirst);
        const { addresses, refused } = await metallb.decide({
          config: { ipaddresspools: objects },
          services: given,
        });
        assert.equal(refused, undefined);
        assert.deepEqual(addresses, given.map(addressesOf));
      }),
      runs(600),
    );
  });

  test('Cleat keeps what MetalLB gave, and has nothing for whom MetalLB had nothing', async () => {
    await fc.assert(
      fc.asyncProperty(pools, services, async (objects, asked) => {
        const config = { ipaddresspools: objects };
        const fresh = asked.map((each) => stored(each, []));
        const { addresses, restless } = await metallb.decide({ config, services: fresh });
        assert.ok(addresses);
        assert.equal(restless, false);
        const given = fresh.map((each, index) => stored(each, addresses[index] ?? []));
        const decisions = settle(objects, given);
        const kept = given.map((each) => addressesIn(decisions.get(keyOf(each))));
        // In the order of a request's text there, IPv4 first here (Q27).
        assert.deepEqual(
          kept,
          addresses.map((each) => [...each].sort()),
        );
      }),
      runs(600),
    );
  });

  test('a configuration has a fault where MetalLB refuses it, in all of its modes', async () => {
    await fc.assert(
      fc.asyncProperty(configurations, async (input) => {
        const { refused, unreadable } = await metallb.decide({
          bgpType: input.bgpType as 'native',
          config: {
            ipaddresspools: input.pools,
            l2advertisements: input.l2Advertisements,
            bgpadvertisements: input.bgpAdvertisements ?? [],
            bgppeers: input.bgpPeers ?? [],
            bfdprofiles: input.bfdProfiles ?? [],
            communities: input.communities ?? [],
            nodes: input.nodes ?? [],
            namespaces: input.namespaces,
          },
        });
        assert.equal(unreadable, undefined);
        const faults = loadConfig(input).findings.filter(isFault).map(formatFinding);
        assert.equal(faults.length > 0, refused !== undefined, [...faults, refused].join('\n'));
      }),
      runs(1500),
    );
  });
});

/**
 * Left out is who prefers two families and has one cluster IP, which never settles in MetalLB (Q5), or asks for one address, of
 * which MetalLB makes what the order of events was (14.3).
 */
const services: fc.Arbitrary<Service[]> = fc
  .uniqueArray(fc.tuple(name, text), { selector: ([key]) => key, maxLength: 6 })
  .map((named) =>
    named.filter(([, each]) => !isTornBetweenFamilies(each)).map(([key, each]) => service(key, each)),
  );

function isTornBetweenFamilies({ spec, families = [], annotations = {} }: ServiceText): boolean {
  if (spec?.ipFamilyPolicy !== 'PreferDualStack') return false;
  const asked = annotations['loadBalancerIPs'];
  return families.length === 1 || (asked !== undefined && !asked.includes(','));
}

/** What Cleat decides when it starts beside these Services. */
function settle(objects: IPAddressPool[], asked: readonly Service[]): ReadonlyMap<string, Decision> {
  const byKey = new Map(asked.map((each) => [keyOf(each), each]));
  const allocator = new Allocator(undefined, (key) => byKey.get(key));
  const outcomes = allocator.begin(snapshotOf(objects), byKey.keys());
  return new Map([...outcomes].map(({ view, decision }) => [view.key, decision]));
}

/** The Service with these addresses in its status. */
function stored(each: Service, addresses: readonly string[]): Service {
  const ingress = addresses.map((ip) => ({ ip }));
  return { ...each, status: { loadBalancer: ingress.length === 0 ? {} : { ingress } } };
}

function addressesIn(decision: Decision | undefined): readonly string[] {
  return decision?.kind === 'assigned' ? decision.addresses.map(formatAddress) : [];
}

function addressesOf({ status }: Service): readonly string[] {
  return (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip);
}

/**
 * A MetalLB that starts looks first at Services that have addresses. It also gives one that has one of two the other before it
 * knows that somebody has it in his status; so those come after the others here.
 */
function fullFirst(a: Service, b: Service): number {
  const [left, right] = [missing(a), missing(b)];
  return left === right ? 0 : left - right;
}

function missing(each: Service): number {
  const has = addressesOf(each).length;
  return has === 0 ? Infinity : (each.spec?.clusterIPs?.length ?? 0) - has;
}
