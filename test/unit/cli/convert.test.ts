import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { convert } from '../../../src/cli/convert.ts';

const read = (file: string): string => readFileSync(path.join(import.meta.dirname, 'convert', file), 'utf8');

const INNER = `address-pools:
- name: default
  protocol: layer2
  addresses: [10.0.0.0/24]
`;

const CONVERTED = `# What ConfigMap metallb-system/config says, as the objects that replaced it. Delete it once they are applied.
---
# From data.config.address-pools[0].
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata:
  name: default
  namespace: metallb-system
spec:
  addresses:
    - 10.0.0.0/24
---
# From data.config.address-pools[0].protocol.
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata:
  name: l2advertisement1
  namespace: metallb-system
spec:
  ipAddressPools:
    - default
`;

/** The text inside a ConfigMap, under this style of YAML. */
const wrapped = (config: string, style = '|'): string =>
  `kind: ConfigMap\nmetadata: {namespace: lb, name: c}\ndata:\n  config: ${style}\n${config.replaceAll(/^/gm, '    ')}`;

test('10 everything the ConfigMap can say, byte for byte, again and again', () => {
  const text = read('everything.yaml');
  const { output, remarks, exitCode } = convert(text, 'everything.yaml');
  assert.equal(output, read('everything.golden'));
  assert.equal(exitCode, 0);
  assert.ok(
    remarks.every((remark) => / LB209 /.test(remark)),
    remarks.join('\n'),
  );
  assert.deepEqual(convert(text, 'everything.yaml'), { output, remarks, exitCode });
});

test('10 the text of the key alone, or the ConfigMap around it', () => {
  assert.deepEqual(convert(INNER, '-'), { output: CONVERTED, remarks: [], exitCode: 0 });
  assert.equal(
    convert(wrapped(INNER), '-').output,
    CONVERTED.replaceAll('metallb-system/config', 'lb/c').replaceAll('metallb-system', 'lb'),
  );
});

test('nothing configured is converted to nothing', () => {
  assert.deepEqual(convert('', '-').output.split('\n').length, 2);
});

test('a fault is named with its line, and nothing is converted', () => {
  const broken = INNER.replace('10.0.0.0/24', '10.0.0.0').replace('layer2', 'layer3');
  const pool = 'data.config.address-pools[0]';
  const told = (first: number) => [
    `f:${first}: LB208 ${pool}.protocol "layer3" is not layer2 or bgp`,
    `f:${first + 1}: LB201 ${pool}.addresses[0] 10.0.0.0 is a single address: write 10.0.0.0/32`,
  ];
  assert.deepEqual(convert(broken, 'f'), { output: '', remarks: told(3), exitCode: 1 });
  assert.deepEqual(convert(wrapped(broken), 'f'), { output: '', remarks: told(7), exitCode: 1 });
});

test('where a ConfigMap is not written as a literal block, the line where its text begins', () => {
  const text = `kind: ConfigMap\ndata:\n  config: "address-pools: 7"\n`;
  assert.deepEqual(convert(text, 'f').remarks, ['f:3: LB208 data.config.address-pools 7 is not a list']);
});

test('what is no configuration', () => {
  const why = (text: string): string[] => {
    const { output, remarks, exitCode } = convert(text, 'f');
    assert.deepEqual([output, exitCode], ['', 1]);
    return [...remarks];
  };
  assert.deepEqual(why('kind: Service\n'), ['f:1: this is no ConfigMap with the key config']);
  assert.deepEqual(why('kind: ConfigMap\ndata: {}\n'), ['f:1: this is no ConfigMap with the key config']);
  assert.deepEqual(why(`${wrapped(INNER.trimEnd())}\n---\nkind: Namespace\n`), [
    'f:1: there is more than one document: give the ConfigMap alone',
  ]);
  assert.match(why('a: [\n')[0] ?? '', /^f:\d+: /);
  assert.match(why(wrapped('peers: [\n'))[0] ?? '', /^f:[56]: /);
  assert.match(why('7\n')[0] ?? '', /^f:1: LB208 data.config 7 is not an object with the key address-pools$/);
});

test('10 names that Kubernetes does not take', () => {
  const pools = (...names: string[]): string =>
    `address-pools:\n${names.map((name, index) => `- {name: ${name}, protocol: layer2, addresses: [10.0.${index}.0/24]}\n`).join('')}`;
  const names = (text: string): string[] =>
    [...convert(text, 'f').output.matchAll(/kind: IPAddressPool\nmetadata:\n {2}name: (.*)/g)].map(
      ([, name = '']) => name,
    );
  assert.deepEqual(names(pools('Front_End', 'b.c', '010', 'yes', '-x-')), [
    'front-end',
    'b.c',
    '"010"',
    '"yes"',
    'x',
  ]);
  assert.deepEqual(convert(pools('a_b', 'a-b'), 'f').remarks, [
    'f:3: LB205 data.config.address-pools[1].name a-b must be called a-b in Kubernetes, and so must a_b: rename one',
  ]);
  assert.deepEqual(convert(pools('"__"'), 'f').remarks, [
    'f:2: LB208 data.config.address-pools[0].name __ cannot be made a name in Kubernetes: write letters or digits',
  ]);
});
