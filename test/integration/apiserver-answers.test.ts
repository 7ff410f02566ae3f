/** The forms in which the embedded API server answers: tables, metadata alone, discovery, OpenAPI. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, startApiServer } from '../support/api-server.ts';
import type { Answer } from '../support/api-server.ts';

const SERVICES = '/api/v1/namespaces/default/services';

function assertRefused(answer: Answer, code: number, reason: string): void {
  assert.deepEqual([answer.code, at(answer.body, 'reason')], [code, reason], answer.text);
}

test('tables: rows for kubectl get, with as much of the object as is asked for', async (context) => {
  const api = await startApiServer(context);
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
  const { body } = await api.ask('GET', SERVICES, { accept });
  assert.equal(at(body, 'kind'), 'Table');
  const columns = (at(body, 'columnDefinitions') as { name: string }[]).map(({ name }) => name);
  assert.deepEqual(columns.slice(0, 6), ['Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age']);
  assert.deepEqual((at(body, 'rows', 0, 'cells') as unknown[]).slice(0, 5), [
    'kubernetes',
    'ClusterIP',
    '10.96.0.1',
    '<none>',
    '443/TCP',
  ]);
  assert.match(String(at(body, 'rows', 0, 'cells', 5)), /^\d+s$/);
  assert.equal(at(body, 'rows', 0, 'object', 'kind'), 'PartialObjectMetadata');
  const none = await api.ask('GET', `${SERVICES}?includeObject=None`, { accept });
  assert.equal(at(none.body, 'rows', 0, 'object'), null);
  const whole = await api.ask('GET', `${SERVICES}/kubernetes?includeObject=Object`, { accept });
  assert.equal(at(whole.body, 'rows', 0, 'object', 'spec', 'clusterIP'), '10.96.0.1');
  const metadata = await api.ask('GET', SERVICES, {
    accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  });
  assert.deepEqual(Object.keys(at(metadata.body, 'items', 0) as object), ['kind', 'apiVersion', 'metadata']);
  assertRefused(
    await api.ask('GET', SERVICES, { accept: 'application/vnd.kubernetes.protobuf' }),
    406,
    'NotAcceptable',
  );
  const watching = await api.watch(`${SERVICES}?watch=1`, { accept });
  const first = await watching.next();
  assert.equal(at(first.object, 'kind'), 'Table');
  assert.ok((at(first.object, 'columnDefinitions') as unknown[]).length > 0);
  watching.close();
});

test('discovery and OpenAPI name every resource', async (context) => {
  const api = await startApiServer(context);
  const plain = await api.ask('GET', '/apis');
  const groups = at(plain.body, 'groups') as { name: string; preferredVersion: { groupVersion: string } }[];
  assert.ok(groups.some(({ name }) => name === 'apiextensions.k8s.io'));
  const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
  const all = await api.ask('GET', '/apis', { accept: aggregated });
  assert.match(String(all.headers['content-type']), /as=APIGroupDiscoveryList/);
  assert.equal((at(all.body, 'items') as unknown[]).length, groups.length);
  for (const { preferredVersion } of groups) {
    const { code, body } = await api.ask('GET', `/apis/${preferredVersion.groupVersion}`);
    assert.deepEqual([code, at(body, 'groupVersion')], [200, preferredVersion.groupVersion]);
  }
  const core = await api.ask('GET', '/api/v1');
  const names = (at(core.body, 'resources') as { name: string }[]).map(({ name }) => name);
  assert.ok(
    ['services', 'services/status', 'namespaces/finalize', 'events'].every((name) => names.includes(name)),
  );
  const index = await api.ask('GET', '/openapi/v3');
  for (const { serverRelativeURL } of Object.values(
    at(index.body, 'paths') as Record<string, { serverRelativeURL: string }>,
  )) {
    const { code, body } = await api.ask('GET', serverRelativeURL);
    assert.deepEqual([code, at(body, 'openapi')], [200, '3.0.0']);
  }
  assertRefused(await api.ask('GET', '/openapi/v3/apis/nosuch/v1'), 404, 'NotFound');
  const swagger = await api.ask('GET', '/openapi/v2', { accept: 'application/json' });
  assert.equal(at(swagger.body, 'swagger'), '2.0');
  assertRefused(await api.ask('GET', '/openapi/v2', { accept: 'application/yaml' }), 406, 'NotAcceptable');
});
