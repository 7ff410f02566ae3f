/**
 * The product installed on the real Kubernetes of a lab as S1 does it: one `kubectl apply` of the install manifest, then
 * controller and speakers as processes that run under the ServiceAccounts of the installation, and the Pods that stand for them.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { faultOfControlPlane } from './control-plane.ts';
import { formatKubeconfig } from './kubeconfig.ts';
import {
  addressOf,
  API_SERVER_ADDRESS,
  type Answer,
  Lab,
  type LabProcess,
  NODES,
  type NodeName,
} from './lab.ts';
import { httpGet, LabNodes } from './lab-cluster.ts';
import { CONTROL_NODE, LabKubernetes } from './lab-kubernetes.ts';
import { faultOfPrivateNetwork, hasCommand } from './private-network.ts';
import { until } from './until.ts';

const NAMESPACE = 'metallb-system';
const TIMEOUT_MS = 30_000;
export const REPOSITORY = path.resolve(import.meta.dirname, '../..');

/** What this machine lacks for it, with the remedy. */
export function faultOfInstalledKubernetes(): string | undefined {
  return (
    faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-proxy') ??
    (hasCommand('nft')
      ? undefined
      : 'the command nft is missing; install it (Debian: apt-get install nftables)') ??
    (hasCommand('kubectl') ? undefined : 'kubectl is missing; tools/setup.sh e2e brings it') ??
    faultOfPrivateNetwork()
  );
}

export class InstalledKubernetes {
  readonly lab: Lab;
  readonly kubernetes: LabKubernetes;
  #nodes: LabNodes | undefined;

  private constructor(lab: Lab, kubernetes: LabKubernetes) {
    this.lab = lab;
    this.kubernetes = kubernetes;
  }

  /** Resolves when controller and speakers are ready; a pod of `app` listens on each node. */
  static async start(app: string, port: number): Promise<InstalledKubernetes> {
    const lab = await Lab.create();
    const kubernetes = await LabKubernetes.start(lab);
    const installed = new InstalledKubernetes(lab, kubernetes);
    await kubernetes.startPods(app, port);
    await installed.kubectl(`apply -f ${REPOSITORY}/manifests/install.yaml`);
    await installed.kubectl('wait crd --all --for=condition=Established --timeout=30s');
    const selector = await installed.kubectl(
      `get service metallb-webhook-service -n ${NAMESPACE} -o jsonpath={.spec.selector}`,
    );
    await kubernetes.addPod({
      name: 'controller-0',
      namespace: NAMESPACE,
      labels: JSON.parse(selector) as Record<string, string>,
      node: CONTROL_NODE,
      address: API_SERVER_ADDRESS,
    });
    await installed.#addSpeakerPods();
    return installed;
  }

  /** Runs kubectl as the administrator: its arguments in one line, none of which has a blank. */
  run(line: string): Promise<Answer> {
    const env = { KUBECONFIG: this.kubernetes.plane.kubeconfig };
    return this.lab.run('bridge', 'kubectl', line.split(' '), { env });
  }

  async kubectl(line: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(line);
    assert.equal(code, 0, `kubectl ${line}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Resolves once it is ready. */
  async startController(...more: readonly string[]): Promise<LabProcess> {
    const kubeconfig = await this.#kubeconfigOf('controller');
    const flags = ['controller', `--kubeconfig=${kubeconfig}`, `--namespace=${NAMESPACE}`, ...more];
    const started = this.lab.startCleat('bridge', 'controller', flags);
    await until('the controller being ready', TIMEOUT_MS, async () => {
      assert.ok(started.running, started.log());
      const { code } = await httpGet(this.lab, 'bridge', 'http://127.0.0.1:17472/readyz', 2_000);
      return code === 0 ? true : undefined;
    });
    return started;
  }

  async startSpeakers(): Promise<LabNodes> {
    this.#nodes ??= new LabNodes(this.lab, await this.#kubeconfigOf('speaker'));
    await this.#nodes.startSpeakers();
    return this.#nodes;
  }

  stop(): Promise<void> {
    return this.kubernetes.stop();
  }

  async #addSpeakerPods(): Promise<void> {
    const labels = { app: 'metallb', component: 'speaker' };
    const add = (node: NodeName): Promise<void> =>
      this.kubernetes.addPod({
        name: `speaker-${node}`,
        namespace: NAMESPACE,
        labels,
        node,
        address: addressOf(node),
      });
    for (const node of NODES) await add(node);
  }

  /** A kubeconfig with a token of a ServiceAccount of the installation. */
  async #kubeconfigOf(account: string): Promise<string> {
    const token = (await this.kubectl(`create token ${account} -n ${NAMESPACE}`)).trim();
    const { url, caPem } = this.kubernetes.plane;
    const file = path.join(this.lab.folder, `${account}.kubeconfig`);
    writeFileSync(file, formatKubeconfig({ url, caPem, token }));
    return file;
  }
}
