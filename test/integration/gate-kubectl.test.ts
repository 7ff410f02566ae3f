/** The real kubectl in front of the gate: what people read when they change the configuration. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Level } from '../../src/api/findings.ts';
import { prepareCluster, startGate } from '../support/gate.ts';
import type { Kubectl } from '../support/kubectl.ts';
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

const ADVERTISEMENT = `
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: all, namespace: metallb-system}
`;

const ofMetalLB = (version: string, kind: string, name: string, spec: string): string => `
apiVersion: metallb.io/${version}
kind: ${kind}
metadata: {name: ${name}, namespace: metallb-system}
${spec}
`;

const NS = '-n metallb-system';

/** A gate that has seen a pool for team a, an advertisement and the Service default/web with an address of the pool. */
async function startWorld(context: TestContext, defaultLevel: Level = 'deny'): Promise<Kubectl> {
  const kubectl = await startKubectl(context);
  const { api, ok } = kubectl;
  const target = { url: api.server.url, caPem: api.caPem, token: api.token };
  await prepareCluster(target);
  const gate = await startGate(context, target, { defaultLevel });
  await ok('label namespace default team=a');
  const allocation = '\n  serviceAllocation: {namespaceSelectors: [{matchLabels: {team: a}}]}';
  const ours = pool('default', '192.0.2.0/28').replace(
    'spec: {addresses: ["192.0.2.0/28"]}',
    `spec:\n  addresses: ["192.0.2.0/28"]${allocation}`,
  );
  await ok('apply -f -', [ours, ADVERTISEMENT, WEB].join('---'));
  const status = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } });
  await ok(`patch svc web --subresource=status --type=merge -p '${status}'`);
  await until('the gate seeing pools and Service', 5_000, () => {
    const held = gate.services.get('default/web')?.status?.loadBalancer?.ingress;
    const { pools, l2Advertisements } = gate.configuration.snapshot;
    const open = pools.get('default')?.allocation?.namespaces?.has('default');
    return held !== undefined && open === true && l2Advertisements.length === 1 ? true : undefined;
  });
  return kubectl;
}

function hashIn(refusal: string): string {
  const hash = /cleat\.dev\/confirm: (sha256-[0-9a-f]{16})$/m.exec(refusal)?.[1];
  assert.ok(hash, refusal);
  return hash;
}

test(
  'kubectl delete of a pool in use is refused with the list, and goes through confirmed',
  options,
  async (context) => {
    const { ok, fails, run } = await startWorld(context);
    await ok('apply -f -', pool('spare', '203.0.113.0/28'));
    const spare = await run(`delete ipaddresspool spare ${NS}`);
    assert.deepEqual([spare.code, spare.err], [0, '']);

    const refusal = await fails(`delete ipaddresspool default ${NS}`);
    assert.match(
      refusal,
      /^Error from server \(Forbidden\): admission webhook "ipaddresspooldeletion\.cleat\.dev" denied the request: LB229 a Service loses its address: default\/web 192\.0\.2\.1; move them first, or confirm it on IPAddressPool default with the annotation cleat\.dev\/confirm: sha256-[0-9a-f]{16}\n$/,
    );
    assert.match(await fails(`delete ipaddresspool default ${NS} --dry-run=server`), /LB229 a Service loses/);
    await ok(`annotate ipaddresspool default ${NS} cleat.dev/confirm=${hashIn(refusal)}`);
    const confirmed = await run(`delete ipaddresspool default ${NS}`);
    assert.deepEqual(
      [confirmed.code, confirmed.err],
      [0, 'Warning: LB229 a Service loses its address: default/web 192.0.2.1\n'],
    );
  },
);

test(
  'shrinking a pool, an advertisement less, a label less: refused, and confirmed',
  options,
  async (context) => {
    const { ok, fails, run } = await startWorld(context);
    const spec = (addresses: string) => `{"spec":{"addresses":["${addresses}"]}}`;
    const shrink = `patch ipaddresspool default ${NS} --type=merge -p '${spec('192.0.2.8/29')}'`;
    const shrunk = await fails(shrink);
    assert.match(
      shrunk,
      /denied the request: LB228 a Service loses its address: default\/web 192\.0\.2\.1; /,
    );
    assert.match(
      await fails(`delete l2advertisement all ${NS}`),
      /\(Forbidden\): .* LB230 nobody announces the address of a Service any more: default\/web 192\.0\.2\.1; /,
    );
    const relabel = 'label namespace default team=b --overwrite';
    const shutOut = await fails(relabel);
    assert.match(shutOut, /\(Forbidden\): .* LB231 a Service loses its address: default\/web 192\.0\.2\.1; /);
    await ok('label namespace default colour=red');
    await ok('annotate namespace default note=x');

    await ok(`annotate namespace default cleat.dev/confirm=${hashIn(shutOut)}`);
    const moved = await run(relabel);
    assert.deepEqual(
      [moved.code, moved.err],
      [0, 'Warning: LB231 a Service loses its address: default/web 192.0.2.1\n'],
    );
  },
);

test('kinds of BGP are judged, and what others use goes with a warning', options, async (context) => {
  const { ok, fails, run } = await startWorld(context);
  const spec = 'spec: {myASN: 64500, peerASN: 64501, peerAddress: 192.0.2.250, holdTime: 2s}';
  const peer = ofMetalLB('v1beta2', 'BGPPeer', 'router', spec);
  assert.match(await fails('apply -f -', peer), /\(Forbidden\): .* LB215 spec\.holdTime 2s /);

  const community = ofMetalLB(
    'v1beta1',
    'Community',
    'names',
    'spec: {communities: [{name: far, value: "64500:1"}]}',
  );
  await ok('apply -f -', community);
  const named = ofMetalLB('v1beta1', 'BGPAdvertisement', 'far', 'spec: {communities: [far]}');
  await until('the gate knowing the community', 5_000, async () => {
    const { code, err } = await run('apply --dry-run=server -f -', named);
    return code === 0 && !err.includes('LB216') ? true : undefined;
  });
  await ok('apply -f -', named);
  await until('the gate knowing who uses it', 5_000, async () => {
    const { code, err } = await run(`delete community names ${NS} --dry-run=server`);
    assert.equal(code, 0, err);
    return err.startsWith('Warning: LB216 BGPAdvertisement metallb-system/far: ') ? true : undefined;
  });
});

test(
  'levels: of the cluster by flag, of a namespace by its label, which counts more',
  options,
  async (context) => {
    const { ok, fails, run } = await startWorld(context, 'warn');
    const outside = WEB.replace('name: web', 'name: out').replace(
      '{type:',
      '{loadBalancerIP: 192.0.2.77, type:',
    );
    const said = async (): Promise<string> => {
      const { code, err } = await run('apply --dry-run=server -f -', outside);
      assert.equal(code, 0, err);
      return err;
    };
    assert.match(
      await said(),
      /^Warning: LB101 spec\.loadBalancerIP 192\.0\.2\.77 is in no pool [^\n]{1,90}\n$/,
    );
    await ok('label namespace default cleat.dev/enforce=audit');
    await until('silence', 5_000, async () => ((await said()) === '' ? true : undefined));
    await ok('label namespace default cleat.dev/enforce=deny --overwrite');
    await until('a refusal', 5_000, async () =>
      (await run('apply --dry-run=server -f -', outside)).code === 1 ? true : undefined,
    );
    assert.match(await fails('apply -f -', outside), /\(Forbidden\): .* LB101 /);
  },
);
