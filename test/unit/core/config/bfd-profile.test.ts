import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loaded, NAMESPACE, peer, profile, said } from '../../../support/configuration.ts';

test('1.7 a profile with everything, and with nothing', () => {
  const spec = {
    receiveInterval: 10,
    transmitInterval: 60_000,
    detectMultiplier: 2,
    echoInterval: 50,
    echoMode: true,
    passiveMode: true,
    minimumTtl: 254,
  };
  const { bfdProfiles } = loaded({ bfdProfiles: [profile('full', spec), profile('empty')] });
  const source = (name: string) => ({ kind: 'BFDProfile', namespace: NAMESPACE, name });
  assert.deepEqual(
    [...bfdProfiles.values()],
    [
      { source: source('empty'), name: 'empty', echoMode: false, passiveMode: false },
      {
        source: source('full'),
        name: 'full',
        receiveIntervalMs: 10,
        transmitIntervalMs: 60_000,
        detectMultiplier: 2,
        echoIntervalMs: 50,
        echoMode: true,
        passiveMode: true,
        minimumTtl: 254,
      },
    ],
  );
});

test('4.4 each number within its bounds', () => {
  const bounds: [string, number, number][] = [
    ['receiveInterval', 10, 60_000],
    ['transmitInterval', 10, 60_000],
    ['detectMultiplier', 2, 255],
    ['echoInterval', 10, 60_000],
    ['minimumTtl', 1, 254],
  ];
  for (const [field, min, max] of bounds) {
    for (const value of [min - 1, max + 1])
      assert.deepEqual(said({ bfdProfiles: [profile('b', { [field]: value })] }), [
        `LB210 b: spec.${field} ${value} is not a whole number from ${min} to ${max}`,
      ]);
    for (const value of [min, max])
      assert.deepEqual(said({ bfdProfiles: [profile('b', { [field]: value })] }), []);
  }
});

test('4.4 a name, and each once', () => {
  assert.deepEqual(said({ bfdProfiles: [profile('')] }), ['LB210 : metadata.name "" is not a name']);
  assert.deepEqual(said({ bfdProfiles: [profile('b'), profile('b', { echoMode: true })] }), [
    'LB205 b: metadata.name b is also the name of a profile in BFDProfile metallb-system/b: rename one',
  ]);
});

test('4.4 a peer names one that exists', () => {
  assert.deepEqual(said({ bgpPeers: [peer('p', { bfdProfile: 'b' })] }), [
    'LB216 p: spec.bfdProfile b is not the name of a BFDProfile: create it',
  ]);
  assert.deepEqual(said({ bgpPeers: [peer('p', { bfdProfile: 'b' })], bfdProfiles: [profile('b')] }), []);
});
