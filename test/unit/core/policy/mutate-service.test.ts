import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Service } from '../../../../src/api/kubernetes.ts';
import type { NamespaceDefaults } from '../../../../src/core/config/namespace-defaults.ts';
import type { Facts } from '../../../../src/core/policy/facts.ts';
import { mutateService } from '../../../../src/core/policy/mutate-service.ts';
import { verdict } from '../../../../src/core/policy/verdict.ts';
import { applyJsonPatch } from '../../../../src/standalone/apiserver/patch/json-patch.ts';
import { pool, service } from '../../../support/allocation.ts';
import type { ServiceText } from '../../../support/allocation.ts';
import { change, deletion, factsOf, gatewayChange } from '../../../support/policy.ts';
import { runs } from '../../../support/runs.ts';

const facts = factsOf({
  pools: [
    pool('default', ['192.0.2.0/24', '2001:db8::/64']),
    pool('small', ['198.51.100.1/32']),
    pool('closed', ['203.0.113.0/28'], { serviceAllocation: { namespaces: ['payments'] } }),
  ],
  services: [service('holder', { held: ['192.0.2.1'], annotations: { 'allow-shared-ip': 'k' } })],
});
const LIST = 'metallb.io/loadBalancerIPs';
const POOL = 'metallb.io/address-pool';
const MUTATED = 'cleat.dev/mutated';

/** With one policy for every namespace that says this. */
function withPolicy({ pool: defaultPool, ...defaults }: NamespaceDefaults, seen: Facts = facts): Facts {
  const source = { kind: 'AddressPolicy', namespace: 'metallb-system', name: 'all' };
  const policy = { source, quotaOfPools: new Map<string, number>(), defaults };
  const policies = [{ ...policy, ...(defaultPool !== undefined && { defaultPool }) }];
  return { ...seen, snapshot: { ...seen.snapshot, policies } };
}

function mutated(proposed: Service, defaults: NamespaceDefaults = {}, stored?: Service): Service {
  const patch = mutateService(withPolicy(defaults), change(proposed, stored));
  return applyJsonPatch(proposed, patch) as Service;
}

/** As an API server hands it on: with its defaults in it, and nobody's name on the fields. */
function plain(name: string, text: ServiceText = {}): Service {
  const made = service(name, {
    ...text,
    spec: { allocateLoadBalancerNodePorts: true, externalTrafficPolicy: 'Cluster', ...text.spec },
  });
  made.metadata.managedFields = [{ manager: 'curl', operation: 'Update', fieldsV1: {} }];
  return made;
}

const listed = (object: Service): unknown => JSON.parse(object.metadata.annotations?.[MUTATED] ?? 'null');

describe('the form of an address', () => {
  const asked = (ip: string): Service => service('web', { spec: { loadBalancerIP: ip } });
  const noted = (text: string): Service => service('web', { annotations: { loadBalancerIPs: text } });

  test('becomes canonical, in the field and under both prefixes', () => {
    const web = mutated(asked('2001:DB8::1'));
    assert.equal(web.spec?.loadBalancerIP, '2001:db8::1');
    assert.deepEqual(listed(web), { 'spec.loadBalancerIP': '2001:db8::1' });
    const both = mutated(
      service('web', {
        annotations: {
          [LIST]: ' 192.0.2.7 , 2001:DB8:0::7',
          'metallb.universe.tf/loadBalancerIPs': '2001:0db8::8',
        },
      }),
    );
    assert.deepEqual(listed(both), {
      [`metadata.annotations[${LIST}]`]: '192.0.2.7,2001:db8::7',
      'metadata.annotations[metallb.universe.tf/loadBalancerIPs]': '2001:db8::8',
    });
    assert.equal(both.metadata.annotations?.[LIST], '192.0.2.7,2001:db8::7');
  });

  test('stays where it is canonical, or no address', () => {
    for (const one of [
      asked('2001:db8::1'),
      asked(' 192.0.2.1'),
      asked('x'),
      noted('192.0.2.1,192.0.2.2'),
      noted('1.2.3.4,'),
      noted(''),
    ])
      assert.deepEqual(mutateService(facts, change(one)), []);
  });

  test('stays where the change does not touch it', () => {
    const stored = asked('2001:DB8::1');
    const relabelled = { ...stored, metadata: { ...stored.metadata, labels: { a: 'b' } } };
    assert.deepEqual(mutateService(facts, change(relabelled, stored)), []);
  });

  test('applied again as its author writes it, nothing changes', () => {
    const stored = mutated(asked('2001:DB8::1'));
    const again = { ...stored, spec: { ...stored.spec, loadBalancerIP: '2001:DB8::1' } };
    assert.deepEqual(mutated(again, {}, stored), stored);
  });

  test('stays where a tool compares texts', () => {
    const web = asked('2001:DB8::1');
    web.metadata.managedFields = [{ manager: 'argocd-controller', operation: 'Apply' }];
    assert.deepEqual(mutateService(facts, change(web)), []);
  });

  test('once changed by its author it is listed no more', () => {
    const stored = mutated(asked('2001:DB8::1'));
    const other = { ...stored, spec: { ...stored.spec, loadBalancerIP: '2001:db8::2' } };
    assert.equal(mutated(other, {}, stored).metadata.annotations?.[MUTATED], undefined);
  });
});

describe('defaults', () => {
  const all: NamespaceDefaults = {
    pool: 'small',
    allocateLoadBalancerNodePorts: false,
    externalTrafficPolicy: 'Local',
  };

  test('are set where the author said nothing, and listed', () => {
    const web = mutated(plain('web'), all);
    assert.deepEqual(
      [
        web.spec?.allocateLoadBalancerNodePorts,
        web.spec?.externalTrafficPolicy,
        web.metadata.annotations?.[POOL],
      ],
      [false, 'Local', 'small'],
    );
    assert.deepEqual(listed(web), {
      [`metadata.annotations[${POOL}]`]: 'small',
      'spec.allocateLoadBalancerNodePorts': false,
      'spec.externalTrafficPolicy': 'Local',
    });
  });

  test('leave alone what the author wrote', () => {
    const web = service('web', {
      annotations: { [POOL]: 'default' },
      spec: { allocateLoadBalancerNodePorts: true, externalTrafficPolicy: 'Cluster' },
    });
    assert.deepEqual(mutateService(withPolicy(all), change(web)), []);
  });

  test('name no pool where an address or a pool is asked for in any way', () => {
    for (const text of [
      { spec: { loadBalancerIP: '192.0.2.9' } },
      { annotations: { loadBalancerIPs: '192.0.2.9' } },
      { annotations: { 'metallb.universe.tf/loadBalancerIPs': '192.0.2.9' } },
      { annotations: { 'metallb.universe.tf/address-pool': 'default' } },
      { annotations: { 'address-pool': '' } },
    ])
      assert.deepEqual(mutateService(withPolicy({ pool: 'small' }), change(plain('web', text))), []);
  });

  test('come when a Service becomes one of ours, and not afterwards', () => {
    const before = plain('web', { spec: { type: 'ClusterIP' } });
    const web = mutated(plain('web'), all, before);
    assert.equal(web.spec?.externalTrafficPolicy, 'Local');
    const back = { ...web, spec: { ...web.spec, externalTrafficPolicy: 'Cluster' as const } };
    const kept = mutated(back, all, web);
    assert.equal(kept.spec?.externalTrafficPolicy, 'Cluster');
    assert.deepEqual(Object.keys(listed(kept) as object), [
      `metadata.annotations[${POOL}]`,
      'spec.allocateLoadBalancerNodePorts',
    ]);
  });

  test('leave alone what the author lists as decided', () => {
    const web = plain('web', { annotations: { [MUTATED]: '{"spec.externalTrafficPolicy":"Cluster"}' } });
    assert.equal(mutated(web, all).spec?.externalTrafficPolicy, 'Cluster');
    assert.equal(mutated(web, all).spec?.allocateLoadBalancerNodePorts, false);
  });

  test('are not set again where another webhook changed them back', () => {
    const web = mutated(plain('web'), { externalTrafficPolicy: 'Local' });
    const back = { ...web, spec: { ...web.spec, externalTrafficPolicy: 'Cluster' as const } };
    assert.deepEqual(mutateService(withPolicy({ externalTrafficPolicy: 'Local' }), change(back)), []);
  });

  test('are left out where they would get the author a refusal or a warning', () => {
    for (const name of ['closed', 'missing', 'small']) {
      const full = factsOf({
        pools: [
          pool('default', ['192.0.2.0/24']),
          pool('small', ['198.51.100.1/32']),
          pool('closed', ['203.0.113.0/28'], { serviceAllocation: { namespaces: ['payments'] } }),
        ],
        services: [service('filler', { held: ['198.51.100.1'] })],
      });
      assert.deepEqual(mutateService(withPolicy({ pool: name }, full), change(plain('web'))), []);
    }
    // It would share no more.
    const sharer = plain('web', {
      annotations: { 'allow-shared-ip': 'k' },
      spec: { loadBalancerIP: '192.0.2.1', ports: [{ port: 81 }], selector: { a: 'b' } },
    });
    assert.equal(verdict(facts, change(sharer)).allowed, true);
    assert.deepEqual(mutateService(withPolicy({ externalTrafficPolicy: 'Local' }), change(sharer)), []);
  });
});

test('nothing else is touched', () => {
  const others = [
    change(plain('web', { spec: { type: 'ClusterIP' } })),
    change(plain('web', { spec: { loadBalancerClass: 'example.com/x' } })),
    deletion('Service', plain('web')),
    gatewayChange({ metadata: { name: 'edge', namespace: 'default' } }),
  ];
  for (const other of others)
    assert.deepEqual(mutateService(withPolicy({ externalTrafficPolicy: 'Local' }), other), []);
});

const texts = fc.constantFrom(
  '2001:DB8::1',
  '2001:db8::1',
  '192.0.2.9',
  '192.0.2.1',
  '203.0.113.1',
  'x',
  '',
  '192.0.2.8 ,2001:DB8::8',
  '192.0.2.8,192.0.2.9',
);
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const annotations = fc
  .record({
    [LIST]: optional(texts),
    'metallb.universe.tf/loadBalancerIPs': optional(texts),
    [POOL]: optional(fc.constantFrom('default', 'small', 'closed', '')),
    'metallb.io/allow-shared-ip': optional(fc.constantFrom('k', 'l')),
    [MUTATED]: optional(
      fc.constantFrom(
        '{}',
        'x',
        '[]',
        '{"spec.externalTrafficPolicy":"Local"}',
        '{"spec.loadBalancerIP":"2001:db8::1","a":1}',
      ),
    ),
  })
  .map((all): Record<string, string> =>
    Object.fromEntries(
      Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    ),
  );
const anyService = fc
  .record({
    annotations,
    ip: optional(texts),
    type: fc.constantFrom('LoadBalancer' as const, 'LoadBalancer' as const, 'ClusterIP' as const),
    nodePorts: optional(fc.boolean()),
    policy: optional(fc.constantFrom('Cluster' as const, 'Local' as const)),
    port: fc.constantFrom(80, 81),
    by: fc.constantFrom(undefined, 'Update' as const, 'Apply' as const),
    owns: fc.constantFrom('f:allocateLoadBalancerNodePorts', 'f:externalTrafficPolicy'),
  })
  .map(({ annotations, ip, type, nodePorts, policy, port, by, owns }): Service => {
    const spec: NonNullable<Service['spec']> = { type, ports: [{ port }], selector: { a: 'b' } };
    if (ip !== undefined) spec.loadBalancerIP = ip;
    if (nodePorts !== undefined) spec.allocateLoadBalancerNodePorts = nodePorts;
    if (policy !== undefined) spec.externalTrafficPolicy = policy;
    const made = service('web', { annotations, spec });
    if (by !== undefined)
      made.metadata.managedFields = [{ manager: 'm', operation: by, fieldsV1: { 'f:spec': { [owns]: {} } } }];
    return made;
  });
const anyDefaults = fc
  .record({
    pool: optional(fc.constantFrom('default', 'small', 'closed', 'missing')),
    allocateLoadBalancerNodePorts: optional(fc.constant(false)),
    externalTrafficPolicy: optional(fc.constantFrom('Cluster' as const, 'Local' as const)),
  })
  .map(
    (all) =>
      Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as NamespaceDefaults,
  );

test('whatever is written: once is enough, it gets no harsher a verdict, and what was written stays', () => {
  const severity = ({ allowed, warnings }: ReturnType<typeof verdict>): number =>
    allowed ? Math.min(1, warnings.length) : 2;
  fc.assert(
    fc.property(
      anyService,
      fc.option(anyService, { nil: undefined }),
      anyDefaults,
      (proposed, stored, defaults) => {
        const copy = structuredClone(proposed);
        const once = mutated(proposed, defaults, stored);
        assert.deepEqual(proposed, copy);
        assert.deepEqual(mutateService(withPolicy(defaults), change(once, stored)), [], 'twice');
        assert.ok(
          severity(verdict(withPolicy(defaults), change(once, stored))) <=
            severity(verdict(withPolicy(defaults), change(proposed, stored))),
        );
        const { spec = {} } = proposed;
        if (spec.externalTrafficPolicy === 'Local') assert.equal(once.spec?.externalTrafficPolicy, 'Local');
        if (spec.allocateLoadBalancerNodePorts === false)
          assert.equal(once.spec?.allocateLoadBalancerNodePorts, false);
        if (proposed.metadata.annotations?.[POOL] !== undefined)
          assert.equal(once.metadata.annotations?.[POOL], proposed.metadata.annotations[POOL]);
        // Nothing but what is listed has changed.
        const { [MUTATED]: list = '{}', ...notes } = once.metadata.annotations ?? {};
        const { [MUTATED]: _, ...given } = proposed.metadata.annotations ?? {};
        const changed = [
          ...Object.keys(notes)
            .filter((key) => notes[key] !== given[key])
            .map((key) => `metadata.annotations[${key}]`),
          ...Object.keys(once.spec ?? {})
            .filter(
              (key) => JSON.stringify(once.spec?.[key as 'type']) !== JSON.stringify(spec[key as 'type']),
            )
            .map((key) => `spec.${key}`),
        ];
        if (changed.length > 0) {
          const names = Object.keys(JSON.parse(list) as object);
          for (const name of changed) assert.ok(names.includes(name), name);
        }
      },
    ),
    runs(60),
  );
});
