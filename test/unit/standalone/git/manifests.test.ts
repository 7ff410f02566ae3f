import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { CRDS, NAMESPACES, SERVICES } from '../../../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS } from '../../../../src/api/metallb.ts';
import { formatFault, readManifests } from '../../../../src/standalone/git/manifests.ts';

const KNOWN = [SERVICES, NAMESPACES, CRDS, IP_ADDRESS_POOLS];

function read(text: string, path = 'a.yaml') {
  return readManifests([{ path, text }], (apiVersion, kind) =>
    KNOWN.find(
      (each) =>
        each.kind === kind && apiVersion === (each.group === '' ? 'v1' : `${each.group}/${each.version}`),
    ),
  );
}

function faultsOf(text: string): string[] {
  return read(text).faults.map(formatFault);
}

const POOL = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: p, namespace: metallb-system}
spec: {addresses: [172.16.0.100-172.16.0.149]}
`;

suite('standalone/git/manifests', () => {
  test('reads several documents of a file, with file and line of each', () => {
    const { objects, faults } = read(`${POOL}---\n---\n${POOL.replace('name: p', 'name: q')}`);
    assert.deepEqual(faults, []);
    assert.deepEqual(
      objects.map(({ kind, namespace, name, file, line }) => ({ kind, namespace, name, file, line })),
      [
        { kind: 'IPAddressPool', namespace: 'metallb-system', name: 'p', file: 'a.yaml', line: 1 },
        { kind: 'IPAddressPool', namespace: 'metallb-system', name: 'q', file: 'a.yaml', line: 7 },
      ],
    );
    assert.deepEqual(objects[0]?.body, {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: { name: 'p', namespace: 'metallb-system' },
      spec: { addresses: ['172.16.0.100-172.16.0.149'] },
    });
  });

  test('JSON is read too', () => {
    assert.equal(
      read('{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"}}', 'a.json').objects[0]?.name,
      'web',
    );
  });

  test('without a namespace a namespaced object goes to default, as kubectl does', () => {
    const [object] = read('{apiVersion: v1, kind: Service, metadata: {name: web}}').objects;
    assert.equal(object?.namespace, 'default');
    assert.equal(object?.body.metadata.namespace, 'default');
    const [space] = read('{apiVersion: v1, kind: Namespace, metadata: {name: shop}}').objects;
    assert.equal(space?.namespace, undefined);
    assert.deepEqual(space?.body.metadata, { name: 'shop' });
  });

  test('a List is its items', () => {
    const { objects, faults } = read(
      '{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Service, metadata: {name: a}}, {kind: Service}]}',
    );
    assert.deepEqual(
      objects.map((object) => object.name),
      ['a'],
    );
    assert.match(faults.map(formatFault).join(), /a\.yaml:1 has no apiVersion/);
  });

  test('kinds a CustomResourceDefinition of the commit brings are known, in files before it too', () => {
    const widget = '{apiVersion: shop.example/v2, kind: Widget, metadata: {name: w}}';
    const crd = `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.shop.example},
      spec: {group: shop.example, names: {kind: Widget, plural: widgets}, scope: Cluster, versions: [{name: v1}, {name: v2}]}}`;
    const { objects, faults } = readManifests(
      [
        { path: '1.yaml', text: widget },
        { path: '2.yaml', text: crd },
      ],
      (apiVersion, kind) => (kind === CRDS.kind && apiVersion.startsWith(CRDS.group) ? CRDS : undefined),
    );
    assert.deepEqual(faults, []);
    assert.deepEqual(objects[0]?.resource, {
      group: 'shop.example',
      version: 'v2',
      plural: 'widgets',
      kind: 'Widget',
      namespaced: false,
    });
  });

  const BROKEN: readonly [what: string, text: string, sentence: RegExp][] = [
    ['no YAML', 'a: [', /^a\.yaml:1 is not YAML: .+; correct it$/],
    ['text', 'hello', /^a\.yaml:1 is not a Kubernetes object; write apiVersion, kind and metadata$/],
    ['no apiVersion', 'kind: Service', /^a\.yaml:1 has no apiVersion; write/],
    ['no kind', 'apiVersion: v1', /^a\.yaml:1 has no kind; write/],
    [
      'no name',
      '{apiVersion: v1, kind: Service, metadata: {generateName: x-}}',
      /^a\.yaml:1: Service has no metadata\.name as text/,
    ],
    [
      'a number for a name',
      '{apiVersion: v1, kind: Service, metadata: {name: 7}}',
      /Service has no metadata\.name as text/,
    ],
    [
      'a wrong kind',
      '# note\n---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}}',
      /^a\.yaml:3: Deployment shop\/web is of kind Deployment in apps\/v1, which this API server does not serve; correct it/,
    ],
    [
      'a namespace where none belongs',
      '{apiVersion: v1, kind: Namespace, metadata: {name: shop, namespace: shop}}',
      /Namespace shop\/shop belongs to no namespace; remove metadata\.namespace/,
    ],
    [
      'the same object twice',
      `${POOL}---\n${POOL}`,
      /^a\.yaml:6: IPAddressPool metallb-system\/p is already at a\.yaml:1; keep one of the two$/,
    ],
  ];
  for (const [what, text, sentence] of BROKEN) {
    test(`says what is wrong with ${what}`, () => {
      assert.match(faultsOf(text)[0] ?? '', sentence);
      assert.equal(faultsOf(text).length, 1);
    });
  }

  test('reports every fault, not only the first', () => {
    assert.equal(faultsOf('hello\n---\nkind: Service\n---\napiVersion: v1\n').length, 3);
  });

  test('never throws, whatever the text', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '\n',
        '---\n',
        'apiVersion: v1\n',
        'kind: List\n',
        'items: ',
        '[',
        '{',
        ': ',
        '&a ',
        '*a ',
        '- ',
      ),
    );
    fc.assert(fc.property(fc.array(piece), (pieces) => void faultsOf(pieces.join(''))));
    fc.assert(fc.property(fc.json(), (text) => void faultsOf(text)));
  });
});
