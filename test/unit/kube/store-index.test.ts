import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KubeObject } from '../../../src/api/meta.ts';
import { ObjectStore } from '../../../src/kube/store.ts';
import { StoreIndex } from '../../../src/kube/store-index.ts';
import { RecordingLog } from '../../support/recording-log.ts';

const valueOf = ({ metadata }: KubeObject): string | undefined => metadata.labels?.['of'];

const object = (name: string, of: string | null, version: number): KubeObject => ({
  metadata: {
    name,
    namespace: 'n',
    uid: `u-${version % 3}`,
    resourceVersion: String(version),
    labels: of === null ? {} : { of },
  },
});

test('an object is found under what it has now, and the news is for what it had as well', () => {
  const store = new ObjectStore(new RecordingLog());
  const index = new StoreIndex(valueOf);
  const touched: string[] = [];
  store.subscribe((event) => touched.push([...index.take(event)].join(',')));
  store.put(object('a', 'x', 3));
  store.put(object('a', 'y', 6));
  store.put(object('a', null, 9));
  assert.deepEqual(touched, ['x', 'x,y', 'y']);
  assert.equal(index.get('y').size, 0);
});

test('whatever becomes of the store, the index has what is in it and nothing else', () => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    of: fc.constantFrom('x', 'y', null),
    gone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const store = new ObjectStore(new RecordingLog());
      const index = new StoreIndex(valueOf);
      store.subscribe((event) => void index.take(event));
      steps.forEach(({ name, of, gone }, version) => {
        const held = store.get(`n/${name}`);
        if (gone && held !== undefined) store.remove(held);
        else store.put(object(name, of, version));
        for (const value of ['x', 'y']) {
          const expected = [...store.values()].filter((each) => valueOf(each) === value);
          assert.deepEqual(new Set(index.get(value).values()), new Set(expected));
        }
      });
    }),
  );
});
