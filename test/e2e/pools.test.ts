/**
 * What pools do on a real API server, configured as people configured MetalLB 0.9 to 0.12 and as they do now: addresses,
 * refusals, Events, conditions and counters, by a controller under its own account.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { Cleat } from '../support/cleat.ts';
import { faultOfControlPlane, freePorts, KubernetesControlPlane } from '../support/control-plane.ts';
import { formatKubeconfig } from '../support/kubeconfig.ts';
import { until } from '../support/until.ts';

const root = path.resolve(import.meta.dirname, '../..');
const NAMESPACE = 'metallb-system';
const TIMEOUT_MS = 30_000;
const LONGEST_RUN_MS = 300_000;
const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager');
if (fault !== undefined && process.env['CI'] === 'true') throw new Error(fault);

suite('pools on a real API server', { skip: fault ?? false }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cleat-pools-'));
  let plane: KubernetesControlPlane;
  let controller: Cleat | undefined;

  /** Runs kubectl as the administrator; rejects with what it says. */
  async function kubectl(line: string, input = ''): Promise<string> {
    const env = { ...process.env, KUBECONFIG: plane.kubeconfig, KUBECACHEDIR: path.join(folder, 'cache') };
    const running = promisify(execFile)('kubectl', line.split(' '), { cwd: root, env });
    running.child.stdin?.end(input);
    return (await running).stdout;
  }

  const apply = (...objects: object[]): Promise<string> =>
    kubectl('apply -f -', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));

  /** What kubectl says of an object that is refused. */
  async function refusalOf(object: object): Promise<string> {
    const error: unknown = await apply(object).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error, 'it was not refused');
    return (error as { stderr: string }).stderr;
  }

  before(async () => {
    plane = await KubernetesControlPlane.start({ folder: path.join(folder, 'plane') });
    await kubectl('apply -f manifests/install.yaml');
    await kubectl('wait crd --all --for=condition=Established --timeout=30s');
    const token = (await kubectl(`create token controller -n ${NAMESPACE}`)).trim();
    const kubeconfig = path.join(folder, 'controller.kubeconfig');
    writeFileSync(kubeconfig, formatKubeconfig({ url: plane.url, caPem: plane.caPem, token }));
    const [webhookPort = 0] = await freePorts('127.0.0.1', 1);
    const flags = [
      `--kubeconfig=${kubeconfig}`,
      `--webhook-url=https://127.0.0.1:${webhookPort}`,
      `--webhook-port=${webhookPort}`,
      '--port=0',
      '--health-probe-port=0',
    ];
    controller = new Cleat(['controller', ...flags], { longestRunMs: LONGEST_RUN_MS });
    await apply(legacyPool('192.168.100.240-192.168.100.250'));
  });
  after(async () => {
    await controller?.end('SIGKILL');
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Applies a Service once the gate is in force, and waits until its condition is as wished. */
  async function applied(object: Manifest, status: 'True' | 'False'): Promise<void> {
    await apply(object);
    const { name } = object.metadata;
    const condition = `jsonpath={.status.conditions[?(@.type=="cleat.dev/AddressReady")].status}=${status}`;
    await kubectl(`wait svc/${name} --for=${condition} --timeout=30s`);
  }

  const addressOf = (name: string): Promise<string> =>
    kubectl(`get svc ${name} -o jsonpath={.status.loadBalancer.ingress[*].ip}`);
  const saidOf = (name: string): Promise<string> =>
    kubectl(`get svc ${name} -o jsonpath={.status.conditions[?(@.type=="cleat.dev/AddressReady")].message}`);
  const clear = (): Promise<string> => kubectl('delete svc -l kind=test');

  test('S2: the legacy ConfigMap serves the lowest address, the one that is asked for, and refuses one outside with what would do', async () => {
    await kubectl('apply -f examples/s2/config.yaml');
    await kubectl('apply -f examples/s2/service.yaml');
    await kubectl('wait svc/nginx --for=condition=cleat.dev/AddressReady --timeout=30s');
    assert.equal(await addressOf('nginx'), '192.168.100.240');
    await applied(service('pinned', { loadBalancerIP: '192.168.100.250' }), 'True');
    assert.equal(await addressOf('pinned'), '192.168.100.250');
    const outside = service('outside', { loadBalancerIP: '192.168.100.251' });
    const said = await until('the gate being in force', TIMEOUT_MS, async () => {
      const answer = await refusalOf(outside).catch(() => undefined);
      if (answer === undefined) await kubectl('delete svc outside');
      return answer;
    });
    assert.match(said, /^Error from server \(Forbidden\): /m);
    assert.match(
      said,
      /LB101 spec\.loadBalancerIP 192\.168\.100\.251 is in no pool open to namespace default; nearest free: 192\.168\.100\.249 \(pool default\)/,
    );
    await kubectl('delete svc nginx');
    await clear();
  });

  test('S3: kubectl describe shows the Event in MetalLB’s words, and no node port is needed', async () => {
    await apply(legacyPool('192.168.1.210-192.168.1.220'));
    const spec = { allocateLoadBalancerNodePorts: false, ports: [{ port: 8080, targetPort: 80 }] };
    await applied(service('nginx', spec), 'True');
    assert.equal(await addressOf('nginx'), '192.168.1.210');
    assert.equal(await kubectl('get svc nginx -o jsonpath={.spec.ports[*].nodePort}'), '');
    await until(
      'the Event',
      TIMEOUT_MS,
      async () =>
        /Normal +IPAllocated +\S+ .*metallb-controller +Assigned IP \["192\.168\.1\.210"\]/.test(
          await kubectl('describe svc nginx'),
        ) || undefined,
    );
    await clear();
  });

  test('S5: of three addresses the fourth Service gets none and says why, and the first that comes free', async () => {
    await apply(legacyPool('10.200.200.120-10.200.200.122'));
    for (const [index, name] of ['one', 'two', 'three'].entries()) {
      const ports = [{ port: 8080, targetPort: 80, nodePort: 30_080 + index }];
      await applied(service(name, { ports }), 'True');
      assert.equal(await addressOf(name), `10.200.200.${120 + index}`);
    }
    await applied(service('four', { ports: [{ port: 8080, targetPort: 80 }] }), 'False');
    assert.equal(await addressOf('four'), '');
    assert.match(
      await saidOf('four'),
      /^LB111 spec\.type LoadBalancer needs an IPv4 address, but every pool open to namespace default is full \(default: 3 of 3 IPv4 taken\); add addresses or delete a Service$/,
    );
    await until(
      'the Event',
      TIMEOUT_MS,
      async () =>
        /Warning +AllocationFailed .*Failed to allocate IP for "default\/four": LB111 /.test(
          await kubectl('describe svc four'),
        ) || undefined,
    );
    await kubectl('delete svc two');
    await kubectl('wait svc/four --for=condition=cleat.dev/AddressReady --timeout=30s');
    assert.equal(await addressOf('four'), '10.200.200.121');
    await clear();
  });

  test('a pool that takes another’s place moves who must move, and says from where to where and why', async () => {
    await applied(service('mover'), 'True');
    await apply(pool('new', ['192.0.2.1-192.0.2.9']));
    const remove = `delete configmap config -n ${NAMESPACE}`;
    const refusal = await kubectl(remove).catch(({ stderr }: { stderr: string }) => stderr);
    const [, hash] =
      /LB229 a Service loses its address: default\/mover \S+; .* cleat\.dev\/confirm: (\S+)/.exec(refusal) ??
      [];
    await kubectl(`annotate configmap config -n ${NAMESPACE} cleat.dev/confirm=${hash}`);
    await kubectl(remove);
    await until('the move', TIMEOUT_MS, async () => (await addressOf('mover')) === '192.0.2.1' || undefined);
    assert.match(
      await saidOf('mover'),
      /^192\.0\.2\.1 of pool new; .*; moved from 10\.200\.200\.\d+ of pool default: LB101 /,
    );
    await clear();
  });

  test('counters are exact to the last digit, and saturated as int64', async () => {
    await apply(pool('wide', ['2001:db8:1::/66']), pool('widest', ['2001:db8:2::/64']));
    const ask = { metadata: { annotations: { 'metallb.io/address-pool': 'wide' } } };
    const six = service('six', { ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' });
    await applied({ ...six, metadata: { ...six.metadata, ...ask.metadata } }, 'True');
    const counters = async (name: string): Promise<string> => {
      const text = await kubectl(`get ipaddresspool ${name} -n ${NAMESPACE} -o json`);
      return [...text.matchAll(/"(assigned|available)IPv6": (\d+)/g)]
        .map(([, what, digits]) => `${what} ${digits}`)
        .join(', ');
    };
    await until(
      'one address counted',
      TIMEOUT_MS,
      async () => (await counters('wide')) === 'assigned 1, available 4611686018427387903' || undefined,
    );
    assert.equal(await counters('widest'), 'assigned 0, available 9223372036854775807');
    await clear();
  });
});

interface Manifest {
  readonly metadata: { readonly name: string };
}

function legacyPool(addresses: string): object {
  const text = readFileSync(path.join(root, 'examples/s2/config.yaml'), 'utf8');
  const config = text.slice(text.indexOf('    address-pools:')).replaceAll(/^ {4}/gm, '');
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'config', namespace: NAMESPACE },
    data: { config: config.replace(/- \d+\.\d+\.\d+\.\d+-\S+/, `- ${addresses}`) },
  };
}

function pool(name: string, addresses: readonly string[]): object {
  return {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: { name, namespace: NAMESPACE },
    spec: { addresses },
  };
}

function service(name: string, spec: object = {}): Manifest {
  const metadata = { name, labels: { kind: 'test' } };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80 }], ...spec },
  } as Manifest;
}
