/** docs/install.md names only what exists. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ADDRESS_READY } from '../../src/api/annotations.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { IMAGE, installManifests } from '../../tools/install-manifests.ts';

const root = path.resolve(import.meta.dirname, '../..');
const page = readFileSync(path.join(root, 'docs/install.md'), 'utf8');
const objects = installManifests() as readonly KubeObject[];

test('objects named after their kind are installed', () => {
  const kinds = ['deployment', 'daemonset', 'secret', 'validatingwebhookconfiguration', 'crd'];
  const named = [...page.matchAll(/\b([a-z]+)[ /]([a-z0-9.-]+)/g)].filter(([, kind = '']) =>
    kinds.includes(kind),
  );
  // MetalLB's own, in the paragraph on Helm.
  const foreign = ['metallb-controller'];
  assert.ok(named.length > 8);
  for (const [text, kind = '', name = ''] of named) {
    const wanted = kind === 'crd' ? 'customresourcedefinition' : kind;
    const there = objects.some((each) => each.kind?.toLowerCase() === wanted && each.metadata.name === name);
    assert.ok(there || foreign.includes(name), text);
  }
  assert.ok(page.includes(ADDRESS_READY));
  assert.ok(page.includes(IMAGE));
});

test('every kind it saves is installed', () => {
  const [, list = ''] = /kubectl get ([a-z0-9,]+) -A -o yaml/.exec(page) ?? [];
  const kinds = list.split(',');
  assert.equal(kinds.length, 6);
  for (const plural of kinds)
    assert.ok(
      objects.some(({ metadata }) => metadata.name === `${plural}.metallb.io`),
      plural,
    );
});

test('files, links and overlays exist', () => {
  const files = [...page.matchAll(/(?:-f |\]\()((?:\.\.\/)?[A-Za-z0-9/_.-]+)/g)].map(([, file = '']) => file);
  // Written by a step before, or MetalLB's.
  const elsewhere = ['metallb-objects.yaml', 'metallb-native.yaml'];
  assert.ok(files.length > 6);
  for (const file of files.filter((each) => !elsewhere.includes(each)))
    assert.ok(existsSync(path.join(root, file)) || existsSync(path.join(root, 'docs', file)), file);
  const overlays = readdirSync(path.join(root, 'kustomize/overlays')).toSorted();
  const listed = [...page.matchAll(/^\| `([a-z0-9-]+)` /gm)].map(([, name = '']) => name);
  assert.deepEqual(listed.toSorted(), overlays);
});
