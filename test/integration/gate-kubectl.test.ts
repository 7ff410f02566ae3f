/** The real kubectl in front of the gate: what people read when they change the configuration. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepareCluster, startGate } from '../support/gate.ts';
import { kubectlIsMissing, startKubectl } from '../support/kubectl.ts';
import { until } from '../support/until.ts';

const must = process.env['CI'] === 'true';
const options = {
  skip: kubectlIsMissing() && !must ? 'kubectl is not on the PATH: install it to run these tests' : false,
};

const pool = (name: string, range: string): string => `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: ${name}, namespace: metallb-system}
spec: {addresses: ["${range}"]}
`;

const WEB = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, ports: [{port: 80}]}
`;

test('kubectl delete ipaddresspool says whose address goes', options, async (context) => {
  const { api, ok, run } = await startKubectl(context);
  const target = { url: api.server.url, caPem: api.caPem, token: api.token };
  await prepareCluster(target);
  const gate = await startGate(context, target);
  await ok(
    'apply -f -',
    pool('default', '192.0.2.0/28') + '---' + pool('spare', '203.0.113.0/28') + '---' + WEB,
  );
  const status = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } });
  await ok(`patch svc web --subresource=status --type=merge -p '${status}'`);
  await until('the gate seeing pools and Service', 5_000, () => {
    const held = gate.services.get('default/web')?.status?.loadBalancer?.ingress;
    return held !== undefined && gate.configuration.snapshot.pools.size === 2 ? true : undefined;
  });

  const spare = await run('delete ipaddresspool spare -n metallb-system');
  assert.deepEqual([spare.code, spare.err], [0, '']);
  const { code, err } = await run('delete ipaddresspool default -n metallb-system');
  assert.equal(code, 0, err);
  assert.equal(err, 'Warning: LB229 a Service loses its address: default/web 192.0.2.1\n');
});
