import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BuiltIns } from '../../../../support/built-ins.ts';

const META = { name: 'a', namespace: 'default' };

describe('Pod', () => {
  it('say that nobody runs a Pod', () => {
    const fixture = new BuiltIns();
    const stored = fixture.write('Pod', {
      metadata: META,
      spec: { containers: [{ name: 'c', image: 'x', tty: true }] },
    });
    assert.match(JSON.stringify(stored['status']), /"reason":"NoKubelet"/);
    assert.deepEqual(fixture.cells('Pod', stored), {
      Name: 'a',
      Ready: '0/1',
      Status: 'Pending',
      Restarts: '0',
      Age: null,
      IP: '<none>',
      Node: '<none>',
    });
  });
});
