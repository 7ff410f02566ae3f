import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFloor } from '../../../src/gitops/floor.ts';
import { parseYamlDocuments } from '../../../src/platform/yaml.ts';

const options = { namespace: 'metallb-system', enforce: 'deny' } as const;
const POOL = (range: string): string =>
  `apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: p}\nspec: {addresses: [${range}]}\n`;

function kinds(text: string): unknown[] {
  return parseYamlDocuments(text).documents.map(({ value }) => (value as { kind: unknown }).kind);
}

test('the policy and its binding; with pools also the ConfigMap', () => {
  const alone = formatFloor(undefined, options);
  assert.ok(alone.ok);
  assert.deepEqual(kinds(alone.yaml), ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding']);
  const whole = formatFloor([{ file: 'a.yaml', text: POOL('192.0.2.0/28') }], options);
  assert.ok(whole.ok);
  assert.equal(kinds(whole.yaml).at(-1), 'ConfigMap');
  assert.match(whole.yaml, /\n {2}open: 192\.0\.2\.0\/28\n/);
});

test('pools with faults, and what is no YAML, are said', () => {
  const faulty = formatFloor([{ file: 'a.yaml', text: POOL('x') }], options);
  assert.match(faulty.ok ? '' : faulty.why, /^the configuration has faults: LB201 spec\.addresses\[0\] /);
  const exception =
    'apiVersion: cleat.dev/v1alpha1\nkind: PolicyException\nmetadata: {name: e}\nspec: {rule: LB101}\n';
  const without = formatFloor(
    [{ file: 'a.yaml', text: `${POOL('192.0.2.0/28')}---\n${exception}` }],
    options,
  );
  assert.match(without.ok ? '' : without.why, /LB210 spec\.expires is missing/, 'it would refuse too much');
  const broken = formatFloor([{ file: 'a.yaml', text: '{' }], options);
  assert.match(broken.ok ? '' : broken.why, /^a\.yaml:1: is not YAML: /);
});
