import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judgeKubeProxy } from '../../../../src/core/announce/kube-proxy.ts';

const kind = 'KubeProxyConfiguration';

test('IPVS without strictARP is a fault with its remedy', () => {
  for (const ipvs of [undefined, null, {}, { strictARP: false }, { strictARP: 'true' }, [], 'x']) {
    const verdict = judgeKubeProxy({ kind, mode: 'ipvs', ipvs });
    assert.ok(verdict?.kind === 'fault', JSON.stringify(ipvs));
    assert.match(verdict.why, /ipvs\.strictARP is not true.*set it to true and restart kube-proxy/);
  }
});

test('IPVS with it, and every other mode without it, is fine', () => {
  assert.deepEqual(judgeKubeProxy({ kind, mode: 'ipvs', ipvs: { strictARP: true } }), {
    kind: 'fine',
    mode: 'ipvs',
  });
  for (const mode of ['iptables', 'nftables'])
    assert.deepEqual(judgeKubeProxy({ kind, mode, ipvs: { strictARP: false } }), { kind: 'fine', mode });
  for (const mode of ['', undefined, null])
    assert.deepEqual(judgeKubeProxy({ kind, mode }), { kind: 'fine', mode: 'iptables' });
});

test('of anything else nothing is said, and nothing throws', () => {
  for (const it of [undefined, null, 'text', [], { kind: 'Config' }])
    assert.equal(judgeKubeProxy(it), undefined);
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (mode, ipvs) => {
      assert.ok(judgeKubeProxy({ kind, mode, ipvs }) !== undefined);
    }),
  );
});
