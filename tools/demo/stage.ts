/** What the steps of the demo share: the lab, the kubectl to show things with, and what is running in the lab. */
import path from 'node:path';
import type { Answer, Lab, NodeName } from '../../test/support/lab.ts';
import { macOf, NODES } from '../../test/support/lab.ts';
import { ControlPlane, type ControlPlaneOptions, LabNodes } from '../../test/support/lab-cluster.ts';
import { hasCommand } from '../../test/support/private-network.ts';
import type { Report } from './report.ts';

const MANIFESTS = path.join(import.meta.dirname, 'manifests');

export class Stage {
  readonly lab: Lab;
  readonly report: Report;
  /** Of step 1; the Git step has one of its own. */
  readonly main: ControlPlane;
  readonly nodes: LabNodes;

  private constructor(lab: Lab, report: Report, main: ControlPlane) {
    this.lab = lab;
    this.report = report;
    this.main = main;
    this.nodes = new LabNodes(lab, main.kubeconfig);
  }

  /** Starts the API server with controller and webhook. */
  static async open(lab: Lab, report: Report): Promise<Stage> {
    const options = { name: 'up', apiServerPort: 6443, webhookPort: 9443 };
    const main = await showStart(lab, report, options);
    return new Stage(lab, report, main);
  }

  kubectl(args: readonly string[]): Promise<Answer> {
    return kubectl(this.lab, this.report, this.main, args);
  }

  /** Runs a command somewhere in the lab and shows it. */
  async run(place: NodeName | 'client', command: string, args: readonly string[]): Promise<Answer> {
    const answer = await this.lab.run(place, command, args);
    this.report.command(`${place}: ${command} ${args.join(' ')}`, answer);
    return answer;
  }
}

/** Runs `cleat up` and shows its command line and what it says. */
export async function showStart(
  lab: Lab,
  report: Report,
  options: ControlPlaneOptions,
): Promise<ControlPlane> {
  const server = await ControlPlane.start(lab, options);
  const said = server.process
    .log()
    .split('\n')
    .filter((line) => !line.startsWith('{'))
    .join('\n');
  report.command(`cleat ${ControlPlane.flags(lab, options).join(' ')} &`, {
    code: 0,
    stdout: said,
    stderr: '',
  });
  return server;
}

/** Runs kubectl, or what stands in for it, on an API server and shows it. Files are those of tools/demo/manifests. */
export async function kubectl(
  lab: Lab,
  report: Report,
  server: ControlPlane,
  args: readonly string[],
): Promise<Answer> {
  const env = { KUBECONFIG: server.kubeconfig };
  const real = realKubectl();
  const standIn = path.join(import.meta.dirname, 'kubectl.ts');
  const answer =
    real === undefined
      ? await lab.run('bridge', process.execPath, [standIn, ...args], { env })
      : await lab.run('bridge', real, args, { env });
  const shown = args.map((arg) => (/[{}]/.test(arg) ? `'${arg}'` : arg.replace(`${MANIFESTS}/`, '')));
  report.command(`${real === undefined ? 'kubectl-stand-in' : 'kubectl'} ${shown.join(' ')}`, answer);
  return answer;
}

/** `node-2 (02:00:00:00:00:12)`, or the bare MAC of nobody. */
export function ownerOf(mac: string): string {
  const node = NODES.find((name) => macOf(name) === mac);
  return node === undefined ? mac || 'nothing' : `${node} (${mac})`;
}

/** A path of tools/demo/manifests. */
export function manifest(name: string): string {
  return path.join(MANIFESTS, name);
}

/** The kubectl to use: CLEAT_KUBECTL, else that of PATH; undefined where the machine has none, or CLEAT_KUBECTL is ''. */
export function realKubectl(): string | undefined {
  const chosen = process.env['CLEAT_KUBECTL'] ?? (hasCommand('kubectl') ? 'kubectl' : '');
  return chosen === '' ? undefined : chosen;
}
