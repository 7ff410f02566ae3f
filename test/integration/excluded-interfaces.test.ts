/** The file of excluded interfaces, as a mounted ConfigMap brings it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { readExcludedInterfaces } from '../../src/platform/excluded-interfaces.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'cleat-excluded-'));
after(() => rmSync(folder, { recursive: true }));

function read(text: string): readonly string[] {
  const file = path.join(folder, 'excludel2.yaml');
  writeFileSync(file, text);
  return readExcludedInterfaces(file);
}

test('patterns come as they are, and no file or no field means none', () => {
  assert.deepEqual(read('announcedInterfacesToExclude:\n- "^docker.*"\n- ^lo$\n'), ['^docker.*', '^lo$']);
  assert.deepEqual(read(''), []);
  assert.deepEqual(read('somethingElse: 1\n'), []);
  assert.deepEqual(readExcludedInterfaces(path.join(folder, 'nothing-here')), []);
});

test('a file that is malformed is refused by name, with what to do', () => {
  assert.throws(() => read('a: b: c'), /excludel2\.yaml is not YAML \(line 1: .*\); correct it$/);
  for (const text of ['announcedInterfacesToExclude: eth0', 'announcedInterfacesToExclude: [1]'])
    assert.throws(() => read(text), /announcedInterfacesToExclude is not a list of texts; write one/);
  assert.throws(() => readExcludedInterfaces(folder), /cannot be read: EISDIR/);
});
