import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Service } from '../../../../src/api/kubernetes.ts';
import type { Change, Facts } from '../../../../src/core/policy/facts.ts';
import { verdict } from '../../../../src/core/policy/verdict.ts';
import { pool, service } from '../../../support/allocation.ts';
import { change, factsOf, namespace } from '../../../support/policy.ts';

/** `denied LB101`, `warned LB112`, `allowed`. */
function brief(facts: Facts, proposed: Change): string {
  const { allowed, findings, warnings } = verdict(facts, proposed);
  const codes = findings.map(({ code }) => code).join(' ');
  if (!allowed) return `denied ${codes}`;
  return warnings.length > 0 ? `warned ${codes}` : 'allowed';
}

const asking = (ip: string, more: Service['spec'] = {}): Service =>
  service('web', { spec: { loadBalancerIP: ip, ...more } });
const pools = [
  pool('default', ['192.0.2.240-192.0.2.250']),
  pool('closed', ['198.51.100.0/28'], { serviceAllocation: { namespaces: ['payments'] } }),
  pool('buggy', ['203.0.113.0/28'], { avoidBuggyIPs: true, autoAssign: false }),
  pool('full', ['203.0.113.64/32'], { autoAssign: false }),
];
const services = [
  service('holder', { held: ['192.0.2.241'] }),
  service('sharer', { held: ['192.0.2.242'], annotations: { 'allow-shared-ip': 'k' } }),
  service('filler', { held: ['203.0.113.64'], annotations: { 'address-pool': 'full' } }),
];
const namespaces = [namespace('default')];
const facts = factsOf({ pools, services, namespaces });

describe('what is impossible is refused', () => {
  const impossible: [string, Service, string][] = [
    ['outside every pool', asking('192.0.2.9'), 'LB101'],
    ['malformed', asking('192.0.2.999'), 'LB102'],
    [
      'field and annotation',
      service('web', {
        annotations: { loadBalancerIPs: '192.0.2.243' },
        spec: { loadBalancerIP: '192.0.2.244' },
      }),
      'LB103',
    ],
    [
      'address of another pool than the one named',
      service('web', { annotations: { 'address-pool': 'buggy' }, spec: { loadBalancerIP: '192.0.2.243' } }),
      'LB103',
    ],
    [
      'a pool the namespace is shut out of',
      service('web', { annotations: { 'address-pool': 'closed' } }),
      'LB106',
    ],
    ['an address of such a pool', asking('198.51.100.1'), 'LB106'],
    ['held by another Service', asking('192.0.2.241'), 'LB107'],
    [
      'shared by others on the same port',
      service('web', { annotations: { 'allow-shared-ip': 'k' }, spec: { loadBalancerIP: '192.0.2.242' } }),
      'LB108',
    ],
    ['an address the pool avoids', asking('203.0.113.0'), 'LB109'],
    [
      'a full pool the author insists on',
      service('web', { annotations: { 'address-pool': 'full' } }),
      'LB111',
    ],
  ];
  for (const [name, proposed, code] of impossible) {
    test(name, () => {
      assert.equal(brief(facts, change(proposed)), `denied ${code}`);
      assert.match(verdict(facts, change(proposed)).message ?? '', new RegExp(`^${code} \\S`));
    });
  }

  test('the refusal names value, reason and the nearest free address', () => {
    assert.equal(
      verdict(facts, change(asking('192.0.2.251'))).message,
      'LB101 spec.loadBalancerIP 192.0.2.251 is in no pool open to namespace default; nearest free: 192.0.2.250 (pool default)',
    );
  });
});

describe('what may still become right is admitted with a warning', () => {
  test('nothing is loaded yet', () => {
    const early = factsOf({ pools, facts: { loaded: false } });
    for (const proposed of [asking('192.0.2.9'), asking('x'), service('web')])
      assert.equal(brief(early, change(proposed)), 'warned LB114');
  });

  test('there is no pool at all', () => {
    for (const proposed of [asking('192.0.2.9'), service('web')])
      assert.equal(brief(factsOf({}), change(proposed)), 'warned LB105');
  });

  test('the pool named does not exist', () => {
    const proposed = service('web', { annotations: { 'address-pool': 'coming' } });
    assert.equal(brief(facts, change(proposed)), 'warned LB104');
  });

  test('every pool is full, but none was insisted on', () => {
    const tight = factsOf({
      pools: [pool('one', ['192.0.2.1/32'])],
      services: [service('holder', { held: ['192.0.2.1'] })],
    });
    assert.equal(brief(tight, change(service('web'))), 'warned LB111');
  });

  test('of two addresses only one is to be had, even from a pool insisted on', () => {
    const lopsided = factsOf({
      pools: [pool('dual', ['192.0.2.0/28', '2001:db8::1/128'])],
      services: [service('holder', { held: ['2001:db8::1'], families: ['IPv6'] })],
    });
    const proposed = service('web', {
      families: ['IPv4', 'IPv6'],
      annotations: { 'address-pool': 'dual' },
      spec: { ipFamilyPolicy: 'PreferDualStack' },
    });
    assert.equal(brief(lopsided, change(proposed)), 'warned LB111');
  });

  test('no pool serves it automatically, whatever status its author made up', () => {
    const manual = factsOf({ pools: [pool('manual', ['192.0.2.0/28'], { autoAssign: false })] });
    assert.equal(brief(manual, change(service('web', { held: ['192.0.2.1'] }))), 'warned LB116');
  });

  test('nobody announces the pool', () => {
    const silent = factsOf({ pools, l2Advertisements: [] });
    assert.equal(brief(silent, change(service('web'))), 'warned LB112');
  });

  test('the pools in force are not the pools that are stored', () => {
    const broken = factsOf({ pools, services, facts: { configFindings: brokenPools() } });
    assert.equal(brief(broken, change(asking('192.0.2.9'))), 'warned LB101');
    const elsewhere = service('web', {
      annotations: { 'address-pool': 'buggy' },
      spec: { loadBalancerIP: '192.0.2.243' },
    });
    assert.equal(brief(broken, change(elsewhere)), 'warned LB103');
    // What does not rest on the pools stays proof.
    assert.equal(brief(broken, change(asking('192.0.2.241'))), 'denied LB107');
    assert.equal(brief(broken, change(asking('x'))), 'denied LB102');
    const twice = service('web', {
      annotations: { loadBalancerIPs: '192.0.2.243' },
      spec: { loadBalancerIP: '192.0.2.244' },
    });
    assert.equal(brief(broken, change(twice)), 'denied LB103');
  });

  test('a namespace that has not been seen yet may have the labels a pool selects', () => {
    const proposed = service('web', { namespace: 'new', annotations: { 'address-pool': 'closed' } });
    assert.equal(brief(facts, change(proposed)), 'warned LB106');
    const seen = factsOf({ pools, services, namespaces: [namespace('new')] });
    assert.equal(brief(seen, change(proposed)), 'denied LB106');
  });

  test('cluster IPs of the wrong number', () => {
    const proposed = service('web', { spec: { ipFamilyPolicy: 'RequireDualStack' } });
    assert.equal(brief(facts, change(proposed)), 'warned LB115');
  });
});

describe('what will work is allowed in silence', () => {
  const fine: [string, Service][] = [
    ['any address', service('web')],
    ['a free address', asking('192.0.2.243')],
    [
      'a free address in IPv6 form of the annotation',
      service('web', { annotations: { loadBalancerIPs: '192.0.2.244' } }),
    ],
    [
      'a shared address on another port',
      service('web', {
        annotations: { 'allow-shared-ip': 'k' },
        spec: { loadBalancerIP: '192.0.2.242', ports: [{ port: 443 }] },
      }),
    ],
    ['not a load balancer', service('web', { spec: { type: 'ClusterIP', loadBalancerIP: '192.0.2.9' } })],
    ['another load balancer’s', asking('192.0.2.9', { loadBalancerClass: 'example.com/other' })],
  ];
  for (const [name, proposed] of fine)
    test(name, () => assert.equal(brief(facts, change(proposed)), 'allowed'));

  test('another load balancer’s is noted in the audit log', () => {
    const proposed = asking('192.0.2.9', { loadBalancerClass: 'example.com/other' });
    assert.equal(verdict(facts, change(proposed)).audit['code'], 'LB113');
  });

  test('with a class of our own, Services of that class are ours', () => {
    const classed = factsOf({ pools, facts: { loadBalancerClass: 'cleat.dev/lb' } });
    assert.equal(
      brief(classed, change(asking('192.0.2.9', { loadBalancerClass: 'cleat.dev/lb' }))),
      'denied LB101',
    );
    assert.equal(brief(classed, change(asking('192.0.2.9'))), 'allowed');
  });
});

describe('cluster IPs that are not there yet deny nothing', () => {
  const unallocated = (spec: Service['spec']): Change => {
    const proposed = service('web', { families: [], spec });
    delete proposed.spec?.clusterIPs;
    return change(proposed);
  };
  const dual = factsOf({ pools: [pool('dual', ['192.0.2.0/28', '2001:db8::/120'])] });

  test('IPv4, IPv6, declared families, both', () => {
    assert.equal(brief(dual, unallocated({})), 'allowed');
    assert.equal(brief(dual, unallocated({ loadBalancerIP: '2001:db8::1' })), 'allowed');
    assert.equal(brief(dual, unallocated({ ipFamilies: ['IPv6'] })), 'allowed');
    assert.equal(brief(dual, unallocated({ ipFamilyPolicy: 'RequireDualStack' })), 'allowed');
    assert.equal(brief(dual, unallocated({ loadBalancerIP: '192.0.2.99' })), 'denied LB101');
  });
});

describe('on update, what was stored already is not refused', () => {
  const stored = asking('192.0.2.9');
  const edited = (edit: (object: Service) => void, from = stored): Change => {
    const object = structuredClone(from);
    edit(object);
    return change(object, from);
  };

  test('a label edit, an added port, an added annotation on a bad request', () => {
    const edits: ((object: Service) => void)[] = [
      (object) => (object.metadata.labels = { tier: 'front' }),
      (object) => object.spec?.ports?.push({ port: 443 }),
      (object) => (object.metadata.annotations = { 'metallb.io/allow-shared-ip': 'k' }),
      () => undefined,
    ];
    for (const edit of edits) assert.equal(brief(facts, edited(edit)), 'warned LB101');
  });

  test('the same addresses written in another form or order', () => {
    const both = (text: string): Service =>
      service('web', { families: ['IPv4', 'IPv6'], annotations: { loadBalancerIPs: text } });
    const from = both('203.0.113.9,2001:db8:1::9');
    assert.equal(brief(facts, change(both('2001:DB8:1:0::9, 203.0.113.9'), from)), 'warned LB101');
    assert.equal(brief(facts, change(both('203.0.113.8,2001:db8:1::9'), from)), 'denied LB101');
  });

  test('a full pool insisted on', () => {
    const insisting = service('web', { annotations: { 'address-pool': 'full' } });
    assert.equal(
      brief(
        facts,
        edited((object) => object.spec?.ports?.push({ port: 1 }), insisting),
      ),
      'warned LB111',
    );
  });

  test('another bad pool is refused', () => {
    const insisting = service('web', { annotations: { 'address-pool': 'full' } });
    const closed = service('web', { annotations: { 'address-pool': 'closed' } });
    assert.equal(brief(facts, change(closed, insisting)), 'denied LB106');
  });

  test('an unreadable request on a Service that keeps its address', () => {
    const keeping = service('web', { held: ['192.0.2.243'], annotations: { loadBalancerIPs: 'x' } });
    const known = factsOf({ pools, services: [...services, keeping] });
    assert.equal(
      brief(
        known,
        edited((object) => (object.metadata.labels = { a: 'b' }), keeping),
      ),
      'warned LB102',
    );
    const good = service('web', { held: ['192.0.2.243'] });
    assert.equal(brief(known, change(keeping, good)), 'denied LB102');
  });

  test('another bad request is refused, mending it is not', () => {
    assert.equal(
      brief(
        facts,
        edited(({ spec }) => Object.assign(spec ?? {}, { loadBalancerIP: '192.0.2.10' })),
      ),
      'denied LB101',
    );
    assert.equal(
      brief(
        facts,
        edited(({ spec }) => Object.assign(spec ?? {}, { loadBalancerIP: '192.0.2.250' })),
      ),
      'allowed',
    );
    assert.equal(
      brief(
        facts,
        edited(({ spec }) => delete spec?.loadBalancerIP),
      ),
      'allowed',
    );
  });

  test('a Service that becomes a load balancer is judged like a new one', () => {
    const before = asking('192.0.2.9', { type: 'ClusterIP' });
    assert.equal(brief(facts, change(stored, before)), 'denied LB101');
    assert.equal(brief(facts, change(before, stored)), 'allowed');
  });

  test('a good Service made bad by its own edit is refused', () => {
    const sharing = service('web', {
      held: ['192.0.2.242'],
      annotations: { 'allow-shared-ip': 'k' },
      spec: { loadBalancerIP: '192.0.2.242', ports: [{ port: 443 }] },
    });
    const known = factsOf({ pools, services: [...services, sharing] });
    assert.equal(
      brief(
        known,
        edited((object) => object.spec?.ports?.push({ port: 80 }), sharing),
      ),
      'denied LB108',
    );
    assert.equal(
      brief(
        known,
        edited((object) => object.spec?.ports?.push({ port: 81 }), sharing),
      ),
      'allowed',
    );
  });

  test('an edit that moves the Service to another address is admitted with a warning', () => {
    const sharing = service('web', {
      held: ['192.0.2.242'],
      annotations: { 'allow-shared-ip': 'k' },
      spec: { ports: [{ port: 443 }] },
    });
    const known = factsOf({ pools, services: [...services, sharing] });
    assert.equal(
      brief(
        known,
        edited((object) => object.spec?.ports?.push({ port: 80 }), sharing),
      ),
      'warned LB108',
    );
  });

  test('a Service keeps what it holds, whatever status the author sends', () => {
    const holding = service('web', { held: ['192.0.2.243'], spec: { loadBalancerIP: '192.0.2.243' } });
    const known = factsOf({ pools, services: [...services, holding] });
    assert.equal(
      brief(
        known,
        edited((object) => delete object.status, holding),
      ),
      'allowed',
    );
    const forged = service('new', { held: ['192.0.2.241'] });
    assert.equal(brief(known, change(forged)), 'allowed');
  });
});

test('a namespace’s label sets its level', () => {
  const namespaces = [
    namespace('strict', { 'cleat.dev/enforce': 'deny' }),
    namespace('lax', { 'cleat.dev/enforce': 'warn' }),
    namespace('watched', { 'cleat.dev/enforce': 'audit' }),
    namespace('odd', { 'cleat.dev/enforce': 'off' }),
    namespace('plain'),
  ];
  const at = (name: string, defaultLevel: Facts['defaultLevel']): string => {
    const object = service('web', { namespace: name, spec: { loadBalancerIP: '192.0.2.9' } });
    return brief(factsOf({ pools, namespaces, facts: { defaultLevel } }), change(object));
  };
  const rows = ['strict', 'lax', 'watched', 'odd', 'plain', 'unknown'].map((name) => [
    name,
    at(name, 'deny'),
    at(name, 'warn'),
    at(name, 'audit'),
  ]);
  assert.deepEqual(rows, [
    ['strict', 'denied LB101', 'denied LB101', 'denied LB101'],
    ['lax', 'warned LB101', 'warned LB101', 'warned LB101'],
    ['watched', 'allowed', 'allowed', 'allowed'],
    ['odd', 'denied LB101', 'warned LB101', 'allowed'],
    ['plain', 'denied LB101', 'warned LB101', 'allowed'],
    ['unknown', 'denied LB101', 'warned LB101', 'allowed'],
  ]);
});

function brokenPools(): Facts['configFindings'] {
  return factsOf({ pools: [pool('bad', ['192.0.2.9/33'])] }).configFindings;
}
