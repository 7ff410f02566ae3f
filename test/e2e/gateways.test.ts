/**
 * Gateways on a real kube-apiserver, with the definition that Gateway API publishes: the rule for them is registered before
 * the kind is there, and judges once it is.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer } from '../support/api-server.ts';
import { askServer } from '../support/api-server.ts';
import { faultOfControlPlane } from '../support/control-plane.ts';
import { faultOfGatewayApi, gatewayDefinition } from '../support/gateway-api.ts';
import { startGate } from '../support/gate.ts';
import { giveAddress, mustApply, poolManifest, serviceManifest } from '../support/gitops-orders.ts';
import { SuiteCluster } from '../support/suite-cluster.ts';
import { until } from '../support/until.ts';

const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager') ?? faultOfGatewayApi();
if (fault !== undefined && process.env['CI'] === 'true') throw new Error(fault);

describe('Gateways on a real API server', { skip: fault ?? false }, () => {
  const cluster = new SuiteCluster('gateways');

  const gateway = (version: string, spec: object, name = 'edge'): object => ({
    apiVersion: `gateway.networking.k8s.io/${version}`,
    kind: 'Gateway',
    metadata: { name, namespace: 'default' },
    spec: { gatewayClassName: 'any', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }], ...spec },
  });
  const applied = (spec: object, version = 'v1'): Promise<Answer> =>
    askServer(
      cluster.plane,
      'PATCH',
      `/apis/gateway.networking.k8s.io/${version}/namespaces/default/gateways/edge?fieldManager=test&force=true`,
      { type: 'application/apply-patch+yaml', body: gateway(version, spec) },
    );
  const warned = ({ headers }: Answer): string => String(headers['warning'] ?? '');

  test('they are warned, and refused what no Service of theirs could have', async (context) => {
    // Registered where there is no such kind yet.
    const gate = await startGate(context, cluster.plane);
    await mustApply(cluster.plane, poolManifest('edge', '10.8.1.0/28'));
    await mustApply(cluster.plane, {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'L2Advertisement',
      metadata: { name: 'all', namespace: 'metallb-system' },
    });
    await until(
      'the gate seeing the pool',
      10_000,
      () => gate.configuration.snapshot.pools.get('edge') && true,
    );
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const { code, text } = await askServer(cluster.plane, 'POST', crds, { body: gatewayDefinition() });
    assert.equal(code, 201, text);
    const asking = (value: string): object => ({ addresses: [{ type: 'IPAddress', value }] });

    const first = await until('Gateways being judged', 30_000, async () => {
      const answer = await applied(asking('10.8.1.99'));
      return answer.code < 300 && warned(answer) !== '' ? answer : undefined;
    });
    assert.match(
      warned(first),
      /LB101 spec\.addresses\[0\]\.value 10\.8\.1\.99 is in no pool open to namespace default/,
    );
    assert.equal(warned(await applied(asking('10.8.1.3'))), '');

    // Another version of the kind is asked about as the one that was registered.
    const beta = await applied(asking('10.8.1.98'), 'v1beta1');
    assert.match(warned(beta), /LB101/);

    const annotations = { 'metallb.io/loadBalancerIPs': '10.8.1.97' };
    const refused = await applied({ infrastructure: { annotations } });
    assert.equal(refused.code, 403);
    assert.match(
      refused.text,
      /gatewayvalidationwebhook\.cleat\.dev[^:]* denied the request: LB101 spec\.infrastructure\.annotations\[metallb\.io\/loadBalancerIPs\] 10\.8\.1\.97/,
    );

    // Its implementation has made a Service of it.
    const labels = { 'gateway.networking.k8s.io/gateway-name': 'edge' };
    const bare = serviceManifest('edge-lb');
    const made = { ...bare, metadata: { ...bare.metadata, labels } };
    await mustApply(cluster.plane, made);
    await giveAddress(cluster.plane, made, '10.8.1.3');
    await until('the gate seeing the Service', 10_000, async () =>
      (await applied(asking('10.8.1.99'))).code === 403 ? true : undefined,
    );
    const kept = await applied(asking('10.8.1.3'));
    assert.deepEqual([kept.code, warned(kept)], [200, '']);
  });
});
