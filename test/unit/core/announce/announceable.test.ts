import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '../../../../src/api/kubernetes.ts';
import { viewAnnounceable, viewNode } from '../../../../src/core/announce/announceable.ts';
import { formatAddress } from '../../../../src/core/net/address.ts';

type Endpoint = EndpointSlice['endpoints'][number];

const service: Service = {
  metadata: { namespace: 'default', name: 'web', labels: { app: 'web' } },
  spec: { type: 'LoadBalancer', clusterIP: '10.96.0.1' },
  status: { loadBalancer: { ingress: [{ ip: '172.16.0.100' }, { ip: '2001:DB8:0::1' }] } },
};

function slice(...endpoints: Partial<Endpoint>[]): EndpointSlice {
  return {
    metadata: { namespace: 'default', name: 'web-x' },
    addressType: 'IPv4',
    endpoints: endpoints.map((endpoint) => ({ addresses: ['10.0.0.1'], ...endpoint })),
  };
}

test('what announcing needs of a Service', () => {
  const view = viewAnnounceable(service, [slice({ nodeName: 'node-1' }), slice({ nodeName: 'node-2' })]);
  assert.deepEqual(
    { ...view, addresses: view.addresses.map(formatAddress) },
    {
      key: 'default/web',
      labels: { app: 'web' },
      ours: true,
      addresses: ['172.16.0.100', '2001:db8::1'],
      foreignIngress: false,
      sharing: false,
      local: false,
      served: true,
      servingNodes: new Set(['node-1', 'node-2']),
    },
  );
});

test('a host name in the ingress is somebody else’s', () => {
  const ingress = [{ ip: '172.16.0.100' }, { hostname: 'lb.example.com' }];
  const view = viewAnnounceable({ ...service, status: { loadBalancer: { ingress } } }, []);
  assert.equal(view.foreignIngress, true);
});

test('only Services of our class are ours', () => {
  const classed = { ...service, spec: { ...service.spec, loadBalancerClass: 'cleat' } };
  assert.equal(viewAnnounceable(classed, []).ours, false);
  assert.equal(viewAnnounceable(classed, [], 'cleat').ours, true);
  assert.equal(viewAnnounceable(service, [], 'cleat').ours, false);
});

test('the sharing annotation counts under both prefixes, even when empty', () => {
  for (const [annotations, sharing] of [
    [{}, false],
    [{ 'metallb.io/allow-shared-ip': 'key' }, true],
    [{ 'metallb.io/allow-shared-ip': '' }, true],
    [{ 'metallb.universe.tf/allow-shared-ip': '' }, true],
  ] as const) {
    const view = viewAnnounceable({ ...service, metadata: { ...service.metadata, annotations } }, []);
    assert.equal(view.sharing, sharing, JSON.stringify(annotations));
  }
});

const endpoints: Record<string, [conditions: Endpoint['conditions'], serves: boolean]> = {
  ready: [{ ready: true }, true],
  'without conditions': [undefined, true],
  'not known to be ready or not': [{}, true],
  'not ready': [{ ready: false }, false],
  'terminating but still serving': [{ ready: false, serving: true, terminating: true }, true],
  terminating: [{ ready: false, serving: false, terminating: true }, false],
};
for (const [what, [conditions, serves]] of Object.entries(endpoints)) {
  test(`an endpoint that is ${what} ${serves ? 'can serve' : 'cannot serve'}`, () => {
    const endpoint = conditions === undefined ? {} : { conditions };
    const view = viewAnnounceable(service, [slice({ nodeName: 'node-1', ...endpoint })]);
    assert.equal(view.served, serves);
    assert.deepEqual([...view.servingNodes], serves ? ['node-1'] : []);
  });
}

test('an endpoint without a node serves, but from nowhere', () => {
  const view = viewAnnounceable(service, [slice({})]);
  assert.deepEqual([view.served, view.servingNodes.size], [true, 0]);
});

test('a slice without endpoints (null on the wire) is an empty one', () => {
  const bare = { ...slice(), endpoints: null as unknown as Endpoint[] };
  assert.equal(viewAnnounceable(service, [bare]).served, false);
});

test('a node: labels, network and the label that excludes it, whatever its value', () => {
  const exclude = 'node.kubernetes.io/exclude-from-external-load-balancers';
  const conditions = [{ type: 'NetworkUnavailable', status: 'True' }];
  assert.deepEqual(viewNode({ metadata: { name: 'n' } }), {
    labels: {},
    networkUnavailable: false,
    excluded: false,
  });
  assert.deepEqual(viewNode({ metadata: { labels: { [exclude]: 'false' } }, status: { conditions } }), {
    labels: { [exclude]: 'false' },
    networkUnavailable: true,
    excluded: true,
  });
  // Readiness is not asked for: kube-proxy works on while the kubelet is away (MetalLB does the same).
  assert.equal(
    viewNode({ metadata: {}, status: { conditions: [{ type: 'Ready', status: 'False' }] } })
      .networkUnavailable,
    false,
  );
});
