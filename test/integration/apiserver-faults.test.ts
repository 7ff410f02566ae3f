/** What the embedded API server does when something in it breaks: the client gets a Status, the log the truth. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../src/platform/clock.ts';
import { parseYaml } from '../../src/platform/yaml.ts';
import type { Definition } from '../../src/standalone/apiserver/definition.ts';
import { Handler } from '../../src/standalone/apiserver/handler.ts';
import { Registry } from '../../src/standalone/apiserver/registry.ts';
import { NODE } from '../../src/standalone/apiserver/resources/node.ts';
import { Storage } from '../../src/standalone/apiserver/storage.ts';
import { RecordingLog } from '../support/recording-log.ts';

test('an unexpected error is a 500 that shows nothing of the inside, and the next request is served', async (context) => {
  const storage = new Storage({ nowMs: () => systemClock.nowMs() });
  const registry = new Registry();
  const broken: Definition = {
    ...NODE,
    strategy: {
      validate: () => {
        throw new TypeError('the secret of the inside');
      },
    },
  };
  registry.add(broken);
  const admission = {
    mutate: () => Promise.resolve({ object: undefined, warnings: [] }),
    validate: () => Promise.resolve({ warnings: [] }),
  };
  const log = new RecordingLog();
  const handler = new Handler({
    machinery: { storage, registry, admission, clock: systemClock },
    token: 'token',
    log,
    parseYaml,
  });
  const server = createServer((request, response) => void handler.handle(request, response));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/api/v1/nodes`;
  const headers = { authorization: 'Bearer token', 'content-type': 'application/json', connection: 'close' };

  const refused = await fetch(url, { method: 'POST', headers, body: '{"metadata":{"name":"a"}}' });
  const text = await refused.text();
  assert.equal(refused.status, 500);
  assert.match(text, /"reason":"InternalError"/);
  assert.doesNotMatch(text, /secret|TypeError|\.ts/);
  assert.deepEqual(
    log.lines.map(({ level, fields }) => [level, String(fields['error'])]),
    [['error', 'TypeError: the secret of the inside']],
  );
  const listed = (await (await fetch(url, { headers })).json()) as { items: unknown[] };
  assert.deepEqual(listed.items, []);
});
