/** A webhook that answers the API server alone: kube-apiserver shows a client's certificate, and who has none is refused. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { askServer } from '../support/api-server.ts';
import type { ClientCertificate } from '../support/client-certificate.ts';
import { isOpensslMissing, makeClientCertificate } from '../support/client-certificate.ts';
import { faultOfControlPlane, KubernetesControlPlane } from '../support/control-plane.ts';
import { prepareCluster, startGate } from '../support/gate.ts';
import { until } from '../support/until.ts';

const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager') ?? isOpensslMissing();
if (fault !== undefined && process.env['CI'] === 'true') throw new Error(fault);

describe('a webhook that knows its callers', { skip: fault ?? false }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cleat-callers-'));
  let plane: KubernetesControlPlane;
  let own: ClientCertificate;

  before(async () => {
    own = makeClientCertificate(path.join(folder, 'own'));
    const kubeconfig = path.join(folder, 'webhooks.kubeconfig');
    const user = { 'client-certificate': own.certFile, 'client-key': own.keyFile };
    writeFileSync(
      kubeconfig,
      JSON.stringify({ apiVersion: 'v1', kind: 'Config', users: [{ name: '*', user }] }),
    );
    const apiVersion = 'apiserver.config.k8s.io/v1';
    const configuration = { apiVersion, kind: 'WebhookAdmissionConfiguration', kubeConfigFile: kubeconfig };
    const plugins = ['ValidatingAdmissionWebhook', 'MutatingAdmissionWebhook'];
    const admission = path.join(folder, 'admission.json');
    writeFileSync(
      admission,
      JSON.stringify({
        apiVersion,
        kind: 'AdmissionConfiguration',
        plugins: plugins.map((name) => ({ name, configuration })),
      }),
    );
    plane = await KubernetesControlPlane.start({
      folder: mkdtempSync(path.join(folder, 'plane-')),
      apiServerFlags: [`--admission-control-config-file=${admission}`],
    });
    await prepareCluster(plane);
  });
  after(async () => {
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function statusOf(port: number, where: string, certificate?: ClientCertificate): Promise<number> {
    const shown = certificate && {
      cert: readFileSync(certificate.certFile),
      key: readFileSync(certificate.keyFile),
    };
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const options = { host: '127.0.0.1', port, path: where, rejectUnauthorized: false, ...shown };
    const headers = { 'content-type': 'application/json' };
    request({ ...options, headers, method: where === '/healthz' ? 'GET' : 'POST' }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end(where === '/healthz' ? undefined : '{}');
    return promise;
  }

  test('the API server is answered, others are not, and probes are', async (context) => {
    const gate = await startGate(context, plane, { clientCaPem: own.caPem });
    await until('a Service being judged', 10_000, async () => {
      const spec = { type: 'LoadBalancer', ports: [{ port: 80 }] };
      const { code, headers } = await askServer(
        plane,
        'POST',
        '/api/v1/namespaces/default/services?dryRun=All',
        {
          body: { metadata: { name: 'web' }, spec },
        },
      );
      return code === 201 && String(headers['warning']).includes('LB105') ? true : undefined;
    });
    const other = makeClientCertificate(path.join(folder, 'other'));
    const { port } = gate.webhook;
    for (const where of ['/validate-v1-service', '/mutate--v1-service', '/self-test'])
      assert.deepEqual(
        [await statusOf(port, where), await statusOf(port, where, other), await statusOf(port, where, own)],
        [401, 401, 400],
        where,
      );
    assert.equal(await statusOf(port, '/healthz'), 200);
  });

  test('where the API server shows another certificate, nothing is registered', async (context) => {
    const stranger = makeClientCertificate(path.join(folder, 'stranger'));
    await assert.rejects(
      Promise.race([
        startGate(context, plane, { clientCaPem: stranger.caPem }),
        until('a registration', 3_000, () => undefined),
      ]),
      /a registration did not happen/,
    );
  });
});
