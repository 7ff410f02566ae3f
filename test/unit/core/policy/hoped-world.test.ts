/** Commits as GitOps tools apply them, on the verdict alone: the tool's order, its stops and its retries. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Namespace, Service } from '../../../../src/api/kubernetes.ts';
import type { IPAddressPool, L2Advertisement } from '../../../../src/api/metallb.ts';
import type { Change } from '../../../../src/core/policy/facts.ts';
import { plan } from '../../../../src/core/allocation/plan.ts';
import { viewService } from '../../../../src/core/allocation/view-service.ts';
import { formatAddress } from '../../../../src/core/net/address.ts';
import { Intents } from '../../../../src/core/policy/intents.ts';
import { verdict } from '../../../../src/core/policy/verdict.ts';
import { advertisement, pool, service } from '../../../support/allocation.ts';
import {
  advertisementChange,
  change,
  deletion,
  factsOf,
  namespace,
  namespaceChange,
  poolChange,
} from '../../../support/policy.ts';

interface Manifests {
  services?: Service[];
  pools?: IPAddressPool[];
  l2Advertisements?: L2Advertisement[];
  namespaces?: Namespace[];
}

/** What is stored, and the gate in front of it: replicas that share nothing. */
class Cluster {
  readonly stored: Required<Manifests>;
  readonly replicas: readonly Intents[];
  /** Which replica the next question goes to. */
  route = (): number => 0;
  refusals: string[] = [];
  #nowMs = 0;

  constructor(stored: Manifests, replicas = 1) {
    this.stored = {
      services: [],
      pools: [],
      l2Advertisements: [advertisement()],
      namespaces: [namespace('default')],
      ...stored,
    };
    this.replicas = Array.from({ length: replicas }, () => new Intents());
  }

  /** True where the write is allowed; a real one is stored then. */
  write(list: keyof Manifests, object: Service | IPAddressPool, dryRun: boolean, user = 'gitops'): boolean {
    const objects = this.stored[list] as (typeof object)[];
    const index = objects.findIndex(
      ({ metadata }) =>
        metadata.name === object.metadata.name && metadata.namespace === object.metadata.namespace,
    );
    const asked = { ...changeOf(list, object, objects[index]), dryRun, user };
    const intents = this.replicas[this.route()];
    assert.ok(intents);
    this.#nowMs += 1_000;
    const facts = factsOf(this.stored);
    const { allowed, message = '' } = verdict(facts, asked, intents.beside(asked, this.#nowMs));
    intents.observe(asked, allowed && !dryRun, this.#nowMs);
    if (!allowed) this.refusals.push(message);
    // Status is not what is applied.
    const { status } = (objects[index] ?? {}) as Service;
    const stored = { ...object, ...(status && { status }) } as typeof object;
    if (allowed && !dryRun) objects.splice(index < 0 ? objects.length : index, 1, stored);
    return allowed;
  }

  /** What the controller does between two tries. */
  settle(): void {
    const { ledger, snapshot } = factsOf(this.stored);
    for (const [index, stored] of this.stored.services.entries()) {
      const view = viewService(stored);
      const decision = plan(ledger, snapshot, view);
      ledger.settle(view, decision);
      const addresses = decision.kind === 'assigned' ? decision.addresses : [];
      const ingress = addresses.map((address) => ({ ip: formatAddress(address) }));
      this.stored.services[index] = { ...stored, status: { loadBalancer: { ingress } } };
    }
  }

  /** All are tried out, and none is applied where one is refused; Services come first, and the first refusal ends it. */
  flux(commit: Manifests): boolean {
    const writes = inOrder(commit);
    this.settle();
    const tried = writes.map(([list, object]) => this.write(list, object, true));
    return tried.every(Boolean) && writes.every(([list, object]) => this.write(list, object, false));
  }

  /** Nothing is tried out; Services come first, and a refusal does not keep the others from being applied. */
  argo(commit: Manifests): boolean {
    this.settle();
    return inOrder(commit)
      .map(([list, object]) => this.write(list, object, false))
      .every(Boolean);
  }
}

function inOrder(commit: Manifests): [keyof Manifests, Service | IPAddressPool][] {
  const lists = ['namespaces', 'services', 'pools', 'l2Advertisements'] as const;
  return lists.flatMap((list) =>
    (commit[list] ?? []).map((object): [typeof list, Service] => [list, object as Service]),
  );
}

function changeOf(list: keyof Manifests, object: object, old: object | undefined): Change {
  switch (list) {
    case 'services':
      return change(object as Service, old as Service);
    case 'pools':
      return poolChange(object as IPAddressPool, old as IPAddressPool);
    case 'l2Advertisements':
      return advertisementChange(object as L2Advertisement, old as L2Advertisement);
    case 'namespaces':
      return namespaceChange(object as Namespace, old as Namespace);
  }
}

const asking = (name: string, ip: string, more: object = {}): Service =>
  service(name, { spec: { loadBalancerIP: ip }, ...more });
const first = pool('first', ['192.0.2.0/28']);

const commits: [title: string, before: Manifests, commit: Manifests][] = [
  [
    'a pool and a Service in it',
    { pools: [first] },
    { services: [asking('web', '198.51.100.1')], pools: [pool('second', ['198.51.100.0/28'])] },
  ],
  [
    'a Service that moves, and its pool shrinks',
    { pools: [first], services: [asking('web', '192.0.2.1', { held: ['192.0.2.1'] })] },
    {
      services: [asking('web', '192.0.2.9', { held: ['192.0.2.1'] })],
      pools: [pool('first', ['192.0.2.8/29'])],
    },
  ],
  [
    'a Service that moves to what its pool becomes',
    { pools: [first], services: [asking('web', '192.0.2.1', { held: ['192.0.2.1'] })] },
    {
      services: [asking('web', '198.51.100.1', { held: ['192.0.2.1'] })],
      pools: [pool('first', ['198.51.100.0/28'])],
    },
  ],
  [
    'a range that goes from one pool to another',
    { pools: [first, pool('second', ['192.0.2.16/28'])] },
    { pools: [pool('first', ['192.0.2.0/27']), pool('second', ['198.51.100.0/28'])] },
  ],
  [
    'a pool that opens and the Service that asks for it',
    { pools: [pool('closed', ['198.51.100.0/28'], { serviceAllocation: { namespaces: ['bank'] } })] },
    {
      services: [asking('web', '198.51.100.1')],
      pools: [
        pool('closed', ['198.51.100.0/28'], { serviceAllocation: { namespaces: ['bank', 'default'] } }),
      ],
    },
  ],
  [
    'a Service that takes the address another leaves',
    {
      pools: [first],
      services: [
        asking('old', '192.0.2.1', { held: ['192.0.2.1'] }),
        asking('new', '192.0.2.2', { held: ['192.0.2.2'] }),
      ],
    },
    {
      services: [
        asking('new', '192.0.2.1', { held: ['192.0.2.2'] }),
        asking('old', '192.0.2.3', { held: ['192.0.2.1'] }),
      ],
    },
  ],
  [
    'one advertisement for another',
    { pools: [first], services: [service('web', { held: ['192.0.2.1'] })] },
    {
      l2Advertisements: [advertisement('all', { ipAddressPools: ['none'] }), advertisement('other')],
    },
  ],
];

describe('a commit that holds together converges', () => {
  for (const [title, before, commit] of commits) {
    test(`${title}: in the order of Flux, with one retry at most`, () => {
      const cluster = new Cluster(structuredClone(before));
      const tries = [cluster.flux(commit), cluster.flux(commit)];
      assert.ok(tries.includes(true), cluster.refusals.join('\n'));
    });

    test(`${title}: in the order of Argo CD, with one retry at most`, () => {
      const cluster = new Cluster(structuredClone(before));
      const tries = [cluster.argo(commit), cluster.argo(commit)];
      assert.ok(tries.includes(true), cluster.refusals.join('\n'));
    });

    test(`${title}: with two replicas that share nothing`, () => {
      fc.assert(
        fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 1 })), (stream) => {
          for (const tool of ['flux', 'argo'] as const) {
            const cluster = new Cluster(structuredClone(before), 2);
            cluster.route = () => stream.next().value as number;
            let tries = 1;
            while (!cluster[tool](commit)) assert.ok(++tries <= 40, cluster.refusals.slice(-4).join('\n'));
          }
        }),
        { numRuns: 6 },
      );
    });
  }

  test('without a first try nothing is believed', () => {
    const cluster = new Cluster({ pools: [first] });
    assert.equal(cluster.flux({ services: [asking('web', '198.51.100.1')] }), false);
    assert.equal(cluster.flux({ services: [asking('web', '198.51.100.1')] }), false, 'nor in itself');
  });
});

describe('an intent', () => {
  const outside = asking('web', '198.51.100.1');
  const coming = poolChange(pool('second', ['198.51.100.0/28']));

  test('of another user softens nothing', () => {
    const cluster = new Cluster({ pools: [first] });
    cluster.write('pools', pool('second', ['198.51.100.0/28']), true, 'somebody');
    assert.equal(cluster.write('services', outside, true), false);
  });

  test('softens to a warning that says the same', () => {
    const facts = factsOf({ pools: [first] });
    const alone = verdict(facts, change(outside));
    const hoped = verdict(facts, change(outside), [coming]);
    assert.equal(alone.allowed, false);
    assert.equal(hoped.allowed, true);
    assert.deepEqual(hoped.findings, alone.findings);
    assert.match(hoped.warnings[0] ?? '', /^LB101 spec\.loadBalancerIP 198\.51\.100\.1 is in no pool /);
  });

  test('that would not help softens nothing', () => {
    const facts = factsOf({ pools: [first], services: [service('holder', { held: ['192.0.2.1'] })] });
    const elsewhere = poolChange(pool('second', ['203.0.113.0/28']));
    assert.equal(verdict(facts, change(outside), [elsewhere]).allowed, false);
    const faulty = poolChange(pool('third', ['198.51.100.0/28', 'x']));
    assert.equal(verdict(facts, change(outside), [faulty]).allowed, false);
    assert.equal(verdict(facts, change(outside), [faulty, coming]).allowed, false, 'they clash');
    const malformed = poolChange(pool('third', ['x']));
    assert.equal(verdict(facts, change(outside), [malformed, coming]).allowed, true);
    assert.equal(verdict(facts, change(asking('web', '192.0.2.1')), [coming]).allowed, false);
  });

  test('to leave counts only where there is somewhere to go', () => {
    const holder = asking('web', '192.0.2.1', { held: ['192.0.2.1'] });
    const facts = factsOf({ pools: [first], services: [holder] });
    const shrink = poolChange(pool('first', ['192.0.2.8/29']), first);
    const to = (ip: string): Change => change(asking('web', ip, { held: ['192.0.2.1'] }), holder);
    assert.equal(verdict(facts, shrink, [to('192.0.2.9')]).allowed, true);
    assert.equal(verdict(facts, shrink, [to('203.0.113.1')]).allowed, false);
    assert.equal(verdict(facts, shrink, [deletion('Service', holder)]).allowed, true);
  });

  test('that would strand the same Services is no help', () => {
    const facts = factsOf({ pools: [first], services: [service('holder', { held: ['192.0.2.1'] })] });
    const shrink = poolChange(pool('first', ['192.0.2.8/29']), first);
    const silence = deletion('L2Advertisement', advertisement());
    assert.equal(verdict(facts, silence, [shrink]).allowed, false);
    assert.equal(verdict(facts, shrink, [silence]).allowed, false);
    assert.equal(verdict(facts, deletion('IPAddressPool', first), [shrink, silence]).allowed, false);
  });

  test('never makes a verdict harsher', () => {
    const anyIp = fc.constantFrom('192.0.2.1', '192.0.2.9', '198.51.100.1', 'x');
    const anyPool = fc
      .tuple(
        fc.constantFrom('first', 'second'),
        fc.subarray(['192.0.2.0/28', '198.51.100.0/28', '192.0.2.8/29', 'x']),
      )
      .map(([name, addresses]) => poolChange(pool(name, addresses), name === 'first' ? first : undefined));
    const anyService = fc
      .tuple(fc.constantFrom('web', 'holder', 'other'), anyIp)
      .map(([name, ip]) => change(asking(name, ip)));
    const anyAdvertisement = fc
      .subarray(['first', 'second'])
      .map((ipAddressPools) =>
        advertisementChange(advertisement('all', { ipAddressPools }), advertisement()),
      );
    const anyChange = fc.oneof(anyPool, anyService, anyAdvertisement);
    const facts = factsOf({ pools: [first], services: [service('holder', { held: ['192.0.2.1'] })] });
    fc.assert(
      fc.property(anyChange, fc.array(anyChange, { maxLength: 4 }), (proposed, intents) => {
        const alone = verdict(facts, proposed);
        const hoped = verdict(facts, proposed, intents);
        assert.deepEqual(hoped.findings, alone.findings);
        assert.ok(hoped.allowed || !alone.allowed);
      }),
      { numRuns: 50 },
    );
  });
});
