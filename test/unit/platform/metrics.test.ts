import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTROLLER_METRICS, KUBE_METRICS, SPEAKER_METRICS } from '../../../src/platform/metric-names.ts';
import { createMeter } from '../../../src/platform/metrics.ts';

const declarations = [
  { name: 'c_total', type: 'counter', help: 'Counts.', labels: ['kind'] },
  { name: 'plain_total', type: 'counter', help: 'Counts.' },
  { name: 'g', type: 'gauge', help: 'Levels.', labels: ['pool'] },
  { name: 'h_seconds', type: 'histogram', help: 'Durations.', labels: [], buckets: [0.1, 1] },
] as const;

test('what is measured is exposed in Prometheus’ text format', async () => {
  const meter = createMeter(declarations);
  meter.count('c_total', { kind: 'a' });
  meter.count('c_total', { kind: 'a' }, 2);
  meter.set('g', { pool: 'p' }, 5);
  meter.set('g', { pool: 'gone' }, 1);
  meter.remove('g', { pool: 'gone' });
  meter.observe('h_seconds', {}, 0.5);
  const text = await meter.expose();
  assert.match(meter.contentType, /^text\/plain; version=0\.0\.4/);
  for (const line of [
    '# HELP c_total Counts.',
    '# TYPE c_total counter',
    'c_total{kind="a"} 3',
    'plain_total 0',
    'g{pool="p"} 5',
    'h_seconds_bucket{le="0.1"} 0',
    'h_seconds_bucket{le="1"} 1',
    'h_seconds_sum 0.5',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line} is missing in\n${text}`);
  }
  assert.ok(!text.includes('gone'));
});

test('names, kinds and labels that were not declared throw', () => {
  const meter = createMeter(declarations);
  assert.throws(() => meter.count('typo_total'), /typo_total is not declared as a Counter/);
  assert.throws(() => meter.set('c_total', { kind: 'a' }, 1), /c_total is not declared as a Gauge/);
  assert.throws(() => meter.count('c_total', { sort: 'a' }), /sort/);
});

test('two meters in one process do not mix', async () => {
  const [one, other] = [createMeter(declarations), createMeter(declarations)];
  one.count('plain_total');
  assert.match(await one.expose(), /^plain_total 1$/m);
  assert.match(await other.expose(), /^plain_total 0$/m);
});

test('every declared metric can be built, has help and one meaning', () => {
  for (const list of [CONTROLLER_METRICS, SPEAKER_METRICS]) {
    createMeter(list);
    assert.equal(new Set(list.map(({ name }) => name)).size, list.length);
    for (const { name, type, help } of list) {
      assert.match(name, /^(metallb|cleat)_[a-z0-9_]+$/);
      assert.match(help, /\.$/);
      if (type === 'counter' && name.startsWith('cleat_')) assert.match(name, /_total$/);
      if (type === 'histogram') assert.match(name, /_seconds$/);
    }
    for (const declaration of KUBE_METRICS) assert.ok(list.includes(declaration));
  }
});

test('MetalLB’s names are there for the dashboards that know them', () => {
  const controller = CONTROLLER_METRICS.map(({ name }) => name);
  for (const name of [
    'addresses_total',
    'addresses_in_use_total',
    'ipv4_addresses_total',
    'ipv6_addresses_in_use_total',
  ]) {
    assert.ok(controller.includes(`metallb_allocator_${name}`));
  }
  const speaker = SPEAKER_METRICS.map(({ name }) => name);
  for (const name of [
    'speaker_announced',
    'layer2_requests_received',
    'layer2_responses_sent',
    'layer2_gratuitous_sent',
  ]) {
    assert.ok(speaker.includes(`metallb_${name}`));
  }
  for (const name of ['updates_total', 'update_errors_total', 'config_loaded_bool', 'config_stale_bool']) {
    assert.ok(
      controller.includes(`metallb_k8s_client_${name}`) && speaker.includes(`metallb_k8s_client_${name}`),
    );
  }
});
