/** How a speaker is put together: MetalLB's file of interfaces to exclude, and what its readiness probe answers. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { NODES } from '../../src/api/kubernetes.ts';
import type { Node } from '../../src/api/kubernetes.ts';
import { UserError } from '../../src/api/user-error.ts';
import { readExcludedInterfaces } from '../../src/cli/excluded-interfaces.ts';
import { speakerParts } from '../../src/cli/speaker-parts.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { SPEAKER_METRICS } from '../../src/platform/metric-names.ts';
import { FakeKube } from '../support/fake-kube.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'cleat-speaker-'));
after(() => rmSync(scratch, { recursive: true }));

function file(content: string): string {
  const name = path.join(scratch, 'excludel2.yaml');
  writeFileSync(name, content);
  return name;
}

test('the list of MetalLB’s own manifest: patterns that are not anchored by themselves', () => {
  const patterns = readExcludedInterfaces(file('announcedInterfacesToExclude: ["^docker.*", ^lo$, cali]\n'));
  const excluded = (name: string): boolean => patterns.some((it) => it.test(name));
  for (const name of ['docker0', 'lo', 'cali123', 'xcali']) assert.ok(excluded(name), name);
  for (const name of ['eth0', 'lo0', 'xdocker']) assert.ok(!excluded(name), name);
});

test('no file, an empty one and one without the list exclude nothing', () => {
  assert.deepEqual(readExcludedInterfaces(path.join(scratch, 'none')), []);
  for (const content of ['', '# nothing\n', '{}', 'other: 1', 'announcedInterfacesToExclude:', '---\n'])
    assert.deepEqual(readExcludedInterfaces(file(content)), [], content);
});

test('anything else is refused with the file and what is wrong in it', () => {
  const refused: Readonly<Record<string, RegExp>> = {
    'a: [': /excludel2\.yaml is not YAML: line 1/,
    'announcedInterfacesToExclude: ["^eth", "eth(0"]': /`eth\(0`, which is not a regular expression/,
    'announcedInterfacesToExclude: eth0': /write a list of regular expressions/,
    'announcedInterfacesToExclude: [5]': /write a list of regular expressions/,
    '[eth0]': /write a list of regular expressions/,
    eth0: /write a list of regular expressions/,
  };
  for (const [content, sentence] of Object.entries(refused)) {
    const named = (error: unknown): boolean => error instanceof UserError && sentence.test(error.message);
    assert.throws(() => readExcludedInterfaces(file(content)), named, content);
  }
  assert.throws(() => readExcludedInterfaces(scratch), /cannot be read \(EISDIR\); name a readable file/);
});

test('ready once this node is a member, and not before', async () => {
  const kube = new FakeKube();
  kube.put<Node>(NODES, { metadata: { name: 'node-1' } });
  kube.hold(NODES);
  const clock = new VirtualClock();
  const { parts, whyNotReady } = speakerParts({
    client: kube,
    clock,
    log: new RecordingLog(),
    meter: createMeter(SPEAKER_METRICS),
    namespace: 'metallb-system',
    nodeName: 'node-1',
    lbClass: undefined,
    ignoreExcludeLb: false,
    excludeL2File: path.join(scratch, 'none'),
  });
  const unprivileged = parts.filter(({ name }) => name !== 'packets');
  for (const { part } of unprivileged) await part.start();
  await clock.advance(1000);
  assert.match(whyNotReady() ?? '', /takes no part/);
  kube.release(NODES);
  await clock.advance(1000);
  assert.equal(whyNotReady(), undefined);
  for (const { part } of unprivileged.toReversed()) await part.stop();
});
