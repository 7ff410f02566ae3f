/** `cleat doctor` as a person runs it, against the embedded API server. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { CONFIG_MAPS, type ConfigMap } from '../../src/api/kubernetes.ts';
import { connect, type ConnectedClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { Cleat, type Ended } from '../support/cleat.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const metadata = { name: 'kube-proxy', namespace: 'kube-system' };
/** As kubeadm writes it. */
const configurationOf = (mode: string, strictArp: boolean): string =>
  `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: "${mode}"\nipvs:\n  strictARP: ${strictArp}\n`;

suite('cleat doctor', () => {
  let scratch: string;
  let kubeconfig: string;
  let up: Cleat;
  let client: ConnectedClient;
  before(async () => {
    scratch = mkdtempSync(path.join(tmpdir(), 'cleat-doctor-'));
    kubeconfig = path.join(scratch, 'kubeconfig');
    const flags = [
      '--listen=127.0.0.1:0',
      '--webhook-port=0',
      `--kubeconfig-out=${kubeconfig}`,
      '--log-level=none',
    ];
    up = new Cleat(['up', ...flags]);
    await until('cleat up being ready', 30_000, () => {
      if (!up.running) throw new Error(`it ended: ${up.stderr}`);
      return up.stdout.includes('\nready') ? true : undefined;
    });
    client = await connect({ kubeconfig, log: new RecordingLog(), clock: systemClock, userAgent: 'test' });
  });
  after(async () => {
    await client.close();
    await up.end('SIGTERM');
    rmSync(scratch, { recursive: true });
  });

  const doctor = (): Promise<Ended> => new Cleat(['doctor', '--kubeconfig', kubeconfig]).end();

  test('what it finds of kube-proxy', async () => {
    const none = await doctor();
    assert.equal(none.code, 0, none.stderr);
    assert.match(
      none.stdout,
      /^unknown: kube-proxy: there is no KubeProxyConfiguration in ConfigMap kube-system\/kube-proxy/,
    );

    const data = { 'config.conf': configurationOf('ipvs', false), 'kubeconfig.conf': 'kind: Config\n' };
    await client.create<ConfigMap>(CONFIG_MAPS, { metadata, data });
    const fault = await doctor();
    assert.equal(fault.code, 1);
    assert.match(
      fault.stdout,
      /^fault: kube-proxy: ConfigMap kube-system\/kube-proxy, config\.conf: mode is ipvs and ipvs\.strictARP is not true.*rollout restart/,
    );

    await client.delete(CONFIG_MAPS, metadata);
    await client.create<ConfigMap>(CONFIG_MAPS, {
      metadata,
      data: { 'config.conf': configurationOf('ipvs', true) },
    });
    const fine = await doctor();
    assert.deepEqual([fine.code, fine.stdout], [0, 'fine: kube-proxy: mode is ipvs\n']);

    await client.delete(CONFIG_MAPS, metadata);
    await client.create<ConfigMap>(CONFIG_MAPS, { metadata, data: { 'config.conf': '{' } });
    const broken = await doctor();
    assert.equal(broken.code, 0);
    assert.match(broken.stdout, /^unknown: /);
  });

  test('a cluster that cannot be asked', async () => {
    const ended = await new Cleat(['doctor', '--kubeconfig', path.join(scratch, 'nowhere')]).end();
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /^cleat: .*nowhere/);
    const nobody = path.join(scratch, 'nobody');
    const text = readFileSync(kubeconfig, 'utf8').replace(
      /https:\/\/127\.0\.0\.1:\d+/,
      'https://127.0.0.1:1',
    );
    writeFileSync(nobody, text);
    const refused = await new Cleat(['doctor', '--kubeconfig', nobody]).end();
    assert.equal(refused.code, 2, refused.stdout);
    assert.match(
      refused.stderr,
      /^cleat: ConfigMap kube-system\/kube-proxy cannot be read: .*ECONNREFUSED.*--kubeconfig\n$/,
    );
  });
});
