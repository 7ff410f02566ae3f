/**
 * A new version of the speakers, as a DaemonSet brings it in: one after the other is stopped and started. A client asks for the
 * address every 5 ms and writes down who answers: only who had it and who takes over ever
 * answer, and once the new owner has spoken the old one has not much more to say: how much is printed.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { NODES } from '../support/lab.ts';
import type { NodeName } from '../support/lab.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork } from '../support/private-network.ts';
import { until } from '../support/until.ts';
import { WatchedAddress } from '../support/watched-address.ts';

const VIP = '172.16.0.100';
const TIMEOUT_MS = 30_000;
/** To a question every 5 ms: who gave so many answers in a row has the address. */
const STEADY = 60;

const fault = faultOfPrivateNetwork();
if (fault === undefined) await enterPrivateNetwork();

suite('a rolling restart', { skip: fault !== undefined && process.env['CI'] === undefined && fault }, () => {
  let watched: WatchedAddress;
  before(async () => {
    watched = await WatchedAddress.create(VIP);
  });
  after(() => watched?.close());

  test('speakers are replaced one by one', async (t) => {
    const { nodes } = watched;
    const first = await owner();
    const startMs = watched.sights().at(-1)?.atMs ?? 0;
    const others = NODES.filter((node) => node !== first);
    await nodes.stopSpeaker(first);
    const successor = await owner((node) => node !== first);
    await nodes.startSpeakers([first]);
    for (const node of others) {
      await nodes.stopSpeaker(node);
      await nodes.startSpeakers([node]);
    }
    assert.equal(await owner((node) => node === first), first, 'who had it before has it again');
    const all = watched.sights().filter(({ atMs }) => atMs > startMs);
    assert.deepEqual(
      [...new Set(all.map(({ node }) => node))],
      [first, successor],
      'nobody else ever answered',
    );
    const taken = all.findIndex(({ node }) => node === successor);
    const returned = all.findIndex(
      ({ node }, i) => i > taken && node === first && all[i + STEADY]?.node === first,
    );
    const late = all.slice(taken, returned).filter(({ node }) => node === first).length;
    const gaps = all.slice(1).map(({ atMs }, i) => atMs - (all[i]?.atMs ?? 0));
    const figures = {
      answers: all.length,
      ofTheOldOwnerAfterTheNew: late,
      longestGapMs: Math.round(Math.max(...gaps)),
    };
    t.diagnostic(JSON.stringify(figures));
  });

  /** Who alone answers now. */
  function owner(is: (node: NodeName) => boolean = () => true): Promise<NodeName> {
    return until('a steady owner', TIMEOUT_MS, () => {
      const recent = watched.sights(STEADY);
      const node = recent[0]?.node;
      const alone = recent.length === STEADY && recent.every((each) => each.node === node);
      return alone && node !== undefined && is(node) ? node : undefined;
    });
  }
});
