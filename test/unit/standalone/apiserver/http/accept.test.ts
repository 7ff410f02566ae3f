import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../../../src/standalone/apiserver/definition.ts';
import { negotiateForm } from '../../../../../src/standalone/apiserver/http/accept.ts';

const EXAMPLES: [header: string | undefined, form: string][] = [
  [undefined, 'object'],
  ['*/*', 'object'],
  ['application/json', 'object'],
  ['application/vnd.kubernetes.protobuf,application/json', 'object'],
  ['application/vnd.kubernetes.protobuf, */*', 'object'],
  // As kubectl get asks.
  [
    'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json',
    'table',
  ],
  ['application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json', 'object'],
  ['application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', 'metadata'],
  ['Application/JSON; as=Table; v=v1; g=meta.k8s.io', 'table'],
];

for (const [header, form] of EXAMPLES) {
  test(`Accept ${header} is answered as ${form}`, () => assert.equal(negotiateForm(header), form));
}

test('who accepts nothing that is there is told what is', () => {
  for (const header of [
    'text/html',
    'application/vnd.kubernetes.protobuf',
    'application/json;as=Table;v=v2;g=meta.k8s.io',
  ]) {
    assert.throws(
      () => negotiateForm(header),
      (error) => error instanceof ApiError && error.status.code === 406,
    );
  }
});

test('any header has a form or is not acceptable', () => {
  fc.assert(
    fc.property(fc.string(), (header) => {
      try {
        negotiateForm(header);
      } catch (error) {
        assert.ok(error instanceof ApiError && error.status.code === 406);
      }
    }),
  );
});
