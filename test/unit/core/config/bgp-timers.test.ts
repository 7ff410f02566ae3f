import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loaded, peer, said } from '../../../support/configuration.ts';

const saidOf = (spec: object): string[] =>
  said({ bgpPeers: [peer('p', spec)] }).map((line) => line.replace('LB215 p: ', ''));

function timesOf(spec: object): (number | undefined)[] {
  const read = loaded({ bgpPeers: [peer('p', spec)] }).bgpPeers.get('p');
  return [read?.holdTimeSeconds, read?.keepaliveTimeMs];
}

test('4.4 neither, one of the two, both', () => {
  assert.deepEqual(timesOf({}), [undefined, undefined]);
  assert.deepEqual(timesOf({ holdTime: '90s' }), [90, 30_000]);
  assert.deepEqual(timesOf({ keepaliveTime: '10s' }), [30, 10_000]);
  assert.deepEqual(timesOf({ holdTime: '1m30s', keepaliveTime: '90s' }), [90, 90_000]);
  assert.deepEqual(timesOf({ holdTime: '0s', keepaliveTime: '0s' }), [0, 0]);
  assert.deepEqual(timesOf({ holdTime: '10s' }), [10, 3_333]);
});

test('4.4 what is left out by the converted v1beta1 is 0s: a hold time alone', () => {
  assert.deepEqual(timesOf({ holdTime: '90s', keepaliveTime: '0s' }), [90, 30_000]);
});

test('4.4 a hold time is cut to seconds, 0 or at least 3', () => {
  assert.deepEqual(timesOf({ holdTime: '3.9s' }), [3, 1_300]);
  const why = 'is no hold time that BGP can carry: write 0s, or from 3s to 65535s';
  for (const text of ['2s', '2.999s', '1ns', '-3s', '500ms', '18h12m16s'])
    assert.match(saidOf({ holdTime: text })[0] ?? '', new RegExp(`^spec.holdTime \\S+ ${why}$`), text);
  assert.deepEqual(timesOf({ holdTime: '18h12m15s' }), [65_535, 21_845_000]);
  assert.deepEqual(saidOf({ keepaliveTime: '900ms' }), [
    `spec.keepaliveTime 900ms ${why}, and the hold time is three times that`,
  ]);
});

test('4.4 a keepalive time is not above the hold time', () => {
  assert.deepEqual(saidOf({ holdTime: '30s', keepaliveTime: '31s' }), [
    'spec.keepaliveTime 31s is longer than the hold time 30s: write a third of it',
  ]);
  assert.deepEqual(saidOf({ holdTime: '0s', keepaliveTime: '1s' }), [
    'spec.keepaliveTime 1s is longer than the hold time 0s: write a third of it',
  ]);
});

test('14.14 a negative keepalive time is refused, where MetalLB takes it', () => {
  assert.deepEqual(saidOf({ holdTime: '30s', keepaliveTime: '-1s' }), [
    'spec.keepaliveTime -1s is negative: leave it out',
  ]);
});

test('1.4 a connect time is of whole seconds, from 1 to 65535', () => {
  for (const text of ['0s', '500ms', '1.5s', '65536s', '-1s'])
    assert.match(
      saidOf({ connectTime: text })[0] ?? '',
      /is not a whole number of seconds from 1s to 65535s$/,
      text,
    );
  assert.equal(
    loaded({ bgpPeers: [peer('p', { connectTime: '65535s' })] }).bgpPeers.get('p')?.connectTimeSeconds,
    65_535,
  );
});

test('what is no duration', () => {
  for (const field of ['holdTime', 'keepaliveTime', 'connectTime'])
    assert.deepEqual(saidOf({ [field]: 'soon' }), [
      `spec.${field} soon is no duration: write one such as 90s or 1m30s`,
    ]);
});
