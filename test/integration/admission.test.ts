/** The embedded API server and a webhook over real TLS: what authors see of answers, denials, silence and nonsense. */
import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { at, startApiServer, textAt } from '../support/api-server.ts';
import type { Answer, RunningServer } from '../support/api-server.ts';
import { SERVICE_HOST, startHook } from '../support/admission-hook.ts';
import type { Behaviour, RunningHook } from '../support/admission-hook.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1';
/** Puts requests for ConfigMaps to a webhook. */
async function configure(
  api: RunningServer,
  hook: RunningHook,
  change: object = {},
  kind = 'validating',
): Promise<void> {
  const webhook = {
    name: 'maps.example.com',
    clientConfig: { url: `https://127.0.0.1:${hook.port}/maps`, caBundle: hook.caBundle },
    rules: [
      {
        operations: ['CREATE', 'UPDATE', 'DELETE'],
        apiGroups: [''],
        apiVersions: ['v1'],
        resources: ['configmaps'],
      },
    ],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...change,
  };
  const body = { metadata: { name: 'maps' }, webhooks: [webhook] };
  const { code, text } = await api.ask('POST', `${CONFIGURATIONS}/${kind}webhookconfigurations`, { body });
  assert.equal(code, 201, text);
}

function createMap(api: RunningServer, name: string, query = ''): Promise<Answer> {
  return api.ask('POST', `${MAPS}${query}`, { body: { metadata: { name } } });
}

async function stored(api: RunningServer, name: string): Promise<boolean> {
  return (await api.ask('GET', `${MAPS}/${name}`)).code === 200;
}

test('a webhook is asked about each write, on one connection, and its warnings are passed on', async (context) => {
  const api = await startApiServer(context);
  const hook = await startHook(context, () => ({ allowed: true, warnings: ['think "twice"'] }));
  await configure(api, hook);
  const created = await createMap(api, 'a');
  assert.equal(created.code, 201, created.text);
  assert.equal(created.headers['warning'], '299 - "think \\"twice\\""');
  assert.equal(
    (
      await api.ask('PATCH', `${MAPS}/a`, {
        body: { data: { a: 'b' } },
        type: 'application/merge-patch+json',
      })
    ).code,
    200,
  );
  assert.equal((await createMap(api, 'b', '?dryRun=All')).code, 201);
  assert.equal((await api.ask('DELETE', `${MAPS}/a`)).code, 200);
  assert.deepEqual(
    hook.questions.map(({ path, request }) => [path, request.operation, request.dryRun]),
    [
      ['/maps?timeout=10s', 'CREATE', false],
      ['/maps?timeout=10s', 'UPDATE', false],
      ['/maps?timeout=10s', 'CREATE', true],
      ['/maps?timeout=10s', 'DELETE', false],
    ],
  );
  assert.equal(hook.connections(), 1);
});

test('a denial reaches the author word for word, and nothing is stored', async (context) => {
  const api = await startApiServer(context);
  const status = { code: 403, reason: 'Forbidden', message: 'LB101 nearest free: 192.0.2.7' };
  const hook = await startHook(context, () => ({ allowed: false, status }));
  await configure(api, hook, { failurePolicy: 'Ignore' });
  const { code, body } = await createMap(api, 'a');
  assert.deepEqual([code, at(body, 'reason')], [403, 'Forbidden']);
  assert.equal(
    textAt(body, 'message'),
    'admission webhook "maps.example.com" denied the request: LB101 nearest free: 192.0.2.7',
  );
  assert.equal(await stored(api, 'a'), false);
});

test('a mutating webhook changes what is stored', async (context) => {
  const api = await startApiServer(context);
  const patch = [{ op: 'add', path: '/data', value: { by: 'webhook' } }];
  const hook = await startHook(context, () => ({
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
  }));
  await configure(
    api,
    hook,
    { rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }] },
    'mutating',
  );
  const { body } = await createMap(api, 'a');
  assert.deepEqual(at(body, 'data'), { by: 'webhook' });
  assert.deepEqual(at((await api.ask('GET', `${MAPS}/a`)).body, 'data'), { by: 'webhook' });
});

const nonsense: [title: string, behaviour: Behaviour, why: RegExp][] = [
  [
    'an answer that is no JSON',
    (_, response) => void response.end('<html>'),
    /received invalid webhook response: .*json parse error/,
  ],
  [
    'an answer to another question',
    () => ({ uid: 'other', allowed: true }),
    /received invalid webhook response: expected response.uid=".+", got "other"$/,
  ],
  [
    'an error of the server',
    (_, response) => void response.writeHead(500).end('boom'),
    /failed to call webhook: Post "https:.*": an error on the server \("500 boom"\)/,
  ],
  [
    'a redirect',
    (_, response) => void response.writeHead(302, { location: 'https://127.0.0.1/' }).end(),
    /an error on the server \("302 "\)/,
  ],
  [
    'a connection that breaks',
    (_, response) => void response.destroy(),
    /failed to call webhook: Post "https:.*": EOF$/,
  ],
  [
    'an answer that breaks off',
    (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
      response.socket?.end();
      return undefined;
    },
    /failed to call webhook: Post "https:.*": (?:unexpected EOF|EOF|aborted)$/,
  ],
];
for (const [title, behaviour, why] of nonsense) {
  test(`${title} counts as none: Fail stops the write, Ignore lets it pass`, async (context) => {
    const api = await startApiServer(context);
    const hook = await startHook(context, behaviour);
    await configure(api, hook);
    const { code, body } = await createMap(api, 'a');
    assert.deepEqual([code, at(body, 'reason')], [500, 'InternalError']);
    assert.match(
      textAt(body, 'message'),
      /^Internal error occurred: failed calling webhook "maps.example.com": /,
    );
    assert.match(textAt(body, 'message'), why);
    assert.equal(await stored(api, 'a'), false);

    const lenient = [{ op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' }];
    const path = `${CONFIGURATIONS}/validatingwebhookconfigurations/maps`;
    assert.equal(
      (await api.ask('PATCH', path, { body: lenient, type: 'application/json-patch+json' })).code,
      200,
    );
    assert.equal((await createMap(api, 'a')).code, 201);
    assert.equal(api.log.lines.filter(({ message }) => message.includes('passed over')).length, 1);
  });
}

test('a webhook that takes too long has its time and no more', async (context) => {
  const clock = new VirtualClock();
  const api = await startApiServer(context, { clock });
  let heard = (): void => undefined;
  const asked = new Promise<void>((resolve) => (heard = resolve));
  const hook = await startHook(context, () => {
    heard();
    return undefined;
  });
  await configure(api, hook, { timeoutSeconds: 2 });
  const answer = createMap(api, 'a');
  await asked;
  await clock.advance(2000);
  const { code, body } = await answer;
  assert.equal(code, 500);
  assert.match(
    textAt(body, 'message'),
    /Post "https:\/\/127.0.0.1:\d+\/maps\?timeout=2s": context deadline exceeded$/,
  );
});

test('a webhook is trusted by its own bundle only', async (context) => {
  const api = await startApiServer(context);
  const hook = await startHook(context, () => ({ allowed: true }));
  const foreign = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] }).caPem;
  await configure(api, { ...hook, caBundle: Buffer.from(foreign).toString('base64') });
  const { body } = await createMap(api, 'a');
  assert.match(textAt(body, 'message'), /tls: failed to verify certificate: /);
  assert.deepEqual(hook.questions, []);
});

test('a webhook where nobody listens is named with its address', async (context) => {
  const api = await startApiServer(context);
  const hook = await startHook(context, () => ({ allowed: true }));
  const closed = await new Promise<number>((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
  await configure(api, { ...hook, port: closed });
  const { body } = await createMap(api, 'a');
  assert.match(
    textAt(body, 'message'),
    new RegExp(`: dial tcp 127.0.0.1:${closed}: connect: connection refused$`),
  );
});

test('a webhook behind a Service is found by its endpoints and called by its name', async (context) => {
  const api = await startApiServer(context);
  const hook = await startHook(context, () => ({ allowed: true }));
  const service = { namespace: 'default', name: 'hooks', path: '/x' };
  await configure(api, hook, { clientConfig: { service, caBundle: hook.caBundle } });
  const missing = await createMap(api, 'a');
  assert.match(
    textAt(missing.body, 'message'),
    /Post "https:\/\/hooks.default.svc:443\/x\?timeout=10s": service "hooks" not found$/,
  );

  const ports = [{ port: 443, targetPort: 9443 }];
  assert.equal(
    (
      await api.ask('POST', '/api/v1/namespaces/default/services', {
        body: { metadata: { name: 'hooks' }, spec: { ports } },
      })
    ).code,
    201,
  );
  const slice = {
    metadata: { name: 'hooks-1', labels: { 'kubernetes.io/service-name': 'hooks' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: false } }],
    ports: [{ port: hook.port }],
  };
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const sliced = await api.ask('POST', slices, { body: slice });
  assert.equal(sliced.code, 201, sliced.text);
  const unready = await createMap(api, 'a');
  assert.match(textAt(unready.body, 'message'), /: no endpoints available for service "hooks"$/);

  // Endpoints may not be loopback addresses, so only an external name leads a Service to this machine.
  await api.ask('DELETE', '/api/v1/namespaces/default/services/hooks');
  const external = { type: 'ExternalName', externalName: 'localhost' };
  const created = await api.ask('POST', '/api/v1/namespaces/default/services', {
    body: { metadata: { name: 'hooks' }, spec: external },
  });
  assert.equal(created.code, 201, created.text);
  const port = [{ op: 'replace', path: '/webhooks/0/clientConfig/service/port', value: hook.port }];
  await api.ask('PATCH', `${CONFIGURATIONS}/validatingwebhookconfigurations/maps`, {
    body: port,
    type: 'application/json-patch+json',
  });
  const admitted = await createMap(api, 'a');
  assert.equal(admitted.code, 201, admitted.text);
  assert.equal(hook.questions[0]?.serverName, SERVICE_HOST);
});
