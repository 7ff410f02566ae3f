import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BgpCommunity } from '../../../../src/core/config/community.ts';
import {
  compareCommunities,
  formatCommunity,
  parseCommunity,
} from '../../../../src/core/config/community.ts';

function canonical(text: string): string {
  const parsed = parseCommunity(text);
  return parsed.ok ? formatCommunity(parsed.community) : parsed.why;
}

test('6.6 two fields of 16 bits, or the word large and three of 32', () => {
  assert.equal(canonical('65000:100'), '65000:100');
  assert.equal(canonical('065535:0'), '65535:0');
  assert.equal(canonical('large:4294967295:0:007'), 'large:4294967295:0:7');
});

test('6.6 what is no community, and why', () => {
  const both = 'is no community: both numbers must be from 0 to 65535';
  const three = 'is no community: the three numbers must be from 0 to 4294967295';
  const shape = 'is no community: write 65000:100, or large:65000:1:2';
  const word = 'is no community: of four fields the first must be the word large';
  const cases: [string, string][] = [
    ['65536:1', both],
    ['1:', both],
    ['-1:1', both],
    ['+1:1', both],
    ['0x1:1', both],
    [' 1:1', both],
    ['large:1:2:4294967296', three],
    ['Large:1:2:3', word],
    ['1:2:3:4', word],
    ['1:2:3', shape],
    ['no-export', shape],
    ['', shape],
    ['large:1:2:3:4', shape],
  ];
  for (const [text, why] of cases) assert.equal(canonical(text), why, text);
});

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const uint16 = fc.integer({ min: 0, max: 2 ** 16 - 1 });
const anyCommunity: fc.Arbitrary<BgpCommunity> = fc.oneof(
  fc.record({ kind: fc.constant('legacy' as const), high: uint16, low: uint16 }),
  fc.record({ kind: fc.constant('large' as const), administrator: uint32, data1: uint32, data2: uint32 }),
);

test('every community formats to text that parses to it; no text throws', () => {
  fc.assert(
    fc.property(anyCommunity, (each) => {
      const parsed = parseCommunity(formatCommunity(each));
      assert.ok(parsed.ok);
      assert.deepEqual(parsed.community, { ...each });
    }),
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(':', ':', 'large', '0', '007', '65535', '-')).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (any) => {
      const parsed = parseCommunity(any);
      if (!parsed.ok) return;
      const formatted = formatCommunity(parsed.community);
      assert.deepEqual(parseCommunity(formatted), parsed);
      assert.equal(canonical(formatted), formatted);
    }),
  );
});

test('6.6 sorted by number, a legacy one as if zeros stood behind it', () => {
  const sorted = (texts: string[]) =>
    texts
      .flatMap((text) => {
        const parsed = parseCommunity(text);
        return parsed.ok ? [parsed.community] : [];
      })
      .toSorted(compareCommunities)
      .map(formatCommunity);
  assert.deepEqual(sorted(['large:1:0:0', '1:1', '0:1', 'large:65537:0:0', '0:65535', 'large:1:0:1']), [
    '0:1',
    'large:1:0:0',
    'large:1:0:1',
    '0:65535',
    '1:1',
    'large:65537:0:0',
  ]);
  fc.assert(
    fc.property(anyCommunity, anyCommunity, (a, b) => {
      assert.equal(Math.sign(compareCommunities(a, b)), -Math.sign(compareCommunities(b, a)) + 0);
      assert.equal(compareCommunities(a, b) === 0, formatCommunity(a) === formatCommunity(b));
    }),
  );
});
