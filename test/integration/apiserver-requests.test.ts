/** Requests to the embedded API server over TLS: who may, what is refused in which words, what is kept through writes. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { UserError } from '../../src/api/user-error.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { ApiServer } from '../../src/standalone/apiserver/server.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { at, startApiServer, textAt } from '../support/api-server.ts';
import type { Answer } from '../support/api-server.ts';
import { RecordingLog } from '../support/recording-log.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const SERVICES = '/api/v1/namespaces/default/services';
const merge = 'application/merge-patch+json';
const apply = 'application/apply-patch+yaml';

function assertStatus(answer: Answer, code: number, reason: string, message?: RegExp): void {
  assert.equal(answer.code, code, answer.text);
  assert.deepEqual(
    [at(answer.body, 'kind'), at(answer.body, 'status'), at(answer.body, 'code'), at(answer.body, 'reason')],
    ['Status', 'Failure', code, reason],
  );
  if (message !== undefined) assert.match(textAt(answer.body, 'message'), message);
}

test('nothing but health and version is told without the token', async (context) => {
  const api = await startApiServer(context);
  for (const authorization of ['', 'Bearer wrong', `Basic ${api.token}`, `Bearer ${api.token}x`]) {
    assertStatus(
      await api.ask('GET', '/api/v1/namespaces', { headers: { authorization } }),
      401,
      'Unauthorized',
    );
    assertStatus(await api.ask('GET', '/apis', { headers: { authorization } }), 401, 'Unauthorized');
  }
  for (const path of ['/healthz', '/livez', '/readyz']) {
    const { code, text } = await api.ask('GET', path, { headers: { authorization: '' } });
    assert.deepEqual([code, text], [200, 'ok']);
  }
  const { body } = await api.ask('GET', '/version', { headers: { authorization: '' } });
  assert.match(textAt(body, 'gitVersion'), /^v1\.34\.\d+\+cleat$/);
  const impersonated = await api.ask('GET', '/api/v1/namespaces', { headers: { 'impersonate-user': 'bob' } });
  assertStatus(impersonated, 403, 'Forbidden', /does not impersonate others/);
});

test('what is not there is refused as kube-apiserver refuses it', async (context) => {
  const api = await startApiServer(context);
  const nothing = /^the server could not find the requested resource$/;
  for (const path of [
    '/nosuch',
    '/api/v2',
    '/api/v1/nosuch',
    '/apis/nosuch/v1/things',
    '/apis/apps/v1/deployments',
    `${MAPS}/a/scale`,
    '/api/v1/namespaces/default/nodes',
    '/api/v1/%E0%A4%A',
  ]) {
    assertStatus(await api.ask('GET', path), 404, 'NotFound', nothing);
  }
  assertStatus(await api.ask('GET', `${MAPS}/a`), 404, 'NotFound', /^configmaps "a" not found$/);
  assertStatus(await api.ask('POST', `${MAPS}/a`, { body: {} }), 405, 'MethodNotAllowed');
  assertStatus(await api.ask('PUT', MAPS, { body: {} }), 405, 'MethodNotAllowed');
  assertStatus(await api.ask('POST', '/version', { body: {} }), 405, 'MethodNotAllowed');
  const elsewhere = await api.ask('POST', '/api/v1/namespaces/nowhere/configmaps', {
    body: { metadata: { name: 'a' } },
  });
  assertStatus(elsewhere, 404, 'NotFound', /^namespaces "nowhere" not found$/);
});

test('bodies that cannot be read are refused by what is wrong with them', async (context) => {
  const api = await startApiServer(context);
  const post = (body: string, type = 'application/json'): Promise<Answer> =>
    api.ask('POST', MAPS, { body, type });
  assertStatus(await post('{'), 400, 'BadRequest', /not JSON/);
  assertStatus(await post(''), 400, 'BadRequest', /no body/);
  assertStatus(await post('[]'), 400, 'BadRequest', /must be a ConfigMap in v1/);
  assertStatus(await post('{"metadata":{"name":"a"}}', 'text/plain'), 415, 'UnsupportedMediaType');
  assertStatus(await post('a: [', 'application/yaml'), 400, 'BadRequest', /not YAML/);
  assertStatus(await post('['.repeat(100_000) + ']'.repeat(100_000)), 400, 'BadRequest', /nested too deeply/);
  assertStatus(await post('{"kind":"Secret"}'), 400, 'BadRequest', /the kind in the data \(Secret\)/);
  assertStatus(await post('{"apiVersion":"v2"}'), 400, 'BadRequest', /the API version in the data \(v2\)/);
  assertStatus(await post('{"metadata":{"name":"a","namespace":"other"}}'), 400, 'BadRequest', /namespace/);
  assertStatus(
    await post('{"metadata":{"name":"a","labels":{"x":1}}}'),
    400,
    'BadRequest',
    /metadata.labels.x/,
  );
  assertStatus(
    await post('{"metadata":{"name":"a"},"data":{"x":1}}'),
    400,
    'BadRequest',
    /cannot be handled as a ConfigMap/,
  );
  assertStatus(await post('{"metadata":{}}'), 422, 'Invalid', /name or generateName is required/);
  assertStatus(await post('{"metadata":{"name":"A_b"}}'), 422, 'Invalid', /RFC 1123/);
  const versioned = await post('{"metadata":{"name":"a","resourceVersion":"1"}}');
  assert.equal(versioned.code, 500);
  assert.match(textAt(versioned.body, 'message'), /should not be set/);
  const large = JSON.stringify({ metadata: { name: 'a' }, data: { x: 'y'.repeat(3 * 1024 * 1024) } });
  assertStatus(await post(large), 413, 'RequestEntityTooLarge', /limit is 3145728/);
  const yaml = await post('metadata: {name: from-yaml}\ndata:\n  x: "on"\n', 'application/yaml');
  assert.deepEqual([yaml.code, at(yaml.body, 'data', 'x')], [201, 'on']);
  assert.deepEqual(
    api.log.lines.filter(({ level }) => level === 'error'),
    [],
  );
});

test('optimistic writing: a stale resourceVersion or another uid is a conflict, the same again is no change', async (context) => {
  const api = await startApiServer(context);
  const created = await api.ask('POST', MAPS, { body: { metadata: { name: 'a' }, data: { x: '1' } } });
  assertStatus(
    await api.ask('POST', MAPS, { body: { metadata: { name: 'a' } } }),
    409,
    'AlreadyExists',
    /^configmaps "a" already exists$/,
  );
  const same = await api.ask('PUT', `${MAPS}/a`, { body: created.body });
  assert.equal(
    textAt(same.body, 'metadata', 'resourceVersion'),
    textAt(created.body, 'metadata', 'resourceVersion'),
  );
  const changed = await api.ask('PUT', `${MAPS}/a`, {
    body: { ...(created.body as object), data: { x: '2' } },
  });
  assert.equal(changed.code, 200);
  const stale = await api.ask('PUT', `${MAPS}/a`, {
    body: { ...(created.body as object), data: { x: '3' } },
  });
  assertStatus(
    stale,
    409,
    'Conflict',
    /^Operation cannot be fulfilled on configmaps "a": the object has been modified/,
  );
  const stalePatch = await api.ask('PATCH', `${MAPS}/a`, {
    type: merge,
    body: { metadata: { resourceVersion: '1' } },
  });
  assertStatus(stalePatch, 409, 'Conflict');
  const otherLife = await api.ask('PUT', `${MAPS}/a`, { body: { metadata: { name: 'a', uid: 'x' } } });
  assertStatus(otherLife, 409, 'Conflict', /UID in precondition: x/);
  const blind = await api.ask('PUT', `${MAPS}/a`, { body: { metadata: { name: 'a' }, data: { x: '4' } } });
  assert.deepEqual([blind.code, at(blind.body, 'data', 'x')], [200, '4']);
  assert.equal(at(blind.body, 'metadata', 'uid'), at(created.body, 'metadata', 'uid'));
  const gone = await api.ask('DELETE', `${MAPS}/a`, {
    body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'x' } },
  });
  assertStatus(gone, 409, 'Conflict');
});

test('concurrent patches all arrive', async (context) => {
  const api = await startApiServer(context);
  await api.ask('POST', MAPS, { body: { metadata: { name: 'a' } } });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_item, index) =>
      api.ask('PATCH', `${MAPS}/a`, { type: merge, body: { data: { [`k${index}`]: 'x' } } }),
    ),
  );
  for (const { code, text } of answers) assert.equal(code, 200, text);
  const { body } = await api.ask('GET', `${MAPS}/a`);
  assert.equal(Object.keys(at(body, 'data') as object).length, 20);
});

test('a dry run answers as the real thing would, and leaves nothing', async (context) => {
  const api = await startApiServer(context);
  const body = { metadata: { generateName: 'web-' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } };
  const dry = await api.ask('POST', `${SERVICES}?dryRun=All`, { body });
  assert.equal(dry.code, 201, dry.text);
  assert.match(textAt(dry.body, 'metadata', 'name'), /^web-[a-z0-9]{5}$/);
  assert.match(textAt(dry.body, 'spec', 'clusterIP'), /^10\.96\./);
  const { body: list } = await api.ask('GET', SERVICES);
  assert.equal((at(list, 'items') as unknown[]).length, 1, 'only default/kubernetes');
  assertStatus(await api.ask('POST', `${SERVICES}?dryRun=Some`, { body }), 422, 'Invalid', /dryRun/);
  const real = await api.ask('POST', SERVICES, { body });
  const path = `${SERVICES}/${textAt(real.body, 'metadata', 'name')}`;
  assert.equal((await api.ask('DELETE', `${path}?dryRun=All`)).code, 200);
  assert.equal(
    (await api.ask('PATCH', `${path}?dryRun=All`, { type: merge, body: { spec: { type: 'ClusterIP' } } }))
      .code,
    200,
  );
  assert.equal(at((await api.ask('GET', path)).body, 'spec', 'type'), 'LoadBalancer');
});

test('status has its own way in: what is sent elsewhere stays out', async (context) => {
  const api = await startApiServer(context);
  const ingress = [{ ip: '192.0.2.1' }];
  await api.ask('POST', SERVICES, {
    body: {
      metadata: { name: 'web' },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
      status: { loadBalancer: { ingress } },
    },
  });
  const spec = { ports: [{ port: 81 }] };
  const status = { loadBalancer: { ingress } };
  const main = await api.ask('PATCH', `${SERVICES}/web`, { type: merge, body: { status } });
  assert.equal(at(main.body, 'status', 'loadBalancer', 'ingress'), undefined);
  const applied = await api.ask('PATCH', `${SERVICES}/web/status?fieldManager=cleat&force=true`, {
    type: apply,
    body: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', annotations: { a: 'b' } },
      spec,
      status,
    },
  });
  assert.equal(applied.code, 200, applied.text);
  assert.equal(at(applied.body, 'status', 'loadBalancer', 'ingress', 0, 'ip'), '192.0.2.1');
  assert.equal(at(applied.body, 'spec', 'ports', 0, 'port'), 80);
  assert.equal(
    at(applied.body, 'metadata', 'annotations', 'a'),
    'b',
    'metadata of a built-in kind comes along',
  );
  const managers = at(applied.body, 'metadata', 'managedFields') as {
    manager: string;
    subresource?: string;
  }[];
  const mine = managers.find(({ manager }) => manager === 'cleat');
  assert.equal(mine?.subresource, 'status');
  assert.equal(at(mine, 'fieldsV1', 'f:spec'), undefined);
  const read = await api.ask('GET', `${SERVICES}/web/status`);
  assert.equal(at(read.body, 'metadata', 'name'), 'web');
});

test('fieldValidation: strict refuses, warn warns, ignore is silent; unknown fields never stay', async (context) => {
  const api = await startApiServer(context);
  const body = '{"metadata":{"name":"NAME"},"data":{"a":"1","a":"2"},"spec":{"foo":1}}';
  const post = (validation: string): Promise<Answer> =>
    api.ask('POST', `${MAPS}?fieldValidation=${validation}`, {
      body: body.replace('NAME', validation.toLowerCase() || 'none'),
    });
  assertStatus(
    await post('Strict'),
    400,
    'BadRequest',
    /strict decoding error: duplicate field "data.a", unknown field "spec"$/,
  );
  const warned = await post('Warn');
  assert.equal(warned.code, 201);
  assert.equal(
    warned.headers['warning'],
    '299 - "duplicate field \\"data.a\\"", 299 - "unknown field \\"spec\\""',
  );
  assert.equal(at(warned.body, 'spec'), undefined);
  const ignored = await post('Ignore');
  assert.deepEqual([ignored.code, ignored.headers['warning']], [201, undefined]);
  assertStatus(await post('Never'), 422, 'Invalid', /fieldValidation/);
});

test('finalizers hold an object until they are gone, and no new ones come', async (context) => {
  const api = await startApiServer(context);
  await api.ask('POST', MAPS, { body: { metadata: { name: 'a', finalizers: ['x.io/y'] } } });
  const marked = await api.ask('DELETE', `${MAPS}/a`);
  assert.equal(marked.code, 200);
  assert.ok(textAt(marked.body, 'metadata', 'deletionTimestamp'));
  const more = await api.ask('PATCH', `${MAPS}/a`, {
    type: merge,
    body: { metadata: { finalizers: ['x.io/y', 'x.io/z'] } },
  });
  assertStatus(more, 422, 'Invalid', /no new finalizers can be added/);
  const watching = await api.watch(
    `${MAPS}?watch=1&resourceVersion=${textAt(marked.body, 'metadata', 'resourceVersion')}`,
  );
  const freed = await api.ask('PATCH', `${MAPS}/a`, {
    type: merge,
    body: { metadata: { finalizers: null } },
  });
  assert.equal(freed.code, 200);
  const gone = await watching.next();
  assert.deepEqual([gone.type, at(gone.object, 'metadata', 'finalizers')], ['DELETED', ['x.io/y']]);
  assert.equal((await api.ask('GET', `${MAPS}/a`)).code, 404);
  watching.close();
});

test('a namespace goes with what is in it, once all of that may go', async (context) => {
  const api = await startApiServer(context);
  await api.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'team' } } });
  const inside = '/api/v1/namespaces/team/configmaps';
  await api.ask('POST', inside, { body: { metadata: { name: 'plain' } } });
  await api.ask('POST', inside, { body: { metadata: { name: 'held', finalizers: ['x.io/y'] } } });
  const watching = await api.watch('/api/v1/namespaces?watch=1&fieldSelector=metadata.name%3Dteam');
  assert.equal((await watching.next()).type, 'ADDED');
  const deleted = await api.ask('DELETE', '/api/v1/namespaces/team');
  assert.equal(at(deleted.body, 'status', 'phase'), 'Terminating');
  const late = await api.ask('POST', inside, { body: { metadata: { name: 'late' } } });
  assertStatus(late, 403, 'Forbidden', /because it is being terminated$/);
  assert.equal(at(late.body, 'details', 'causes', 0, 'reason'), 'NamespaceTerminating');
  await api.ask('PATCH', `${inside}/held`, { type: merge, body: { metadata: { finalizers: [] } } });
  for (let event = await watching.next(); event.type !== 'DELETED'; event = await watching.next())
    assert.equal(event.type, 'MODIFIED');
  assert.equal((await api.ask('GET', '/api/v1/namespaces/team')).code, 404);
  assertStatus(await api.ask('DELETE', '/api/v1/namespaces/default'), 403, 'Forbidden', /may not be deleted/);
  watching.close();
});

test('deletecollection deletes what is selected', async (context) => {
  const api = await startApiServer(context);
  for (const [name, tier] of [
    ['a', 'x'],
    ['b', 'x'],
    ['c', 'y'],
  ]) {
    await api.ask('POST', MAPS, { body: { metadata: { name, labels: { tier } } } });
  }
  const { code, body } = await api.ask('DELETE', `${MAPS}?labelSelector=tier%3Dx`);
  assert.deepEqual([code, (at(body, 'items') as unknown[]).length], [200, 2]);
  const { body: left } = await api.ask('GET', MAPS);
  assert.equal(at(left, 'items', 0, 'metadata', 'name'), 'c');
});

test('a port that is taken is told in a sentence', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => void taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  const { certPem, keyPem } = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
  const server = new ApiServer({
    port,
    token: 'x',
    clock: systemClock,
    log: new RecordingLog(),
    tls: { certPem, keyPem },
  });
  await assert.rejects(server.start(), (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, new RegExp(`^127\\.0\\.0\\.1:${port} is already taken`));
    return true;
  });
  await server.stop();
  await new Promise((resolve) => void taken.close(resolve));
});
