import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PoolLine } from '../../../../src/core/allocation/pool-line.ts';
import { pool, snapshotOf } from '../../../support/allocation.ts';
import { runs } from '../../../support/runs.ts';

const COUNT = 200;
const pools = snapshotOf(
  Array.from({ length: COUNT }, (_, index) => pool(`p-${index}`, [`10.0.${index}.0/24`])),
).pools.list;

test('the first pool with room is found however many before it have none, and after each change', () => {
  const steps = fc.array(
    fc.record({ from: fc.nat(COUNT), to: fc.nat(COUNT), hasRoom: fc.boolean(), avoided: fc.nat(COUNT) }),
    {
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const full = new Set(pools.map(({ name }) => name));
      let asked = 0;
      const line = new PoolLine(pools, (name, family) => {
        asked++;
        return family === 'IPv4' && !full.has(name);
      });
      for (const { from, to, hasRoom, avoided } of list) {
        for (const { name } of pools.slice(from, to)) {
          if (hasRoom) full.delete(name);
          else full.add(name);
          line.roomChanged(name);
        }
        const isAcceptable = ({ name }: { name: string }): boolean => name !== pools[avoided]?.name;
        assert.equal(
          line.firstWithRoom('IPv4', isAcceptable),
          pools.find((each) => !full.has(each.name) && isAcceptable(each)),
        );
        assert.equal(line.firstWithRoom('both', isAcceptable), undefined);
      }
      const before = asked;
      line.firstWithRoom('IPv4', () => true);
      if (list.length > 0) assert.equal(asked, before, 'each pool is asked once, and when it has changed');
    }),
    runs(40),
  );
});

test('nobody looks farther than to the first with room', () => {
  const asked = new Set<string>();
  const line = new PoolLine(pools, (name) => asked.add(name).size > 0);
  assert.equal(
    line.firstWithRoom('IPv4', () => true),
    pools[0],
  );
  assert.ok(asked.size < COUNT / 2, `${asked.size} pools looked at`);
});
