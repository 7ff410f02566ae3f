/**
 * A real Kubernetes control plane for tests: etcd, kube-apiserver and kube-controller-manager as processes on one address,
 * without kubelets. tools/controlplane.sh builds them; what is in the folder that KUBEBUILDER_ASSETS
 * names comes first.
 *
 * Nothing is left behind: the processes are this one's own and are killed by number, and the kernel kills them where this
 * process ends without a word (setpriv --pdeathsig). SIGKILL always, because a polite stop of the API server waits for open
 * watches, up to a minute.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { generateToken } from '../../src/standalone/apiserver/http/authentication.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { cachedTool } from './cached-tool.ts';
import { askServer } from './api-server.ts';
import { formatKubeconfig } from './kubeconfig.ts';
import { until } from './until.ts';

export type Role = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-proxy';

export interface ControlPlaneOptions {
  /** An empty folder for data, keys and logs. */
  readonly folder: string;
  /** Where etcd and the API server listen; an address of this machine. */
  readonly address?: string;
  /** More flags of the API server. */
  readonly apiServerFlags?: readonly string[];
}

/** The Service IPs of the cluster: both families, the embedded API server's own. */
const SERVICE_RANGES = '10.96.0.0/16,fd00:10:96::/112';

const READY_TIMEOUT_MS = 90_000;
/** What tests need of what a cluster does by itself. */
const CONTROLLERS = 'endpointslice,garbagecollector,namespace,serviceaccount';

/** Why this machine has no real control plane, in one sentence with the remedy; undefined where it has. */
export function faultOfControlPlane(...roles: readonly Role[]): string | undefined {
  const missing = roles.filter((role) => commandOf(role) === undefined);
  if (missing.length === 0) return undefined;
  return `the Kubernetes control plane (${missing.join(', ')}) is not built; run make controlplane, which needs Go 1.26 or newer`;
}

/** A running control plane and how to speak to it as its administrator. */
export class KubernetesControlPlane {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** Where etcd answers, without TLS. */
  readonly etcdUrl: string;
  readonly #folder: string;
  #apiServer: { readonly flags: readonly string[]; child: ChildProcess } | undefined;
  readonly #children: ChildProcess[] = [];
  readonly #killAll = (): void => {
    for (const child of this.#children) child.kill('SIGKILL');
  };

  private constructor(folder: string, url: string, etcdUrl: string, caPem: string) {
    this.#folder = folder;
    this.url = url;
    this.etcdUrl = etcdUrl;
    this.caPem = caPem;
    this.token = generateToken();
    this.kubeconfig = path.join(folder, 'admin.kubeconfig');
    process.on('exit', this.#killAll);
  }

  /** Resolves once /readyz answers. Throws with the last lines of the log of what ended before. */
  static async start({
    folder,
    address = '127.0.0.1',
    apiServerFlags = [],
  }: ControlPlaneOptions): Promise<KubernetesControlPlane> {
    mkdirSync(folder, { recursive: true });
    const [clientPort, peerPort, securePort] = await freePorts(address, 3);
    const pki = issueCertificates({ nowMs: Date.now(), hosts: [address, 'kubernetes.default.svc'] });
    const etcd = `http://${address}:${clientPort}`;
    const plane = new KubernetesControlPlane(folder, `https://${address}:${securePort}`, etcd, pki.caPem);
    const file = (name: string, text: string | Buffer): string => {
      writeFileSync(path.join(folder, name), text, { mode: 0o600 });
      return path.join(folder, name);
    };
    file('admin.kubeconfig', formatKubeconfig(plane));
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const accountKey = file('accounts.key', keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const accountPublicKey = file('accounts.pub', keys.publicKey.export({ type: 'spki', format: 'pem' }));
    const peer = `http://${address}:${peerPort}`;
    try {
      plane.run('etcd', [
        `--data-dir=${path.join(folder, 'etcd')}`,
        `--listen-client-urls=${etcd}`,
        `--advertise-client-urls=${etcd}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=default=${peer}`,
        '--unsafe-no-fsync',
        '--log-level=error',
      ]);
      await plane.#startApiServer([
        `--etcd-servers=${etcd}`,
        `--bind-address=${address}`,
        `--advertise-address=${address}`,
        `--secure-port=${securePort}`,
        // Endpoints may not be loopback addresses, and no pod here looks for the Service "kubernetes".
        '--endpoint-reconciler-type=none',
        `--cert-dir=${path.join(folder, 'certificates')}`,
        `--tls-cert-file=${file('server.crt', pki.certPem)}`,
        `--tls-private-key-file=${file('server.key', pki.keyPem)}`,
        `--token-auth-file=${file('tokens.csv', `${plane.token},admin,admin,"system:masters"\n`)}`,
        '--authorization-mode=RBAC',
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${accountPublicKey}`,
        `--service-account-signing-key-file=${accountKey}`,
        `--service-cluster-ip-range=${SERVICE_RANGES}`,
        ...apiServerFlags,
      ]);
      plane.run('kube-controller-manager', [
        `--kubeconfig=${plane.kubeconfig}`,
        `--controllers=${CONTROLLERS}`,
        '--leader-elect=false',
        '--bind-address=127.0.0.1',
        `--secure-port=${(await freePorts('127.0.0.1', 1))[0]}`,
        `--cert-dir=${path.join(folder, 'certificates')}`,
      ]);
    } catch (error) {
      await plane.stop();
      throw error;
    }
    return plane;
  }

  /** kill -9 of the API server; etcd keeps what it has. */
  async killApiServer(): Promise<void> {
    const { child } = this.#apiServer ?? {};
    if (child === undefined) throw new Error('the API server was not started');
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Starts it again on the same etcd, in the same place; resolves once it is ready. */
  async startApiServerAgain(): Promise<void> {
    await this.#startApiServer(this.#apiServer?.flags ?? []);
  }

  /** Starts one more program of the control plane; it ends with stop(). `under` is a command line that runs it: `nsenter …`. */
  run(
    role: Role,
    flags: readonly string[],
    under: readonly string[] = [],
    name: string = role,
  ): ChildProcess {
    const command = commandOf(role);
    if (command === undefined) throw new Error(faultOfControlPlane(role));
    const log = openSync(this.logFile(name), 'a');
    const [program = '', ...args] = [...under, 'setpriv', '--pdeathsig', 'KILL', ...command, ...flags];
    const child = spawn(program, args, { stdio: ['ignore', log, log] });
    this.#children.push(child);
    return child;
  }

  logFile(name: string): string {
    return path.join(this.#folder, `${name}.log`);
  }

  /** Kills what was started and waits until it is gone. */
  async stop(): Promise<void> {
    process.off('exit', this.#killAll);
    const running = this.#children.filter((child) => child.exitCode === null && child.signalCode === null);
    const ended = Promise.all(running.map((child) => once(child, 'exit')));
    this.#killAll();
    await ended;
  }

  async #startApiServer(flags: readonly string[]): Promise<void> {
    const child = this.run('kube-apiserver', flags);
    this.#apiServer = { flags, child };
    await this.#untilReady(child);
  }

  async #untilReady(apiServer: ChildProcess): Promise<void> {
    await until('the API server being ready', READY_TIMEOUT_MS, async () => {
      if (apiServer.exitCode !== null || apiServer.signalCode !== null) {
        const lines = readFileSync(this.logFile('kube-apiserver'), 'utf8').trimEnd().split('\n');
        throw new Error(`kube-apiserver ended: ${lines.slice(-5).join('\n')}`);
      }
      const answer = await askServer(this, 'GET', '/readyz').catch(() => undefined);
      return answer?.code === 200 ? true : undefined;
    });
  }
}

/** The command and first arguments of a role; undefined where it is not on this machine. */
function commandOf(role: Role): readonly string[] | undefined {
  const assets = process.env['KUBEBUILDER_ASSETS'] ?? '';
  const own = path.join(assets, role);
  if (assets !== '' && existsSync(own)) return [own];
  const built = cachedTool('controlplane.sh');
  return built === undefined ? undefined : [built, role];
}

/** Ports nobody listens on now. */
export async function freePorts(address: string, count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, address);
      await once(server, 'listening');
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const { port } = server.address() as AddressInfo;
      server.close();
      await once(server, 'close');
      return port;
    }),
  );
}
