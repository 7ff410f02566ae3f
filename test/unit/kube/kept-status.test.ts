import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigurationState } from '../../../src/api/metallb.ts';
import { CONFIGURATION_STATES } from '../../../src/api/metallb.ts';
import { KeptStatus } from '../../../src/kube/kept-status.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

type Status = NonNullable<ConfigurationState['status']>;
const REF = { namespace: 'metallb-system', name: 'mine' };

class Fixture {
  readonly kube = new FakeKube();
  readonly clock = new VirtualClock();
  wanted: Status | undefined = { result: 'Valid' };
  readonly kept = new KeptStatus<Status>({
    client: this.kube,
    clock: this.clock,
    log: new RecordingLog(),
    resource: CONFIGURATION_STATES,
    ...REF,
    labels: { of: 'me' },
    fieldManager: 'test',
    owners: () => [{ apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' }],
    statusAfter: (stored) => (stored?.result === this.wanted?.result ? undefined : this.wanted),
  });

  async start(): Promise<void> {
    await this.kept.start();
    await settle();
  }

  stored(): ConfigurationState | undefined {
    return this.kube.read<ConfigurationState>(CONFIGURATION_STATES, REF);
  }

  writes(): string[] {
    return this.kube.writes
      .splice(0)
      .map(({ verb, options }) => `${verb} ${options.subresource ?? 'object'}`);
  }
}

test('the object is made with labels and owner, then its status', async () => {
  const fixture = new Fixture();
  await fixture.start();
  const { metadata, status } = fixture.stored() ?? { metadata: {} };
  assert.deepEqual(
    [metadata.labels, metadata.ownerReferences?.map(({ uid }) => uid), status],
    [{ of: 'me' }, ['u'], { result: 'Valid' }],
  );
  assert.deepEqual(fixture.writes(), ['apply object', 'apply status']);
  await fixture.kept.stop();
});

test('a change is written once, and what is said already is not', async () => {
  const fixture = new Fixture();
  await fixture.start();
  fixture.writes();
  fixture.kept.changed();
  await settle();
  assert.deepEqual(fixture.writes(), []);
  fixture.wanted = { result: 'Invalid' };
  fixture.kept.changed();
  await settle();
  assert.deepEqual([fixture.writes(), fixture.stored()?.status], [['apply status'], { result: 'Invalid' }]);
  fixture.wanted = undefined;
  fixture.kept.changed();
  await settle();
  assert.deepEqual(fixture.writes(), []);
  await fixture.kept.stop();
});

test('1.11 it is there again after somebody deletes it, and right again after somebody edits it', async () => {
  const fixture = new Fixture();
  await fixture.start();
  fixture.kube.remove(CONFIGURATION_STATES, REF);
  await settle();
  assert.deepEqual(fixture.stored()?.status, { result: 'Valid' });
  fixture.kube.put<ConfigurationState>(CONFIGURATION_STATES, {
    metadata: REF,
    status: { result: 'Unknown' },
  });
  await settle();
  assert.deepEqual(fixture.stored()?.status, { result: 'Valid' });
  await fixture.kept.stop();
  fixture.kube.remove(CONFIGURATION_STATES, REF);
  await settle();
  assert.equal(fixture.stored(), undefined);
});

test('a write that fails is tried again', async () => {
  const fixture = new Fixture();
  fixture.kube.refuse = () => refusal(503, 'ServiceUnavailable', 'not now');
  await fixture.start();
  assert.equal(fixture.stored(), undefined);
  fixture.kube.refuse = () => undefined;
  await fixture.clock.advance(60_000);
  await settle();
  assert.deepEqual(fixture.stored()?.status, { result: 'Valid' });
  await fixture.kept.stop();
});
