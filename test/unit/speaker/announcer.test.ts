import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../../src/api/kubernetes.ts';
import { parseAddress } from '../../../src/core/net/address.ts';
import { createMeter } from '../../../src/platform/metrics.ts';
import { SPEAKER_METRICS } from '../../../src/platform/metric-names.ts';
import type { PacketIo } from '../../../src/ports.ts';
import { Announcer } from '../../../src/speaker/announcer.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

test('an address that is handed over is let go when the successor says that it has it, and the others are not', async () => {
  const clock = new VirtualClock();
  const tables: string[] = [];
  const watched: string[] = [];
  const announced: string[] = [];
  const addressesOf = (rows: readonly { address: string }[]): string =>
    rows.map(({ address }) => address).join();
  const packets = {
    answer: (rows: readonly { address: string }[]) => void tables.push(addressesOf(rows)),
    watch: (rows: readonly { address: string }[], friends: readonly string[]) =>
      void watched.push(`${addressesOf(rows)} but ${friends.join()}`),
    probe: () => {},
    announce: (addresses: readonly string[]) => void announced.push(...addresses),
  };
  const announcer = new Announcer({
    nodeName: 'node-1',
    clock,
    log: new RecordingLog(),
    meter: createMeter(SPEAKER_METRICS),
    events: { record: () => {} },
    packets: packets as unknown as PacketIo,
    statuses: { announced: () => {}, withdrawn: () => {} },
  });
  const texts = ['172.16.0.100', '2001:db8::1', '172.16.0.101'];
  for (const text of texts) {
    const address = parseAddress(text) ?? assert.fail(text);
    const service: Service = {
      metadata: { namespace: 'default', name: text },
      spec: { type: 'LoadBalancer' },
    };
    announcer.settle(text, service, { kind: 'announced', addresses: [address], interfaces: 'all' }, [
      address,
    ]);
  }
  announcer.publish();
  assert.equal(tables.at(-1), texts.join());

  announcer.handOver();
  assert.equal(watched.at(-1), `${texts.join()} but `, 'the other nodes’ word counts now');
  announced.length = 0;
  await clock.advance(10_000);
  assert.deepEqual(announced, [], 'neighbours are not called back');
  assert.equal(tables.at(-1), texts.join(), 'until somebody takes over it goes on answering');

  const changes = tables.length;
  const taken = { kind: 'claimed', mac: '02:00:00:00:00:12', interface: 'eth0' } as const;
  for (const address of texts.slice(0, 2)) announcer.hear({ ...taken, address });
  await clock.advance(0);
  assert.deepEqual(tables.slice(changes), ['172.16.0.101'], 'at once, and as one change');
  announcer.hear({ ...taken, address: texts[2] ?? '' });
  announcer.stop();
  await clock.advance(10_000);
  assert.deepEqual(tables.slice(changes), ['172.16.0.101', '']);
});
