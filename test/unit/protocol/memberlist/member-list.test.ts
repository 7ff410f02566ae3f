/**
 * Whole clusters under virtual time. Small by default; CLEAT_RUNS=20 makes them 100 nodes and watches them longer. The
 * times are of the simulated network and printed; what is asserted are bounds that the product promises, and that nobody is
 * lost who lives.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { WAN } from '../../../../src/protocol/memberlist/config.ts';
import { GossipSimulator } from '../../../support/gossip-simulator.ts';
import type { SimulatedNode } from '../../../support/gossip-simulator.ts';
import { runs } from '../../../support/runs.ts';

const NODES = Math.min(100, runs(6).numRuns);
const QUIET_MS = 1000 * Math.min(60, runs(1).numRuns);

function cluster(count = NODES, seed = 1): GossipSimulator {
  const simulator = new GossipSimulator(count, seed);
  simulator.introduce();
  assert.ok(
    simulator.runUntil(5000, () => simulator.agree(simulator.nodes)) !== undefined,
    'all find each other',
  );
  simulator.run(500);
  assert.deepEqual(simulator.losses, []);
  return simulator;
}

function others(simulator: GossipSimulator, ...without: readonly SimulatedNode[]): SimulatedNode[] {
  return simulator.nodes.filter((node) => !without.includes(node));
}

/** The time until all of them agree on exactly each other. */
function agreed(
  t: TestContext,
  simulator: GossipSimulator,
  nodes: readonly SimulatedNode[],
  withinMs: number,
): void {
  const ms = simulator.runUntil(withinMs, () => simulator.agree(nodes));
  assert.ok(ms !== undefined, `${nodes.length} members agree within ${withinMs} ms`);
  t.diagnostic(`${simulator.nodes.length} nodes, ${t.name}: all agree after ${ms.toFixed(0)} ms`);
}

suite('a cluster of member lists', () => {
  test('a killed program is off every list in half a second, and nobody else is', (t) => {
    const simulator = cluster();
    const killed = simulator.node(1);
    killed.state = 'killed';
    agreed(t, simulator, others(simulator, killed), 500);
    simulator.run(QUIET_MS);
    assert.deepEqual([...new Set(simulator.losses.map(({ of }) => of))], [killed.name]);
  });

  test('so is one whose link is cut, in less than a second; and it is back as soon as the link is', (t) => {
    const simulator = cluster();
    const cut = simulator.node(2);
    cut.island = 1;
    agreed(t, simulator, others(simulator, cut), 900);
    assert.ok(cut.living.size > NODES / 2, 'it hears nobody, and doubts itself first');
    simulator.run(1000);
    cut.island = 0;
    agreed(t, simulator, simulator.nodes, 1000);
    simulator.run(QUIET_MS);
    assert.ok(simulator.agree(simulator.nodes));
  });

  test('both halves of a split cluster go on alone, and find each other when it is over', (t) => {
    const simulator = cluster();
    const half = simulator.nodes.filter((_, i) => i % 2 === 0);
    for (const node of half) node.island = 1;
    const rest = others(simulator, ...half);
    const ms = simulator.runUntil(5000, () => simulator.agree(half) && simulator.agree(rest));
    assert.ok(ms !== undefined, 'two clusters');
    t.diagnostic(`${NODES} nodes in halves: two clusters after ${ms.toFixed(0)} ms`);
    simulator.run(QUIET_MS);
    for (const node of half) node.island = 0;
    agreed(t, simulator, simulator.nodes, 1500);
    simulator.run(1000);
    assert.ok(simulator.agree(simulator.nodes));
  });

  test('who leaves is off every list at once', (t) => {
    const simulator = cluster();
    const leaving = simulator.node(3);
    simulator.act(leaving, () => leaving.list.leave());
    agreed(t, simulator, others(simulator, leaving), 150);
    assert.ok(!leaving.living.has(leaving.name), 'nor on its own');
    simulator.run(3000);
    assert.ok(simulator.agree(others(simulator, leaving)), 'and does not come back by anybody’s word');
  });

  test('nobody is lost to loss and delay', (t) => {
    const simulator = cluster(NODES, 5);
    for (const loss of [0.05, 0.2]) {
      simulator.weather.loss = loss;
      simulator.weather.delayMs = [1, 30];
      const before = simulator.datagrams;
      simulator.run(QUIET_MS);
      assert.deepEqual(simulator.losses, [], `${loss * 100} %`);
      const each = ((simulator.datagrams - before) * 1000) / QUIET_MS / NODES;
      t.diagnostic(
        `${NODES} nodes, ${loss * 100} % lost: nobody in ${QUIET_MS / 1000} s; ${each.toFixed(0)} datagrams/s each`,
      );
    }
  });

  test('nor is one that stands still for three seconds: its kernel is there, and its packet worker may announce so long', (t) => {
    const simulator = cluster();
    const stopped = simulator.node(4);
    stopped.stoppedUntilMs = simulator.nowMs + 2950;
    simulator.run(5000);
    assert.equal(simulator.losses.length, 0);
    stopped.stoppedUntilMs = simulator.nowMs + 30_000;
    const startMs = simulator.nowMs;
    agreed(t, simulator, others(simulator, stopped), 4000);
    assert.ok(Math.min(...simulator.losses.map(({ atMs }) => atMs)) - startMs > 3000);
  });

  test('two members: each is all the other hears', (t) => {
    const simulator = cluster(2, 3);
    const [a, b] = [simulator.node(0), simulator.node(1)];
    a.island = 1;
    const ms = simulator.runUntil(900, () => simulator.agree([a]) && simulator.agree([b]));
    assert.ok(ms !== undefined);
    t.diagnostic(`two nodes apart: each alone after ${ms.toFixed(0)} ms`);
    a.island = 0;
    agreed(t, simulator, [a, b], 1000);
  });

  test('by itself it does nothing in vain', () => {
    const simulator = cluster(1);
    simulator.run(60_000);
    assert.equal(simulator.datagrams, 0);
    assert.deepEqual([...simulator.node(0).living], ['node-000']);
  });

  test('in quiet times a member sends few datagrams, however large the cluster', (t) => {
    const simulator = cluster();
    simulator.run(2000);
    const before = simulator.datagrams;
    simulator.run(2000);
    const each = (simulator.datagrams - before) / 2 / NODES;
    t.diagnostic(`${NODES} nodes: ${each.toFixed(0)} datagrams/s each`);
    assert.ok(each < 60, String(each));
  });

  test('with the settings for wide networks, too', () => {
    const simulator = new GossipSimulator(3, 9, WAN);
    simulator.introduce();
    assert.ok(simulator.runUntil(5000, () => simulator.agree(simulator.nodes)) !== undefined);
    simulator.weather.delayMs = [20, 45];
    simulator.run(10_000);
    assert.deepEqual(simulator.losses, []);
  });

  test('one that answers at an address that is not its own is not asked for ever', () => {
    const simulator = new GossipSimulator(2, 4);
    const [a, b] = [simulator.node(0), simulator.node(1)];
    const elsewhere = simulator.alias(b, '192.0.2.9');
    simulator.act(a, () => a.list.expect([elsewhere]));
    assert.ok(simulator.runUntil(1000, () => simulator.agree([a, b])) !== undefined);
    assert.ok(!a.list.complete);
    simulator.run(60_000);
    assert.ok(simulator.exchanges < 20, String(simulator.exchanges));
  });

  test('an address in two places is reported once, and changes nothing', () => {
    const simulator = cluster(3);
    const [first, , third] = simulator.nodes;
    assert.ok(first && third);
    const said = {
      type: 'alive',
      node: third.name,
      incarnation: 1000,
      address: Uint8Array.of(192, 0, 2, 1),
      port: 7946,
      meta: new Uint8Array(),
      versions: Uint8Array.of(1, 5, 2, 0, 0, 0),
    } as const;
    for (let i = 0; i < 3; i += 1) simulator.act(first, () => first.list.receive(said, third.endpoint));
    const conflicts = simulator.notes.filter(({ kind }) => kind === 'conflict');
    assert.deepEqual(conflicts, [
      { kind: 'conflict', node: third.name, by: '192.0.2.1:7946', at: first.name },
    ]);
    assert.ok(simulator.agree(simulator.nodes));
  });

  test('what others say of it is refuted, whatever number they give it', () => {
    const simulator = cluster(3);
    const [first, second] = simulator.nodes;
    assert.ok(first && second);
    for (const type of ['suspect', 'dead'] as const) {
      const incarnation = 4_000_000 + (type === 'dead' ? 10 : 0);
      simulator.act(first, () =>
        first.list.receive({ type, node: second.name, incarnation, from: 'node-002' }, second.endpoint),
      );
      simulator.run(100);
      assert.ok(simulator.agree(simulator.nodes), type);
      assert.ok(second.list.rows.find(({ node }) => node === second.name)?.incarnation === incarnation + 1);
      const told: string | undefined = simulator.notes.findLast(({ kind }) => kind.startsWith('re'))?.kind;
      assert.equal(told, type === 'dead' ? 'revived' : 'refuted', 'who was taken for dead was replaced');
    }
  });
});
