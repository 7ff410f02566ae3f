/**
 * The installation on a real kube-apiserver: every manifest is valid to it, MetalLB's leftovers are got rid of as
 * docs/install.md says, and controller and speaker work under their own ServiceAccounts.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { controlParts } from '../../src/cli/control-parts.ts';
import { Configuration } from '../../src/cluster/configuration.ts';
import type { ConnectedClient } from '../../src/kube/client.ts';
import { RequestAuthorizer } from '../../src/kube/request-authorizer.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { CONTROLLER_METRICS } from '../../src/platform/metric-names.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { parseTextualYaml } from '../../src/platform/yaml.ts';
import { SpeakerState } from '../../src/speaker/configuration-state.ts';
import { Heartbeat } from '../../src/speaker/heartbeat.ts';
import { BGP_PEER_CRD } from '../../src/api/crd-bgp-peer.ts';
import { Administrator, words } from '../support/administrator.ts';
import { KubernetesControlPlane, faultOfControlPlane } from '../support/control-plane.ts';
import { OTHER_KINDS } from '../support/other-kinds.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const root = path.resolve(import.meta.dirname, '../..');
const NAMESPACE = 'metallb-system';
const TIMEOUT_MS = 60_000;
const CRD_FILE = 'manifests/crds/metallb.io_bgppeers.yaml';
const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager');
if (fault !== undefined && process.env['CI'] === 'true') throw new Error(fault);

describe('the installation on a real API server', { skip: fault ?? false }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cleat-install-'));
  const log = new RecordingLog();
  let plane: KubernetesControlPlane;
  let kubectl: Administrator['kubectl'];
  let apply: Administrator['apply'];
  let get: Administrator['get'];
  let connectAs: (account: string) => Promise<ConnectedClient>;

  before(async () => {
    plane = await KubernetesControlPlane.start({ folder });
    const administrator = new Administrator(plane, folder);
    ({ kubectl, apply, get } = administrator);
    connectAs = (account) => administrator.connectAs(account, NAMESPACE, log);
  });
  after(async () => {
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('MetalLB’s conversion webhook is in the way, and gone after the step of docs/install.md', async () => {
    const webhook = {
      clientConfig: {
        service: { name: 'metallb-webhook-service', namespace: NAMESPACE, path: '/convert' },
        caBundle: Buffer.from(plane.caPem).toString('base64'),
      },
      conversionReviewVersions: ['v1beta1', 'v1beta2'],
    };
    const theirs = {
      ...BGP_PEER_CRD,
      spec: { ...BGP_PEER_CRD.spec, conversion: { strategy: 'Webhook', webhook } },
    };
    await kubectl(['create', '-f', '-'], JSON.stringify(theirs));
    await assert.rejects(
      kubectl(['apply', '-f', CRD_FILE]),
      /spec\.conversion\.webhookClientConfig: Forbidden/,
    );
    const page = readFileSync(path.join(root, 'docs/install.md'), 'utf8');
    const step = /kubectl (patch crd bgppeers\.metallb\.io .*)/.exec(page)?.[1];
    assert.ok(step);
    await kubectl(words(step));
    await kubectl(['apply', '-f', CRD_FILE]);
    const crd = (await get('crd', 'bgppeers.metallb.io')) as { spec: { conversion: unknown } };
    assert.deepEqual(crd.spec.conversion, { strategy: 'None' });
  });

  test('install.yaml is valid to the last field, and applying it again changes nothing', async () => {
    const install = ['apply', '-f', 'manifests/install.yaml', '--validate=strict'];
    await kubectl(install);
    const again = (await kubectl(install)).trim().split('\n');
    const manifest = readFileSync(path.join(root, 'manifests/install.yaml'), 'utf8');
    assert.equal(again.length, manifest.match(/^kind: /gm)?.length);
    assert.deepEqual(
      again.filter((line) => !line.endsWith(' unchanged')),
      [],
    );
    await kubectl([...install, '--server-side', '--dry-run=server']);
    await kubectl(words('wait crd --all --for=condition=Established --timeout=60s'));
  });

  test('every overlay is valid, server-side and plain', async () => {
    await apply(...OTHER_KINDS);
    await kubectl(words('wait crd --all --for=condition=Established --timeout=60s'));
    const overlays = readdirSync(path.join(root, 'kustomize/overlays'));
    assert.ok(overlays.length > 3);
    for (const overlay of overlays) {
      const flags = ['-k', `kustomize/overlays/${overlay}`, '--validate=strict'];
      await kubectl(['apply', ...flags, '--server-side', '--force-conflicts', '--dry-run=server']);
      await kubectl(['apply', ...flags]);
    }
    // It refuses before the webhook can.
    await kubectl(['delete', '-f', 'kustomize/components/floor/policy.yaml']);
    await kubectl(['apply', '-k', 'kustomize/base']);
  });

  test('a BGPPeer written in v1beta1 is the same in v1beta2, and defaulted', async () => {
    const spec = {
      myASN: 65001,
      peerASN: 4_294_967_295,
      peerAddress: '192.168.5.1',
      nodeSelectors: [
        { matchLabels: { rack: 'a' }, matchExpressions: [{ key: 'role', operator: 'In', values: ['edge'] }] },
      ],
    };
    const metadata = { name: 'router', namespace: NAMESPACE };
    await apply({ apiVersion: 'metallb.io/v1beta1', kind: 'BGPPeer', metadata, spec });
    const read = async (version: string): Promise<unknown> =>
      ((await get('-n', NAMESPACE, `bgppeers.${version}.metallb.io`, 'router')) as { spec: unknown }).spec;
    const defaults = { disableMP: false, dualStackAddressFamily: false, peerPort: 179 };
    assert.deepEqual(await read('v1beta2'), { ...spec, ...defaults });
    assert.deepEqual(await read('v1beta1'), { ...spec, peerPort: 179 });
  });

  test('rules in CEL refuse what MetalLB’s refuse', async () => {
    const refused: [string, string, object, RegExp][] = [
      [
        'v1beta1',
        'BGPAdvertisement',
        { aggregationLength: 24, serviceSelectors: [{ matchLabels: { a: 'b' } }] },
        /serviceSelectors and aggregationLength are mutually exclusive/,
      ],
      [
        'v1beta2',
        'BGPPeer',
        { myASN: 1, connectTime: '1500ms' },
        /connect time should contain a whole number of seconds/,
      ],
      [
        'v1beta2',
        'BGPPeer',
        { myASN: 1, connectTime: '20h' },
        /connect time should be between 1 seconds to 65535/,
      ],
    ];
    for (const [version, kind, spec, message] of refused) {
      const metadata = { name: 'faulty', namespace: NAMESPACE };
      await assert.rejects(apply({ apiVersion: `metallb.io/${version}`, kind, metadata, spec }), message);
    }
  });

  /** `Valid`, once the ConfigurationState of this name says so. */
  async function resultOf(name: string): Promise<true | undefined> {
    const state = await get('-n', NAMESPACE, 'configurationstate', name).catch(() => undefined);
    return (state as { status?: { result?: string } } | undefined)?.status?.result === 'Valid' || undefined;
  }

  test('the controller works under its ServiceAccount, and its registration survives a new apply', async (context) => {
    const client = await connectAs('controller');
    const { parts } = controlParts({
      client,
      clock: systemClock,
      log,
      meter: createMeter(CONTROLLER_METRICS),
      namespace: NAMESPACE,
      lbClass: undefined,
      runs: 'both',
      webhook: { host: '127.0.0.1', port: 0, url: 'https://127.0.0.1:0' },
    });
    context.after(async () => {
      for (const { part } of parts.toReversed()) await part.stop();
      await client.close();
    });
    await kubectl(['apply', '-f', 'examples/s1/pool.yaml']);
    for (const { part } of parts) await part.start();
    const service = (name: string, spec: object = {}): object => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }], selector: { app: 'web' }, ...spec },
    });
    await apply(service('web'));
    const address = await until('an address', TIMEOUT_MS, async () => {
      const { status } = (await get('svc', 'web')) as {
        status: { loadBalancer: { ingress?: { ip: string }[] } };
      };
      return status.loadBalancer.ingress?.[0]?.ip;
    });
    assert.equal(address, '172.16.0.100');
    await until(
      'an Event',
      TIMEOUT_MS,
      async () =>
        (await kubectl(['get', 'events', '-o', 'name', '--field-selector=reason=IPAllocated'])) || undefined,
    );
    await until('counters of the pool', TIMEOUT_MS, async () => {
      const pool = (await get('-n', NAMESPACE, 'ipaddresspool', 'public-pool')) as {
        status?: { assignedIPv4: number };
      };
      return pool.status?.assignedIPv4 === 1 || undefined;
    });
    await until('what it made of the configuration', TIMEOUT_MS, async () => resultOf('controller'));
    await kubectl(['apply', '-f', 'manifests/install.yaml']);
    const outside = service('outside', { loadBalancerIP: '172.16.9.9' });
    await until('a refusal: the API server takes a moment to hear of a registration', TIMEOUT_MS, async () =>
      apply(outside).then(
        async () => void (await kubectl(['delete', 'svc', 'outside'])),
        (error: unknown) => /denied the request: LB101/.test(String(error)) || undefined,
      ),
    );
  });

  test('a speaker keeps its Lease under its ServiceAccount, and deletes it', async () => {
    const client = await connectAs('speaker');
    const joined = Promise.withResolvers<ReadonlySet<string>>();
    const heartbeat = new Heartbeat(
      { client, clock: systemClock, log, namespace: NAMESPACE, nodeName: 'node-1' },
      (alive) => alive.size > 0 && joined.resolve(alive),
    );
    await heartbeat.start();
    assert.deepEqual([...(await joined.promise)], ['node-1']);
    await heartbeat.stop();
    await client.close();
    assert.equal(await kubectl(['get', 'leases', '-n', NAMESPACE, '-o', 'name']), '');
  });

  test('a speaker tells what it makes of the configuration, Secrets of peers included, under its ServiceAccount', async (context) => {
    await apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: NAMESPACE, name: 'of-router' },
      type: 'kubernetes.io/basic-auth',
      stringData: { password: 'a-secret-for-tests' },
    });
    await apply({
      apiVersion: 'metallb.io/v1beta2',
      kind: 'BGPPeer',
      metadata: { namespace: NAMESPACE, name: 'router' },
      spec: { myASN: 64500, peerASN: 64501, peerAddress: '192.0.2.1', passwordSecret: { name: 'of-router' } },
    });
    const client = await connectAs('speaker');
    const deps = { client, clock: systemClock, log, namespace: NAMESPACE, nodeName: 'node-1' };
    const configuration = new Configuration({ ...deps, parseYaml: parseTextualYaml });
    const state = new SpeakerState({ ...deps, configuration });
    context.after(async () => {
      await state.stop();
      await configuration.stop();
      await client.close();
    });
    await configuration.start();
    await state.start();
    await until('its ConfigurationState', TIMEOUT_MS, async () => resultOf('speaker-node-1'));
    await kubectl(['delete', 'secret', 'of-router', '-n', NAMESPACE]);
    await until('the fault', TIMEOUT_MS, async () => {
      const said = await get('-n', NAMESPACE, 'configurationstate', 'speaker-node-1');
      return /LB216 spec.passwordSecret.name of-router/.test(JSON.stringify(said)) || undefined;
    });
    await kubectl(['delete', 'bgppeer', 'router', '-n', NAMESPACE]);
    await until('it is mended', TIMEOUT_MS, async () => resultOf('speaker-node-1'));
  });

  test('metrics over HTTPS are for who may GET /metrics, by the API server’s own RBAC', async (context) => {
    await kubectl(words('apply -k kustomize/overlays/metrics-https'));
    await kubectl(words('create serviceaccount scraper -n default'));
    await kubectl(words('create serviceaccount other -n default'));
    await kubectl(words('create clusterrole scraper --verb=get --non-resource-url=/metrics'));
    await kubectl(
      words('create clusterrolebinding scraper --clusterrole=scraper --serviceaccount=default:scraper'),
    );
    const client = await connectAs('controller');
    const authorizer = new RequestAuthorizer({ client, clock: systemClock });
    context.after(() => client.close());
    const mayGet = async (account: string, where = '/metrics') => {
      const token = (await kubectl(words(`create token ${account} -n default`))).trim();
      return authorizer.mayGet(where, `Bearer ${token}`);
    };
    await until(
      'the API server hearing of it',
      TIMEOUT_MS,
      async () => (await mayGet('scraper')) === 'allowed' || undefined,
    );
    assert.equal(await mayGet('scraper', '/secrets'), 'forbidden');
    assert.equal(await mayGet('other'), 'forbidden');
    assert.equal(await authorizer.mayGet('/metrics', 'Bearer made-up'), 'unauthenticated');
  });

  test('nobody reads a Secret or a ConfigMap that is not ours', async () => {
    const can = async (account: string, ...what: string[]): Promise<string> => {
      const as = `--as=system:serviceaccount:${NAMESPACE}:${account}`;
      const answer = kubectl(['auth', 'can-i', ...what, as]);
      // kubectl ends with 1 where the answer is no.
      return answer.then(
        (yes) => yes.trim(),
        (error: unknown) => /^(no)$/m.exec(String(error))?.[1] ?? String(error),
      );
    };
    for (const account of ['controller', 'speaker']) {
      assert.equal(await can(account, 'list', 'secrets', '-A'), 'no');
      assert.equal(await can(account, 'get', 'secrets', '-n', NAMESPACE), 'no');
      assert.equal(await can(account, 'list', 'configmaps', '-n', NAMESPACE), 'no');
      assert.equal(await can(account, 'delete', 'services', '-n', 'default'), 'no');
      assert.equal(await can(account, 'list', 'configmaps/config', '-n', NAMESPACE), 'yes');
    }
    // The Secrets that BGPPeers name are watched by name, and nobody knows their names beforehand.
    assert.equal(await can('controller', 'list', 'secrets', '-n', NAMESPACE), 'no');
    assert.equal(await can('speaker', 'list', 'secrets', '-n', NAMESPACE), 'yes');
    assert.equal(await can('controller', 'get', 'secrets/metallb-webhook-cert', '-n', NAMESPACE), 'yes');
    assert.equal(await can('speaker', 'get', 'secrets/metallb-webhook-cert', '-n', NAMESPACE), 'no');
  });
});
