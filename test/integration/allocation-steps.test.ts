import { test } from 'node:test';
import type { IPAddressPool } from '../../src/api/metallb.ts';
import type { ServiceText } from '../support/allocation.ts';
import { StepCounter } from '../support/steps.ts';

const steps = await StepCounter.start();
const { Ledger } = await import('../../src/core/allocation/ledger.ts');
const { plan } = await import('../../src/core/allocation/plan.ts');
const { pool, snapshotOf, view } = await import('../support/allocation.ts');

const N = 100;
async function cost(pools: IPAddressPool[], full: number, text?: (index: number) => ServiceText) {
  const snapshot = snapshotOf(pools);
  const ledger = new Ledger();
  ledger.setPools(snapshot);
  for (let index = 0; index < full; index += 1) {
    const each = view(`service-${index}`, text?.(index));
    ledger.settle(each, plan(ledger, snapshot, each));
  }
  const newcomers = Array.from({ length: N }, (_, index) => view(`new-${index}`, text?.(full + index)));
  const a = await steps.count(() => {
    for (const each of newcomers) ledger.settle(each, plan(ledger, snapshot, each));
  });
  const w = newcomers.map((each) => plan(ledger, snapshot, each).kind).filter((k) => k === 'waiting').length;
  const b = await steps.count(() => { for (const each of newcomers) ledger.release(each.key); });
  return [a / N, b / N, w];
}
const s16 = pool('p', ['10.0.0.0/16']);
const label = (i: number) => ({ serviceSelectors: [{ matchLabels: { team: `t${i}` } }] });
const many = (n: number, spec: (i: number) => object = () => ({})) => Array.from({ length: n }, (_, i) => pool(`p${String(i).padStart(4, '0')}`, [`10.${Math.floor(i / 250)}.${i % 250}.0/24`], spec(i) as never));
test('x', async () => {
  console.log('1%', await cost([s16], 655));
  console.log('99%', await cost([s16], 64880));
  for (const n of [1, 1000]) {
    console.log(n, 'unpinned', await cost(many(n), 10));
    console.log(n, 'label', await cost(many(n, (i) => ({ serviceAllocation: label(i) })), 10, () => ({ labels: { team: 't0' } })));
    console.log(n, 'same ns', await cost(many(n, () => ({ serviceAllocation: { namespaces: ['default'] } })), 10));
    console.log(n, 'priority only', await cost(many(n, () => ({ serviceAllocation: { priority: 1 } })), 10));
    console.log(n, 'dual require', await cost([...many(n), pool('z', ['10.200.0.0/16', '2001:db8::/64'])], 10, () => ({ families: ['IPv4', 'IPv6'], spec: { ipFamilyPolicy: 'RequireDualStack' } })));
    console.log(n, 'dual prefer', await cost([...many(n), pool('z', ['10.200.0.0/16', '2001:db8::/64'])], 10, () => ({ families: ['IPv4', 'IPv6'], spec: { ipFamilyPolicy: 'PreferDualStack' } })));
    console.log(n, 'waiting', await cost(many(n, () => ({ serviceAllocation: { namespaces: ['x'] } })), 10));
    console.log(n, 'full', await cost(many(n).map((p, i) => pool(p.metadata.name!, [`10.${Math.floor(i / 250)}.${i % 250}.1/32`])), n));
    console.log(n, 'by name outside', await cost(many(n), 10, () => ({annotations: {loadBalancerIPs: '192.168.0.1'}})));
    console.log(n, 'ranges', await cost([pool('p', Array.from({length: n}, (_, i) => `10.${Math.floor(i / 250)}.${i % 250}.1-10.${Math.floor(i / 250)}.${i % 250}.250`))], Math.min(n * 125, 5000)));
    console.log(n, 'ranges shared', await cost([pool('p', Array.from({length: n}, (_, i) => `10.${Math.floor(i / 250)}.${i % 250}.1-10.${Math.floor(i / 250)}.${i % 250}.250`))], Math.min(n * 125, 5000), (i) => ({annotations: {'allow-shared-ip': `k${i>>1}`}, spec: {ports: [{port: 80 + i % 2}]}})));
  }
});
