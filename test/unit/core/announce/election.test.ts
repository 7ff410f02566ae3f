import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { isElected } from '../../../../src/core/announce/election.ts';

const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();
const equal = (): number => 0;

function winnersOf(
  nodes: readonly string[],
  address: string,
  scoreOf: (node: string) => number = equal,
): string[] {
  return nodes.filter((node) => isElected(node, nodes, scoreOf, address, sha256));
}

// The first bytes of `printf NODE#ADDRESS | sha256sum`, which decide.
const DIGESTS: Record<string, Record<string, string>> = {
  '172.16.0.100': { 'node-1': '99ccf0b0', 'node-2': 'f698ef65', 'node-3': '55932ee4', 'node-4': '7fa8d984' },
  '192.168.100.240': {
    'node-1': '7aa5cdd0',
    'node-2': '7183d641',
    'node-3': '0d3886ea',
    'node-4': '149056b9',
  },
  '2001:db8::1': { 'node-1': '28f4359b', 'node-2': 'c243e598', 'node-3': 'dce5b73c', 'node-4': 'f9a42fc5' },
};

for (const [address, digests] of Object.entries(DIGESTS)) {
  const byDigest = Object.entries(digests)
    .toSorted(([, a], [, b]) => (a < b ? -1 : 1))
    .map(([node]) => node);

  test(`${address} goes to ${byDigest.join(', then ')}`, () => {
    for (const [node, digest] of Object.entries(digests)) {
      assert.equal(Buffer.from(sha256(`${node}#${address}`)).toString('hex', 0, 4), digest);
    }
    for (let lost = 0; lost < byDigest.length; lost += 1) {
      const left = byDigest.slice(lost);
      assert.deepEqual(winnersOf(left.toSorted(), address), left.slice(0, 1));
    }
  });
}

test('a higher score wins before any digest', () => {
  const score = (node: string): number => ({ 'node-2': 10, 'node-1': 10 })[node] ?? 0;
  assert.deepEqual(winnersOf(['node-1', 'node-2', 'node-3'], '172.16.0.100', score), ['node-1']);
});

test('there is exactly one winner, whatever the order of the candidates', () => {
  const nodes = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(nodes, fc.ipV4(), fc.func(fc.nat(3)), (names, address, scoreOf) => {
      const winners = winnersOf(names, address, (node) => scoreOf(node));
      assert.equal(winners.length, 1);
      assert.deepEqual(
        winnersOf(names.toReversed(), address, (node) => scoreOf(node)),
        winners,
      );
    }),
  );
});

test('a node that leaves moves only its own addresses', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e'];
  for (let last = 1; last < 255; last += 1) {
    const address = `10.0.0.${last}`;
    const [before] = winnersOf(nodes, address);
    const [after] = winnersOf(
      nodes.filter((node) => node !== 'c'),
      address,
    );
    if (before !== 'c') assert.equal(after, before);
  }
});
