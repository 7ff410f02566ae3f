/**
 * The image, where no container engine is needed: its file system is assembled as the Dockerfile says, and the programs start in
 * it (chroot, read-only, without privileges but those of the manifest) with the very command lines of manifests/install.yaml,
 * on an API server outside.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { INSTALLED_CRDS } from '../../src/api/crds.ts';
import { installManifests } from '../../tools/install-manifests.ts';
import { startApiServer } from '../support/api-server.ts';
import { assembleImage, type Image } from '../support/image-root.ts';
import { formatKubeconfig } from '../support/kubeconfig.ts';
import { type Container, workloadsOf } from '../support/manifests.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork } from '../support/private-network.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 30_000;
/** As container runtimes set it. */
const ENV = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
const KUBECONFIG = '/run/kubeconfig';
const fault = faultOfPrivateNetwork();
if (fault === undefined) await enterPrivateNetwork();

suite('the image', { skip: fault !== undefined && process.env['CI'] !== 'true' && fault }, () => {
  let scratch: string;
  let image: Image;

  before(() => {
    assert.equal(fault, undefined);
    scratch = mkdtempSync(path.join(tmpdir(), 'cleat-image-'));
    image = assembleImage(path.join(scratch, 'root'));
    mkdirSync(path.join(image.folder, 'run'));
    // As a container runtime does it: the root read-only, beside it what the kernel offers. The mounts end with this process.
    mount('--bind', image.folder, image.folder);
    mount('--rbind', '/dev', path.join(image.folder, 'dev'));
    mount('--rbind', '/proc', path.join(image.folder, 'proc'));
    mount('-t', 'tmpfs', 'tmpfs', path.join(image.folder, 'run'));
    mount('-o', 'remount,bind,ro', image.folder);
  });
  after(() => {
    spawnSync('umount', ['-R', image.folder]);
    rmSync(scratch, { recursive: true, force: true });
  });

  /** A command in the image; `capabilities` beside the one that chroot itself needs. */
  function inside(command: readonly string[], user = 65_534, capabilities: readonly string[] = []) {
    const kept = ['-all', '+sys_chroot', '+setuid', '+setgid', ...capabilities.map((name) => `+${name}`)];
    // A user's own namespace knows no other user.
    const as = isMapped() ? [] : [`--userspec=${user}:${user}`];
    const drop = ['setpriv', `--bounding-set=${kept.join()}`, '--inh-caps=-all', '--no-new-privs'];
    const [program = '', ...args] = [...drop, 'chroot', ...as, image.folder, ...command];
    return { program, args };
  }

  function environment(): Record<string, string> {
    return { ...ENV, ...image.environment };
  }

  function run(...args: readonly string[]) {
    const { program, args: all } = inside([...image.entrypoint, ...args]);
    return spawnSync(program, all, { encoding: 'utf8', env: environment() });
  }

  test('has a Node.js, the bundle, libraries and nothing else: no shell, no npm, no packages', () => {
    const files = filesOf(image.folder).filter((file) => !/^\/(?:dev|proc|run)\//.test(file));
    const programs = files.filter((file) => !/\.so(?:\.\d+)*$/.test(file) && !file.startsWith('/cleat/'));
    assert.deepEqual(programs, ['/usr/bin/node']);
    assert.ok(files.includes('/cleat/sbom.cdx.json'));
    assert.deepEqual(
      files.filter((file) => /npm|node_modules|package\.json/.test(file)),
      [],
    );
  });

  test('starts, as nobody, and cannot write anywhere', () => {
    const { status, stdout, stderr } = run('version');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^cleat \d+\.\d+\.\d+ \(Node\.js v24\./);
    const write = "require('node:fs').writeFileSync('/cleat/x', '')";
    const { program, args } = inside([image.entrypoint[0] ?? '', '-e', write]);
    assert.match(spawnSync(program, args, { encoding: 'utf8', env: environment() }).stderr, /EROFS/);
  });

  test('asks for no newer C and C++ libraries than its base has', () => {
    assert.match(image.base, /^gcr\.io\/distroless\/cc-debian12:nonroot$/);
    const node = path.join(image.folder, 'usr/bin/node');
    for (const [prefix, newest] of [
      // Debian 12: glibc 2.36, GCC 12.
      ['GLIBC_2', 36],
      ['GLIBCXX_3\\.4', 30],
    ] as const) {
      const { stdout } = spawnSync('grep', ['-aoE', `${prefix}\\.[0-9]+`, node], { encoding: 'utf8' });
      const asked = stdout
        .trim()
        .split('\n')
        .map((version) => Number(version.split('.').at(-1)));
      assert.ok(asked.length > 1 && Math.max(...asked) <= newest, `${prefix} ${Math.max(...asked)}`);
    }
  });

  /** The container of the manifest runs until the test ends it. */
  async function start(context: TestContext, name: 'controller' | 'speaker', ...more: string[]) {
    const workload = workloadsOf(installManifests() as never).find(({ metadata }) => metadata.name === name);
    const [container] = workload?.spec.template.spec.containers ?? [];
    assert.ok(workload && container);
    const { runAsUser } = workload.spec.template.spec.securityContext as { runAsUser: number };
    const command = [...container.command, ...container.args, `--kubeconfig=${KUBECONFIG}`, ...more];
    const { program, args } = inside(command, runAsUser, capabilitiesOf(container));
    const env = { ...environment(), METALLB_NODE_NAME: 'node-1', METALLB_POD_NAME: `${name}-0` };
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    context.after(() => child.kill('SIGKILL'));
    await until(`${name} being ready`, TIMEOUT_MS, async () => {
      assert.equal(child.exitCode, null, said);
      const answer = await fetch('http://127.0.0.1:17472/readyz').catch(() => undefined);
      return answer?.status === 200 || undefined;
    });
    return child;
  }

  /** Sends SIGTERM; resolves with the exit code. */
  async function end(child: ChildProcess): Promise<unknown> {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    return (await exited)[0];
  }

  test('controller and speaker work in it as the manifest runs them, and end with 0', async (context) => {
    const api = await startApiServer(context);
    const { server, caPem, token } = api;
    await server.define(INSTALLED_CRDS.map((crd) => ({ ...crd })));
    const preloaded = [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'metallb-system' } },
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } },
    ];
    await server.preload(preloaded);
    const kubeconfig = path.join(image.folder, KUBECONFIG);
    writeFileSync(kubeconfig, formatKubeconfig({ url: server.url, caPem, token }), { mode: 0o644 });

    const url = 'https://127.0.0.1:9443';
    const flags = [`--webhook-url=${url}`, '--shutdown-delay-duration=100ms'];
    const controller = await start(context, 'controller', ...flags);
    const registrations = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
    await until(
      'the rules of the webhook',
      TIMEOUT_MS,
      async () => /validate-v1-service/.test((await api.ask('GET', registrations)).text) || undefined,
    );
    assert.equal(await end(controller), 0);
    const speaker = await start(context, 'speaker');
    assert.equal(await end(speaker), 0);
  });
});

/** `net_raw` for NET_RAW. */
function capabilitiesOf({ securityContext }: Container): string[] {
  const { add = [] } = (securityContext['capabilities'] ?? {}) as { add?: string[] };
  return add.map((name) => name.toLowerCase());
}

/** True where this is a user's own namespace, in which there is nobody but root. */
function isMapped(): boolean {
  return !/^\s*0\s+0\s+4294967295$/m.test(readFileSync('/proc/self/uid_map', 'utf8'));
}

function mount(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  assert.equal(status, 0, `mount ${args.join(' ')}: ${stderr}`);
}

/** Paths from the image's root, folders left out. */
function filesOf(folder: string, inside = '/'): string[] {
  return readdirSync(path.join(folder, inside)).flatMap((name) => {
    const file = path.join(inside, name);
    if (/^\/(?:dev|proc|run)$/.test(file)) return [];
    return statSync(path.join(folder, file)).isDirectory() ? filesOf(folder, file) : [file];
  });
}
