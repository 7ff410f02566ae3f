import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ENDPOINT_SLICES, SERVICES } from '../../../../../src/api/kubernetes.ts';
import { findDestination } from '../../../../../src/standalone/apiserver/admission/destination.ts';
import type { Stored } from '../../../../../src/standalone/apiserver/definition.ts';
import { SmallServer } from '../../../../support/small-server.ts';

const SERVICE = { service: { namespace: 'metallb-system', name: 'webhook', path: '/validate', port: 443 } };
const URL_OF_SERVICE = 'https://webhook.metallb-system.svc:443/validate?timeout=5s';
const META = { name: 'webhook', namespace: 'metallb-system' };

function server(spec: object | undefined, endpoints?: object[]): SmallServer {
  const state = new SmallServer();
  if (spec !== undefined) state.put(SERVICES, { metadata: META, spec } as unknown as Stored);
  if (endpoints !== undefined) {
    const labels = { 'kubernetes.io/service-name': 'webhook' };
    const ports = [{ name: 'https', port: 9443 }];
    state.put(ENDPOINT_SLICES, {
      metadata: { ...META, labels },
      addressType: 'IPv4',
      endpoints,
      ports,
    } as unknown as Stored);
  }
  return state;
}

const SPEC = { clusterIPs: ['10.96.0.9'], ports: [{ name: 'https', port: 443, targetPort: 9443 }] };

describe('findDestination', () => {
  it('takes a URL as it is', () => {
    assert.deepEqual(findDestination(new SmallServer(), { url: 'https://127.0.0.1:9443/x' }, 10), {
      ok: true,
      url: 'https://127.0.0.1:9443/x?timeout=10s',
    });
  });

  it('goes to a ready endpoint of a Service', () => {
    const state = server(SPEC, [
      { addresses: ['10.0.0.1'], conditions: { ready: false } },
      { addresses: ['10.0.0.2'], conditions: { ready: true } },
    ]);
    assert.deepEqual(findDestination(state, SERVICE, 5), {
      ok: true,
      url: URL_OF_SERVICE,
      connectTo: { host: '10.0.0.2', port: 9443 },
    });
  });

  it('tries the cluster IP where nobody wrote endpoints down', () => {
    assert.deepEqual(findDestination(server(SPEC), SERVICE, 5), {
      ok: true,
      url: URL_OF_SERVICE,
      connectTo: { host: '10.96.0.9', port: 443 },
    });
  });

  it('follows an external name', () => {
    const state = server({ type: 'ExternalName', externalName: 'hooks.example.com' });
    assert.deepEqual(findDestination(state, SERVICE, 5), {
      ok: true,
      url: URL_OF_SERVICE,
      connectTo: { host: 'hooks.example.com', port: 443 },
    });
  });

  const table: [title: string, state: SmallServer, why: string][] = [
    ['there is no Service', server(undefined), 'service "webhook" not found'],
    [
      'the Service has no such port',
      server({ ports: [{ port: 80 }] }),
      'no service port 443 found for service "webhook"',
    ],
    [
      'no endpoint is ready',
      server(SPEC, [{ addresses: ['10.0.0.1'], conditions: { ready: false } }]),
      'no endpoints available for service "webhook"',
    ],
    [
      'a headless Service has none',
      server({ ...SPEC, clusterIPs: ['None'] }),
      'no endpoints available for service "webhook"',
    ],
  ];
  for (const [title, state, why] of table)
    it(`says that ${title}`, () =>
      assert.deepEqual(findDestination(state, SERVICE, 5), { ok: false, url: URL_OF_SERVICE, why }));
});
