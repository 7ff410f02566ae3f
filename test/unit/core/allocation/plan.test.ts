import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatFinding } from '../../../../src/api/findings.ts';
import type { IPAddressPool } from '../../../../src/api/metallb.ts';
import type { Decision } from '../../../../src/core/allocation/decision.ts';
import { Ledger } from '../../../../src/core/allocation/ledger.ts';
import { nearestFree } from '../../../../src/core/allocation/nearest.ts';
import { plan, planHeld } from '../../../../src/core/allocation/plan.ts';
import type { ServiceView } from '../../../../src/core/allocation/service-view.ts';
import { formatAddress } from '../../../../src/core/net/address.ts';
import type { ServiceText } from '../../../support/allocation.ts';
import { address, brief, pool, snapshotOf, view } from '../../../support/allocation.ts';

const dual: ServiceText = { families: ['IPv4', 'IPv6'], spec: { ipFamilyPolicy: 'PreferDualStack' } };
const dualRequired: ServiceText = { ...dual, spec: { ipFamilyPolicy: 'RequireDualStack' } };
const v4 = ['192.0.2.1-192.0.2.3'];
const v6 = ['2001:db8::1-2001:db8::3'];

/** A ledger in use: decides and settles one Service after another, checking each time that the decision is a fixpoint. */
class Desk {
  readonly ledger = new Ledger();
  snapshot;

  constructor(...pools: IPAddressPool[]) {
    this.snapshot = snapshotOf(pools);
    this.ledger.setPools(this.snapshot);
  }

  reconfigure(...pools: IPAddressPool[]): void {
    this.snapshot = snapshotOf(pools);
    this.ledger.setPools(this.snapshot);
  }

  plan(seen: ServiceView): Decision {
    return plan(this.ledger, this.snapshot, seen);
  }

  decide(seen: ServiceView): Decision {
    const decision = this.plan(seen);
    this.ledger.settle(seen, decision);
    const again = this.plan(seen);
    assert.equal(brief(again), brief(decision), 'decided again, the same comes out');
    assert.equal(again.kind === 'assigned' && again.moved, again.kind === 'assigned' ? undefined : false);
    return decision;
  }

  settle(name: string, text: ServiceText = {}): string {
    return brief(this.decide(view(name, text)));
  }

  /** Code and sentence of why the Service waits. */
  refusal(name: string, text: ServiceText = {}): string {
    const decision = this.plan(view(name, text));
    assert.equal(decision.kind, 'waiting', brief(decision));
    return decision.kind === 'waiting' ? formatFinding(decision.finding) : '';
  }

  /** Codes of what there is to say about a Service that has its addresses. */
  remarks(name: string, text: ServiceText = {}): string[] {
    const decision = this.plan(view(name, text));
    assert.equal(decision.kind, 'assigned', brief(decision));
    return decision.kind === 'assigned' ? decision.findings.map(({ code }) => code) : [];
  }
}

describe('any address', () => {
  test('the lowest free one of the first pool by name', () => {
    const desk = new Desk(pool('b', ['192.0.2.8/31']), pool('a', v4));
    assert.deepEqual(
      ['1', '2', '3', '4', '5'].map((name) => desk.settle(name)),
      ['192.0.2.1 of a', '192.0.2.2 of a', '192.0.2.3 of a', '192.0.2.8 of b', '192.0.2.9 of b'],
    );
    assert.equal(
      desk.refusal('6'),
      'LB111 spec.type LoadBalancer needs an IPv4 address, but every pool open to namespace default is full (a: 3 of 3 IPv4 taken, b: 2 of 2 IPv4 taken); add addresses or delete a Service',
    );
    desk.ledger.release('default/2');
    assert.equal(desk.settle('6'), '192.0.2.2 of a');
  });

  test('ranges in the order written', () => {
    const desk = new Desk(pool('a', ['192.0.2.9/32', '192.0.2.1/32']));
    assert.deepEqual([desk.settle('1'), desk.settle('2')], ['192.0.2.9 of a', '192.0.2.1 of a']);
  });

  test('avoided addresses are left out', () => {
    const desk = new Desk(pool('a', ['192.168.128.0/24'], { avoidBuggyIPs: true }));
    assert.equal(desk.settle('1'), '192.168.128.1 of a');
    const { availableIPv4, assignedIPv4 } = desk.ledger.counts('a');
    assert.deepEqual([availableIPv4, assignedIPv4], [253n, 1n]);
  });

  test('a /8 and an IPv6 /64 are no more work than one address', () => {
    const desk = new Desk(pool('a', ['10.0.0.0/8', '2001:db8::/64']));
    assert.equal(desk.settle('1', dual), '10.0.0.0 2001:db8:: of a');
    assert.equal(desk.ledger.counts('a').availableIPv6, 2n ** 64n - 1n);
  });

  test('pinned pools by priority, 0 last, then name; before all others', () => {
    const pinned = (name: string, ip: string, priority: number) =>
      pool(name, [ip], { serviceAllocation: { priority, namespaces: ['default'] } });
    const desk = new Desk(
      pool('a-open', ['192.0.2.1/32']),
      pinned('b-last', '192.0.2.2/32', 0),
      pinned('c-late', '192.0.2.3/32', 20),
      pinned('e-soon', '192.0.2.5/32', 10),
      pinned('d-soon', '192.0.2.4/32', 10),
      pool('z-elsewhere', ['192.0.2.6/32'], { serviceAllocation: { priority: 1, namespaces: ['other'] } }),
    );
    assert.deepEqual(
      ['1', '2', '3', '4', '5', '6'].map((name) => desk.settle(name)),
      [
        '192.0.2.4 of d-soon',
        '192.0.2.5 of e-soon',
        '192.0.2.3 of c-late',
        '192.0.2.2 of b-last',
        '192.0.2.1 of a-open',
        'LB111',
      ],
    );
    assert.equal(desk.settle('7', { namespace: 'other' }), '192.0.2.6 of z-elsewhere');
  });

  test('a pool pinned by priority alone serves everybody first', () => {
    const desk = new Desk(pool('a', v4), pool('b', ['192.0.2.8/32'], { serviceAllocation: { priority: 5 } }));
    assert.equal(desk.settle('1'), '192.0.2.8 of b');
  });

  test('serviceSelectors open a pool to matching Services only', () => {
    const desk = new Desk(
      pool('a', v4, { serviceAllocation: { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] } }),
    );
    assert.equal(desk.settle('1', { labels: { tier: 'gold' } }), '192.0.2.1 of a');
    assert.match(
      desk.refusal('2'),
      /^LB116 .* no pool serves namespace default automatically; open a pool to it$/,
    );
  });

  test('autoAssign false serves on request only', () => {
    const desk = new Desk(pool('a', v4, { autoAssign: false }));
    assert.equal(
      desk.refusal('1'),
      'LB116 spec.type LoadBalancer needs an IPv4 address, but no pool serves namespace default automatically; name one with metallb.io/address-pool (a)',
    );
    assert.equal(desk.settle('1', { annotations: { 'address-pool': 'a' } }), '192.0.2.1 of a');
    assert.equal(desk.settle('2', { spec: { loadBalancerIP: '192.0.2.3' } }), '192.0.2.3 of a');
  });

  test('nothing without pools, without cluster IPs, or when not ours', () => {
    const empty = new Desk();
    assert.match(empty.refusal('1'), /^LB105 .*create an IPAddressPool$/);
    const desk = new Desk(pool('a', v4));
    assert.match(desk.refusal('1', { families: [] }), /^LB115 spec.clusterIPs is empty/);
    assert.match(desk.refusal('1', { spec: { ipFamilyPolicy: 'RequireDualStack' } }), /^LB115 .*IPv4 only/);
    assert.equal(desk.settle('1'), '192.0.2.1 of a');
    const gone = desk.decide(view('1', { spec: { type: 'ClusterIP' } }));
    assert.deepEqual(gone, { kind: 'foreign', released: [address('192.0.2.1')] });
    assert.equal(desk.ledger.isFree(address('192.0.2.1')), true);
  });
});

describe('two families', () => {
  test('the first pool with both, IPv4 first; else the first family that can be had', () => {
    const desk = new Desk(pool('a', v4), pool('b', ['192.0.2.8/32', '2001:db8::8/128']));
    assert.equal(desk.settle('1', dual), '192.0.2.8 2001:db8::8 of b');
    assert.equal(desk.settle('2', dual), '192.0.2.1 of a');
    assert.deepEqual(desk.remarks('2', dual), ['LB111']);
    assert.match(desk.refusal('3', dualRequired), /^LB111 .* needs an IPv4 and an IPv6 address/);
    const sixFirst: ServiceText = { ...dual, families: ['IPv6', 'IPv4'] };
    const other = new Desk(pool('a', v4), pool('b', v6));
    assert.equal(other.settle('1', sixFirst), '2001:db8::1 of b');
    assert.equal(other.settle('2', dual), '192.0.2.1 of a');
    assert.match(other.refusal('3', dualRequired), /^LB116 /);
  });

  test('of several pools with one family, the first', () => {
    const desk = new Desk(
      pool('a', v4),
      pool('b', ['192.0.2.8/32']),
      pool('c', v6),
      pool('d', ['2001:db8::8/128']),
    );
    assert.equal(desk.settle('1', dual), '192.0.2.1 of a');
    const sixes = new Desk(pool('c', v6), pool('d', ['2001:db8::8/128']));
    assert.equal(sixes.settle('1', dual), '2001:db8::1 of c');
  });

  test('PreferDualStack in a single-stack cluster has one address and rests (Q5)', () => {
    const desk = new Desk(pool('a', [...v4, ...v6]));
    const single: ServiceText = { spec: { ipFamilyPolicy: 'PreferDualStack' } };
    assert.equal(desk.settle('1', single), '192.0.2.1 of a');
    assert.equal(desk.settle('1', { ...single, held: ['192.0.2.1'] }), '192.0.2.1 of a');
  });

  test('the other family is added from the same pool when it can', () => {
    const desk = new Desk(pool('a', v4), pool('b', v6));
    assert.equal(desk.settle('1', dual), '192.0.2.1 of a');
    desk.reconfigure(pool('a', [...v4, ...v6]));
    assert.equal(desk.settle('1', dual), '192.0.2.1 2001:db8::1 of a');
  });

  test('no jump to another pool that has both', () => {
    const desk = new Desk(pool('b', v4));
    assert.equal(desk.settle('1', dual), '192.0.2.1 of b');
    desk.reconfigure(pool('b', v4), pool('a', ['192.0.2.8/32', '2001:db8::8/128']));
    assert.equal(desk.settle('1', dual), '192.0.2.1 of b');
  });

  test('a pool that loses a family: to another with both, else what is left is kept', () => {
    const both = pool('b', ['192.0.2.8/32', '2001:db8::8/128']);
    const desk = new Desk(pool('a', [...v4, ...v6]));
    assert.equal(desk.settle('1', dual), '192.0.2.1 2001:db8::1 of a');
    desk.reconfigure(pool('a', v4), both);
    const held = ['192.0.2.1', '2001:db8::1'];
    const moved = desk.decide(view('1', { ...dual, held }));
    assert.equal(brief(moved), '192.0.2.8 2001:db8::8 of b');
    assert.equal(moved.kind === 'assigned' && moved.moved?.why.code, 'LB101');
    const alone = new Desk(pool('a', v4), pool('b', ['192.0.2.8/32']));
    assert.equal(alone.settle('1', { ...dual, held: ['192.0.2.2', '2001:db8::1'] }), '192.0.2.2 of a');
    assert.equal(alone.settle('2', { ...dualRequired, held: ['192.0.2.3', '2001:db8::1'] }), 'LB116');
  });

  test('single to dual and back keeps the address that still fits', () => {
    const desk = new Desk(pool('a', [...v4, ...v6]));
    desk.settle('0');
    assert.equal(desk.settle('1'), '192.0.2.2 of a');
    assert.equal(desk.settle('1', dualRequired), '192.0.2.2 2001:db8::1 of a');
    assert.equal(desk.settle('1', { families: ['IPv6'] }), '2001:db8::1 of a');
  });
});

describe('requested addresses', () => {
  test('exactly these, by field or annotation, IPv4 written first', () => {
    const desk = new Desk(pool('a', [...v4, ...v6]));
    assert.equal(desk.settle('1', { spec: { loadBalancerIP: '192.0.2.3' } }), '192.0.2.3 of a');
    const asked = { ...dual, annotations: { loadBalancerIPs: '2001:db8::2,192.0.2.2' } };
    assert.equal(desk.settle('2', asked), '192.0.2.2 2001:db8::2 of a');
  });

  test('PreferDualStack that asks for one address gets it, and keeps it when its pool gains the other family', () => {
    const desk = new Desk(pool('a', v4));
    const asked = { ...dual, annotations: { loadBalancerIPs: '192.0.2.2' } };
    assert.equal(desk.settle('1', asked), '192.0.2.2 of a');
    desk.reconfigure(pool('a', [...v4, ...v6]));
    assert.equal(desk.settle('1', asked), '192.0.2.2 of a');
    assert.deepEqual(desk.remarks('1', asked), ['LB110']);
  });

  test('a changed request gives the old address up, whether it can be met or not', () => {
    const desk = new Desk(pool('a', v4));
    const ask = (loadBalancerIP: string) => desk.settle('1', { spec: { loadBalancerIP } });
    assert.equal(desk.settle('1'), '192.0.2.1 of a');
    assert.equal(ask('192.0.2.3'), '192.0.2.3 of a');
    assert.equal(ask('198.51.100.1'), 'LB101');
    assert.equal(desk.ledger.isFree(address('192.0.2.3')), true);
    assert.equal(desk.settle('1'), '192.0.2.1 of a');
  });

  test('an unreadable request keeps the old address and is told (section 14, 11)', () => {
    const desk = new Desk(pool('a', v4));
    const broken = { annotations: { loadBalancerIPs: 'oops' } };
    assert.equal(
      desk.refusal('1', broken),
      'LB102 metadata.annotations[metallb.io/loadBalancerIPs] oops is not an IP address; write one IPv4 address, one IPv6 address, or one of each separated by a comma',
    );
    assert.equal(desk.settle('1'), '192.0.2.1 of a');
    assert.equal(desk.settle('1', broken), '192.0.2.1 of a');
    assert.deepEqual(desk.remarks('1', broken), ['LB102']);
    const twice = { annotations: { loadBalancerIPs: '192.0.2.2' }, spec: { loadBalancerIP: '192.0.2.3' } };
    assert.equal(desk.settle('1', twice), '192.0.2.1 of a');
    assert.deepEqual(desk.remarks('1', twice), ['LB103']);
    assert.equal(
      desk.refusal('2', twice),
      'LB103 metadata.annotations[metallb.io/loadBalancerIPs] 192.0.2.2 and spec.loadBalancerIP 192.0.2.3 are both set; keep one of the two',
    );
  });

  test('each refusal names the value, what is wrong and what would be right', () => {
    const desk = new Desk(
      pool('default', ['192.168.100.240-192.168.100.250']),
      pool('gold', ['10.0.0.0/30'], { serviceAllocation: { priority: 1, namespaces: ['vip'] } }),
      pool('lab', ['172.16.0.0/24'], { avoidBuggyIPs: true }),
      pool('picky', ['10.1.0.0/30'], {
        serviceAllocation: { priority: 1, serviceSelectors: [{ matchLabels: { tier: 'gold' } }] },
      }),
    );
    const ask = (loadBalancerIP: string, text: ServiceText = {}) =>
      desk.refusal('web', { ...text, spec: { loadBalancerIP, ...text.spec } });
    assert.equal(
      ask('192.168.100.251'),
      'LB101 spec.loadBalancerIP 192.168.100.251 is in no pool open to namespace default; nearest free: 192.168.100.250 (pool default)',
    );
    assert.equal(
      ask('10.0.0.1'),
      'LB106 spec.loadBalancerIP 10.0.0.1 is in pool gold, which is not open to namespace default; nearest free: 172.16.0.1 (pool lab)',
    );
    assert.match(
      ask('10.1.0.1'),
      /^LB106 .* is in pool picky, which is not open to the labels of Service default\/web;/,
    );
    assert.equal(
      ask('172.16.0.255'),
      'LB109 spec.loadBalancerIP 172.16.0.255 ends in .255, which pool lab avoids (avoidBuggyIPs); nearest free: 172.16.0.254 (pool lab)',
    );
    desk.settle('first', { spec: { loadBalancerIP: '192.168.100.245' } });
    assert.equal(
      ask('192.168.100.245'),
      'LB107 spec.loadBalancerIP 192.168.100.245 is held by Service default/first; nearest free: 192.168.100.244 (pool default)',
    );
    assert.equal(
      ask('2001:db8::1'),
      'LB110 spec.loadBalancerIP 2001:db8::1 is IPv6, but the Service is IPv4; ask for one IPv4 address',
    );
    assert.equal(
      ask('2001:db8::1', { families: ['IPv6'] }),
      'LB101 spec.loadBalancerIP 2001:db8::1 is in no pool open to namespace default; no free IPv6 address is open to it',
    );
    assert.equal(
      ask('192.168.100.241', { annotations: { 'address-pool': 'lab' } }),
      'LB103 spec.loadBalancerIP 192.168.100.241 is in pool default, but metadata.annotations[metallb.io/address-pool] names pool lab; keep one of the two, or nearest free: 172.16.0.254 (pool lab)',
    );
  });

  test('the nearest free address may be in a pool whose range is farther away', () => {
    const desk = new Desk(pool('a', ['10.0.0.0-10.0.0.2']), pool('b', ['10.0.0.4/32', '10.0.0.9/32']));
    desk.settle('1', { spec: { loadBalancerIP: '10.0.0.1' } });
    desk.settle('2', { spec: { loadBalancerIP: '10.0.0.2' } });
    const near = (wanted: string) => {
      const found = nearestFree(desk.ledger, desk.snapshot, view('3'), address(wanted));
      return found && `${formatAddress(found.address)} of ${found.pool}`;
    };
    assert.equal(near('10.0.0.2'), '10.0.0.0 of a', 'of two as near the lower');
    assert.equal(near('10.0.0.3'), '10.0.0.4 of b');
    desk.ledger.release('default/2');
    desk.settle('4', { spec: { loadBalancerIP: '10.0.0.4' } });
    assert.equal(near('10.0.0.5'), '10.0.0.2 of a');
    assert.equal(near('2001:db8::1'), undefined);
  });

  test('of two addresses the most lasting fault is told, which others do not change', () => {
    const desk = new Desk(pool('a', [...v4, ...v6]), pool('b', ['2001:db8:1::/64']));
    desk.settle('first', { ...dual, annotations: { loadBalancerIPs: '192.0.2.2,2001:db8::2' } });
    const ask = (loadBalancerIPs: string) =>
      desk.refusal('web', { ...dualRequired, annotations: { loadBalancerIPs } });
    assert.match(ask('192.0.2.1,2001:db8::2'), /^LB107 .* 2001:db8::2 is held by Service default\/first/);
    const held = ask('198.51.100.1,2001:db8::2');
    assert.match(held, /^LB101 .* 198.51.100.1 is in no pool/);
    assert.equal(held, ask('198.51.100.1,2001:db8::3'));
    for (const four of ['192.0.2.1', '192.0.2.2'])
      assert.match(ask(`${four},2001:db8:1::1`), /^LB101 .* has addresses of two pools \(a, b\)/);
    assert.match(
      ask('192.0.2.1'),
      /^LB110 .* is IPv4, but the Service is IPv4 and IPv6; ask for one address of each$/,
    );
  });
});

describe('a named pool', () => {
  const named = (name: string): ServiceText => ({ annotations: { 'address-pool': name } });

  test('serves, and only it', () => {
    const desk = new Desk(pool('a', v4), pool('b', ['192.0.2.8/32']));
    assert.equal(desk.settle('1', named('b')), '192.0.2.8 of b');
    assert.equal(
      desk.refusal('2', named('b')),
      'LB111 metadata.annotations[metallb.io/address-pool] b names a pool that has no free IPv4 address (1 of 1 IPv4 taken); add addresses to it or name another pool',
    );
    assert.equal(desk.settle('1', named('a')), '192.0.2.1 of a');
  });

  test('that does not exist, is shut, or has not the family', () => {
    const desk = new Desk(
      pool('a', v4),
      pool('shut', ['192.0.2.8/32'], { serviceAllocation: { namespaces: ['vip'] } }),
      pool('six', v6),
    );
    assert.equal(
      desk.refusal('1', named('none')),
      'LB104 metadata.annotations[metallb.io/address-pool] none names a pool that does not exist; pools open to namespace default: a, six',
    );
    assert.match(
      desk.refusal('1', named('shut')),
      /^LB106 .* shut names a pool that is not open to namespace default; pools/,
    );
    assert.match(
      desk.refusal('1', named('six')),
      /^LB110 .* six names a pool with IPv6 addresses only, but the Service is IPv4/,
    );
    assert.equal(desk.settle('1'), '192.0.2.1 of a');
    assert.equal(
      desk.settle('1', named('none')),
      'LB104',
      'as in MetalLB, naming another pool gives the address up',
    );
  });
});

describe('sharing', () => {
  const key = (port: number, text: ServiceText = {}): ServiceText => ({
    ...text,
    annotations: { 'allow-shared-ip': 'k', ...text.annotations },
    spec: { ports: [{ port }], ...text.spec },
  });

  test('same key, same backend, other ports: the lowest usable address', () => {
    const desk = new Desk(pool('a', v4));
    assert.equal(desk.settle('0'), '192.0.2.1 of a');
    assert.equal(desk.settle('1', key(80)), '192.0.2.2 of a');
    assert.equal(desk.settle('2', key(443)), '192.0.2.2 of a');
    assert.equal(desk.settle('3', key(80)), '192.0.2.3 of a');
    assert.equal(desk.settle('4', key(8080)), '192.0.2.2 of a');
    assert.equal(desk.settle('5', key(80)), 'LB111');
    assert.equal(desk.ledger.counts('a').assignedIPv4, 3n);
    assert.deepEqual(
      desk.ledger.holdersOf(address('192.0.2.2')).map(({ key: holder }) => holder),
      ['default/1', 'default/2', 'default/4'],
    );
  });

  test('a free address before a shareable one is taken', () => {
    const desk = new Desk(pool('a', v4));
    desk.settle('0');
    desk.settle('1', key(80));
    desk.ledger.release('default/0');
    assert.equal(desk.settle('2', key(443)), '192.0.2.1 of a');
  });

  test('a group goes on when one of its addresses is given back', () => {
    const desk = new Desk(pool('a', ['192.0.2.1-192.0.2.2']));
    desk.settle('1', key(80));
    desk.settle('2', key(80));
    desk.ledger.release('default/1');
    desk.settle('3');
    assert.equal(desk.settle('4', key(443)), '192.0.2.2 of a');
  });

  test('says why an address cannot be shared', () => {
    const desk = new Desk(pool('a', v4));
    const on = (text: ServiceText): ServiceText => ({
      ...text,
      spec: { ...text.spec, loadBalancerIP: '192.0.2.1' },
    });
    desk.settle('1', on(key(80)));
    assert.equal(
      desk.refusal('2', on(key(80))),
      'LB108 spec.loadBalancerIP 192.0.2.1 is shared by Service default/1, which has port TCP/80 too; use another port, or nearest free: 192.0.2.2 (pool a)',
    );
    desk.settle('other', { spec: { loadBalancerIP: '192.0.2.3' } });
    const onOther = key(443, { spec: { loadBalancerIP: '192.0.2.3' } });
    assert.match(desk.refusal('2', onOther), /^LB107 .* is held by Service default\/other/);
    assert.match(
      desk.refusal('2', on({})),
      /^LB107 .* is held by Service default\/1; nearest free: 192.0.2.2/,
    );
    assert.match(
      desk.refusal('2', on(key(443, { annotations: { 'allow-shared-ip': 'other' } }))),
      /^LB108 .* is shared by Service default\/1 under key "k", not "other"; use one metallb.io\/allow-shared-ip for both, or/,
    );
    assert.match(
      desk.refusal('2', on(key(443, { spec: { externalTrafficPolicy: 'Local', selector: { a: 'b' } } }))),
      /^LB108 .* of another externalTrafficPolicy or selector; make them equal, or/,
    );
  });

  test('the one that changes loses the address, and regains it', () => {
    const desk = new Desk(pool('a', ['192.0.2.1/32']));
    const held = ['192.0.2.1'];
    desk.settle('1', key(80));
    desk.settle('2', key(443));
    const lost = desk.decide(view('2', key(80, { held })));
    assert.equal(brief(lost), 'LB111');
    assert.equal(lost.kind === 'waiting' && lost.lost?.code, 'LB108');
    assert.equal(desk.settle('2', key(443)), '192.0.2.1 of a');
    assert.equal(desk.settle('1', { annotations: { 'allow-shared-ip': 'x' }, held }), 'LB111');
  });

  test('alone on an address a Service changes its key in place', () => {
    const desk = new Desk(pool('a', v4));
    desk.settle('1', key(80));
    assert.equal(desk.settle('1', { annotations: { 'allow-shared-ip': 'x' } }), '192.0.2.1 of a');
    assert.equal(desk.settle('2', key(443)), '192.0.2.2 of a');
  });
});

describe('stability', () => {
  test('what is held and allowed stays, even where better exists', () => {
    const desk = new Desk(pool('b', v4));
    assert.equal(desk.settle('1', { held: ['192.0.2.3'] }), '192.0.2.3 of b');
    desk.reconfigure(pool('b', v4), pool('a', ['192.0.2.8/32'], { serviceAllocation: { priority: 1 } }));
    assert.equal(desk.settle('1'), '192.0.2.3 of b');
    desk.reconfigure(pool('b', v4, { autoAssign: false }), pool('a', ['192.0.2.8/32']));
    assert.equal(desk.settle('1'), '192.0.2.3 of b');
    desk.reconfigure(pool('renamed', v4));
    assert.equal(desk.settle('1'), '192.0.2.3 of renamed');
  });

  test('what is not allowed any more moves, with the reason', () => {
    const moves = (...pools: IPAddressPool[]) => {
      const desk = new Desk(pool('a', ['192.0.2.0/30']));
      desk.settle('1', { held: ['192.0.2.0'] });
      desk.reconfigure(...pools, pool('z', ['198.51.100.1/32']));
      const decision = desk.decide(view('1', { held: ['192.0.2.0'] }));
      const why = decision.kind === 'assigned' && decision.moved?.why;
      return `${brief(decision)} ${why ? formatFinding(why) : ''}`;
    };
    assert.match(moves(), /^198.51.100.1 of z LB101 status.loadBalancer.ingress 192.0.2.0 is in no pool/);
    assert.match(moves(pool('a', ['192.0.2.0/30'], { avoidBuggyIPs: true })), /^192.0.2.1 of a LB109 /);
    assert.match(
      moves(pool('a', ['192.0.2.0/30'], { serviceAllocation: { namespaces: ['other'] } })),
      /^198.51.100.1 of z LB106 /,
    );
  });

  test('at a restart each keeps what its status says; of two on one address the first asked stays', () => {
    const desk = new Desk(pool('a', v4));
    const first = view('1', { held: ['192.0.2.1'] });
    const second = view('2', { held: ['192.0.2.1'] });
    const third = view('3', { held: ['192.0.2.2'] });
    for (const seen of [first, second, third]) {
      const held = planHeld(desk.ledger, desk.snapshot, seen);
      if (held !== undefined) desk.ledger.settle(seen, held);
    }
    assert.deepEqual(
      [first, second, third].map((seen) => brief(desk.decide(seen))),
      ['192.0.2.1 of a', '192.0.2.3 of a', '192.0.2.2 of a'],
    );
  });

  test('planHeld gives nothing new away and respects requests', () => {
    const desk = new Desk(pool('a', [...v4, ...v6]));
    const held = (name: string, text: ServiceText) => {
      const decision = planHeld(desk.ledger, desk.snapshot, view(name, text));
      return decision && brief(decision);
    };
    assert.equal(held('1', {}), undefined);
    assert.equal(held('1', { ...dualRequired, held: ['192.0.2.2'] }), '192.0.2.2 of a');
    assert.equal(held('1', { held: ['192.0.2.2'], spec: { loadBalancerIP: '192.0.2.3' } }), undefined);
    assert.equal(held('1', { held: ['192.0.2.2'], spec: { type: 'ClusterIP' } }), undefined);
  });

  test('no message has the word that makes Flux delete and recreate', () => {
    const desk = new Desk(pool('immutable', v4));
    desk.settle('immutable', { spec: { loadBalancerIP: '192.0.2.1' } });
    const message = desk.refusal('2', { spec: { loadBalancerIP: '192.0.2.1' } });
    assert.doesNotMatch(message, /immutable/i);
    assert.match(message, /held by Service default\/im-mutable/);
  });
});

test('an address nobody announces is worth a remark', () => {
  const ledger = new Ledger();
  const snapshot = snapshotOf([pool('a', v4)], []);
  ledger.setPools(snapshot);
  const decision = plan(ledger, snapshot, view('1'));
  assert.equal(decision.kind, 'assigned');
  assert.deepEqual(decision.kind === 'assigned' && decision.findings.map(formatFinding), [
    'LB112 spec.type LoadBalancer has an address of pool a, which no L2Advertisement selects, so nobody answers for it; create an L2Advertisement for the pool',
  ]);
  assert.equal(decision.kind === 'assigned' && decision.addresses.map(formatAddress).join(), '192.0.2.1');
});

describe('a pool that is drained', () => {
  const old = pool('old', ['192.0.2.0/29'], {}, { 'cleat.dev/drain': 'true' });
  const spare = pool('spare', ['198.51.100.0/31'], { autoAssign: false });
  const drained = new Desk(pool('old', ['192.0.2.0/29']), spare);
  drained.settle('holder');
  drained.settle('sharer', { annotations: { 'allow-shared-ip': 'k', loadBalancerIPs: '192.0.2.7' } });
  drained.reconfigure(old, spare);

  test('leaves what it gave, asked for or not, after a restart too', () => {
    assert.equal(drained.settle('holder'), '192.0.2.0 of old');
    const asking = { annotations: { 'allow-shared-ip': 'k', loadBalancerIPs: '192.0.2.7' } };
    assert.equal(drained.settle('sharer', asking), '192.0.2.7 of old');
    const restarted = new Desk(old, spare);
    assert.equal(restarted.settle('holder', { held: ['192.0.2.3'] }), '192.0.2.3 of old');
  });

  test('gives nobody anything new', () => {
    assert.match(drained.refusal('new'), /^LB116 .* name one with metallb.io\/address-pool \(spare\)$/);
    assert.equal(
      drained.refusal('new', { annotations: { 'address-pool': 'old' } }),
      'LB117 metadata.annotations[metallb.io/address-pool] old names a pool that is being drained; pools open to namespace default: spare',
    );
    assert.equal(
      drained.refusal('new', { spec: { loadBalancerIP: '192.0.2.5' } }),
      'LB117 spec.loadBalancerIP 192.0.2.5 is in pool old, which is being drained; nearest free: 198.51.100.0 (pool spare)',
    );
    const sharing = {
      annotations: { 'allow-shared-ip': 'k', loadBalancerIPs: '192.0.2.7' },
      spec: { ports: [{ port: 81 }] },
    };
    assert.match(drained.refusal('new', sharing), /^LB117 /);
    assert.match(drained.refusal('new', { annotations: { 'allow-shared-ip': 'k' } }), /^LB116 /);
  });

  test('gives again once it is not', () => {
    const again = new Desk(pool('old', ['192.0.2.0/29'], {}, { 'cleat.dev/drain': 'false' }));
    assert.equal(again.settle('new'), '192.0.2.0 of old');
  });
});
