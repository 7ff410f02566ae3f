/**
 * The gate on a real kube-apiserver: what kubectl prints of a refusal, the commits that GitOps tools must get in, and the guard
 * with its confirmation. The webhook runs in this process and is called by URL.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { ConfigMap } from '../../src/api/kubernetes.ts';
import { CONFIG_MAPS } from '../../src/api/kubernetes.ts';
import { FloorKeeper } from '../../src/controller/floor-keeper.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { WebhookDeps } from '../../src/webhook/webhook.ts';
import { replayChangeSets, startTwoGates } from '../support/change-sets.ts';
import { Cleat } from '../support/cleat.ts';
import { faultOfControlPlane } from '../support/control-plane.ts';
import { startGate } from '../support/gate.ts';
import {
  argoCd,
  flux,
  giveAddress,
  mustApply,
  poolManifest,
  serviceManifest,
} from '../support/gitops-orders.ts';
import { SuiteCluster } from '../support/suite-cluster.ts';
import { until } from '../support/until.ts';

const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager');
if (fault !== undefined && process.env['CI'] === 'true') throw new Error(fault);

describe('the gate on a real API server', { skip: fault ?? false }, () => {
  const cluster = new SuiteCluster('gate');

  test('Flux’s order and Argo CD’s converge with one retry', async (context) => {
    const gate = await startGate(context, cluster.plane);
    await replayChangeSets(flux, cluster.plane, [gate], { subnet: '10.1', tries: 2 });
    await replayChangeSets(argoCd, cluster.plane, [gate], { subnet: '10.2', tries: 2 });
  });

  test('with two replicas that share nothing they converge too', async (context) => {
    const start = (reach: Partial<WebhookDeps>) => startGate(context, cluster.plane, reach);
    const { gates, cut } = await startTwoGates(context, start);
    await replayChangeSets(flux, cluster.plane, gates, { subnet: '10.3', tries: 30, between: cut });
    await replayChangeSets(argoCd, cluster.plane, gates, { subnet: '10.4', tries: 30, between: cut });
  });

  test('the refusal as a user sees it', async (context) => {
    const gate = await startGate(context, cluster.plane);
    await mustApply(cluster.plane, poolManifest('asked', '10.5.1.0/28'));
    await until(
      'the gate seeing the pool',
      10_000,
      () => gate.configuration.snapshot.pools.get('asked') && true,
    );
    const patch = JSON.stringify({ spec: { loadBalancerIP: '10.5.1.77' } });
    await mustApply(cluster.plane, serviceManifest('asking'));
    const { code, err } = await cluster.kubectl('patch', 'service', 'asking', '-p', patch);
    assert.deepEqual(
      [code, err],
      [
        1,
        'Error from server (Forbidden): admission webhook "servicevalidationwebhook.cleat.dev" denied the request: LB101 spec.loadBalancerIP 10.5.1.77 is in no pool open to namespace default; nearest free: 10.5.1.15 (pool asked)\n',
      ],
    );
  });

  test('an exception lifts a refusal until it is taken back, and gives nobody an address', async (context) => {
    const gate = await startGate(context, cluster.plane);
    await mustApply(cluster.plane, poolManifest('excepted', '10.5.2.0/28'));
    await until('the pool', 10_000, () => gate.configuration.snapshot.pools.get('excepted') && true);
    const exceptions = (): number => gate.configuration.snapshot.exceptions.length;
    const soon = new Date(Date.now() + 86_400_000).toISOString();
    const file = path.join(cluster.folder, 'exception.json');
    const spec = {
      rule: 'OutsidePools',
      objects: [{ kind: 'Service', namespace: 'default', name: 'excepted' }],
      reason: 'the pool comes with the next delivery',
      owner: 'net@example.com',
      expires: soon,
    };
    const metadata = { name: 'soon', namespace: 'metallb-system' };
    writeFileSync(
      file,
      JSON.stringify({ apiVersion: 'cleat.dev/v1alpha1', kind: 'PolicyException', metadata, spec }),
    );
    const made = await cluster.kubectl('create', '-f', file);
    assert.equal(made.code, 0);
    assert.match(made.err, /^Warning: LB233 spec\.expires /);
    await until('the exception', 10_000, () => (exceptions() === 1 ? true : undefined));

    await mustApply(cluster.plane, serviceManifest('excepted'));
    const patch = JSON.stringify({ spec: { loadBalancerIP: '10.5.2.77' } });
    const lifted = await cluster.kubectl('patch', 'service', 'excepted', '-p', patch);
    assert.equal(lifted.code, 0);
    assert.match(lifted.err, /Warning: LB101 spec\.loadBalancerIP 10\.5\.2\.77 is in no pool/);
    assert.match(
      lifted.err,
      /Warning: LB233 PolicyException metallb-system\/soon lets LB101 pass only until /,
    );
    await mustApply(cluster.plane, serviceManifest('not-excepted'));
    assert.equal((await cluster.kubectl('patch', 'service', 'not-excepted', '-p', patch)).code, 1);

    assert.equal((await cluster.kubectl('delete', '-f', file)).code, 0);
    await until('the end of the exception', 10_000, () => (exceptions() === 0 ? true : undefined));
    const other = JSON.stringify({ spec: { loadBalancerIP: '10.5.2.78' } });
    assert.equal((await cluster.kubectl('patch', 'service', 'excepted', '-p', other)).code, 1);
  });

  test('the floor holds with every process of Cleat dead', async (context) => {
    const file = path.join(cluster.folder, 'floor.yaml');
    const printed = await new Cleat(['floor']).end();
    assert.deepEqual([printed.code, printed.stderr], [0, '']);
    writeFileSync(file, printed.stdout);
    assert.equal((await cluster.kubectl('apply', '--validate=strict', '-f', file)).code, 0);
    context.after(async () => {
      await cluster.kubectl('delete', '-f', file);
      await until('a world without a floor', 30_000, async () =>
        (await asks('10.7.9.9', 'default', dry)).code === 0 ? true : undefined,
      );
    });
    await mustApply(cluster.plane, poolManifest('floor', '10.7.1.240-10.7.1.250', '2001:db8:7::/64'));
    const shut = poolManifest('shut', '10.7.2.0/28');
    await mustApply(cluster.plane, {
      ...shut,
      spec: { ...shut.spec, serviceAllocation: { namespaces: ['bank'] } },
    } as typeof shut);
    const vault = {
      apiVersion: 'cleat.dev/v1alpha1',
      kind: 'AddressReservation',
      metadata: { name: 'vault', namespace: 'metallb-system' },
      spec: { addresses: ['10.7.1.245', '2001:db8:7::5'], namespaces: ['bank'] },
    };
    const lab = {
      apiVersion: 'cleat.dev/v1alpha1',
      kind: 'AddressPolicy',
      metadata: { name: 'lab', namespace: 'metallb-system' },
      spec: { namespaces: ['lab'], pools: ['lab', 'shut'] },
    };
    await mustApply(cluster.plane, poolManifest('lab', '10.7.3.0/28'));
    const own = path.join(cluster.folder, 'own.json');
    writeFileSync(own, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [vault, lab] }));
    assert.equal((await cluster.kubectl('apply', '-f', own)).code, 0);
    context.after(() => cluster.kubectl('delete', '-f', own));
    for (const namespace of ['bank', 'lab', 'lax']) await cluster.kubectl('create', 'namespace', namespace);
    await cluster.kubectl('label', 'namespace', 'lax', 'cleat.dev/enforce=warn');

    // One whole Cleat comes, keeps the ConfigMap, and goes.
    const gate = await startGate(context, cluster.plane);
    const { client, configuration } = gate;
    const keeper = new FloorKeeper({ client, configuration, clock: systemClock, log: gate.log });
    await keeper.start();
    await until('the ConfigMap', 10_000, async () => {
      const stored = await client.get<ConfigMap>(CONFIG_MAPS, {
        namespace: 'metallb-system',
        name: 'cleat-floor',
      });
      const { 'namespace.bank': ofBank, 'reserved.bank': reserved, 'only.lab': ofLab } = stored?.data ?? {};
      const isWhole = ofLab === '10.7.2.0/28 10.7.3.0/28' && reserved === '10.7.1.245/32 2001:db8:7::5/128';
      return isWhole && ofBank === '10.7.2.0/28' ? true : undefined;
    });
    await keeper.stop();
    await gate.stop();

    const asks = (ip: string, namespace = 'default', more: string[] = []) => {
      const object = serviceManifest('floored', ip);
      const name = path.join(cluster.folder, 'asks.json');
      writeFileSync(name, JSON.stringify({ ...object, metadata: { ...object.metadata, namespace } }));
      return cluster.kubectl('apply', '-f', name, ...more);
    };
    const dry = ['--dry-run=server'];
    const refusal = await until('a refusal', 30_000, async () => {
      const { code, err } = await asks('10.7.1.251', 'default', dry);
      return code === 1 ? err : undefined;
    });
    assert.match(
      refusal,
      /\(Forbidden\): .*ValidatingAdmissionPolicy 'floor\.cleat\.dev' with binding 'floor\.cleat\.dev' denied request: LB101 spec\.loadBalancerIP 10\.7\.1\.251 is in no pool open to namespace default$/m,
    );
    assert.match(
      (await asks('10.7.2.3', 'default', dry)).err,
      /denied request: LB106 spec\.loadBalancerIP 10\.7\.2\.3 /,
    );
    for (const ip of ['10.7.1.245', '2001:DB8:7::5'])
      assert.match(
        (await asks(ip, 'default', dry)).err,
        new RegExp(`denied request: LB118 spec\\.loadBalancerIP ${ip} is reserved for others$`, 'm'),
      );
    // Open to it, but not allowed, and allowed, but not open.
    for (const ip of ['10.7.1.250', '10.7.2.3'])
      assert.match(
        (await asks(ip, 'lab', dry)).err,
        new RegExp(
          `denied request: LB106 spec\\.loadBalancerIP ${ip} is in a pool which is not open to namespace lab$`,
          'm',
        ),
      );
    for (const [ip, namespace] of [
      ['10.7.3.3', 'lab'],
      ['10.7.3.3', 'default'],
      ['10.7.2.3', 'bank'],
      ['10.7.1.245', 'bank'],
      ['10.7.1.250', 'default'],
      ['2001:db8:7::9', 'default'],
      ['10.7.1.251', 'lax'],
      ['10.7.1.251', 'kube-system'],
      ['nonsense', 'default'],
    ] as const) {
      const { code, err } = await asks(ip, namespace, dry);
      assert.equal(code, 0, `${ip} in ${namespace}: ${err}`);
    }
    // Who has an address that is reserved for others, or of a pool that a policy shuts, may say that it wants that one.
    for (const [ip, namespace] of [
      ['10.7.1.245', 'default'],
      ['10.7.1.246', 'lab'],
    ] as const) {
      const holder = serviceManifest('holds');
      const placed = { ...holder, metadata: { ...holder.metadata, namespace } };
      await mustApply(cluster.plane, placed);
      await giveAddress(cluster.plane, placed, ip);
      const wants = ['patch', 'service', 'holds', '-n', namespace, '-p'];
      const patch = (wanted: string): string => JSON.stringify({ spec: { loadBalancerIP: wanted } });
      assert.equal(
        (await cluster.kubectl(...wants, patch('10.7.1.250'), ...dry)).code,
        namespace === 'lab' ? 1 : 0,
      );
      const kept = await cluster.kubectl(...wants, patch(ip));
      assert.equal(kept.code, 0, kept.err);
      await cluster.kubectl('delete', 'service', 'holds', '-n', namespace);
    }
    // What was stored already may be edited and deleted, whatever the pools are now.
    assert.equal((await asks('10.7.1.250')).code, 0);
    await cluster.kubectl('delete', 'ipaddresspool', 'floor', '-n', 'metallb-system');
    const emptied = JSON.stringify({ data: { open: '' } });
    await cluster.kubectl(
      'patch',
      'configmap',
      'cleat-floor',
      '-n',
      'metallb-system',
      '--type=merge',
      '-p',
      emptied,
    );
    await until('the floor without that pool', 30_000, async () =>
      (await asks('10.7.1.249', 'default', dry)).code === 1 ? true : undefined,
    );
    assert.equal((await cluster.kubectl('label', 'service', 'floored', 'tier=front')).code, 0);
    assert.equal((await cluster.kubectl('delete', 'service', 'floored')).code, 0);
  });

  test('the guard, its confirmation, and a namespace that ends all the same', async (context) => {
    const gate = await startGate(context, cluster.plane);
    const holder = serviceManifest('holder', '10.6.1.1');
    await mustApply(cluster.plane, poolManifest('guarded', '10.6.1.0/28'));
    await until(
      'the gate seeing the pool',
      10_000,
      () => gate.configuration.snapshot.pools.get('guarded') && true,
    );
    await mustApply(cluster.plane, holder);
    await giveAddress(cluster.plane, holder, '10.6.1.1');
    await until('the gate seeing the address', 10_000, () =>
      gate.services.get('default/holder')?.status?.loadBalancer?.ingress === undefined ? undefined : true,
    );
    const remove = ['delete', 'ipaddresspool', 'guarded', '-n', 'metallb-system'];
    const refused = await cluster.kubectl(...remove);
    assert.match(
      refused.err,
      /\(Forbidden\): .* LB229 a Service loses its address: default\/holder 10\.6\.1\.1; .* cleat\.dev\/confirm: sha256-\w+$/m,
    );
    const [, hash = ''] = /confirm: (\S+)/.exec(refused.err) ?? [];
    const annotate = ['annotate', 'ipaddresspool', 'guarded', '-n', 'metallb-system'];
    assert.equal((await cluster.kubectl(...annotate, `cleat.dev/confirm=${hash}`)).code, 0);
    const confirmed = await cluster.kubectl(...remove);
    assert.deepEqual(
      [confirmed.code, confirmed.err],
      [0, 'Warning: LB229 a Service loses its address: default/holder 10.6.1.1\n'],
    );

    await mustApply(cluster.plane, poolManifest('guarded', '10.6.1.0/28'));
    await until(
      'the gate seeing the pool',
      10_000,
      () => gate.configuration.snapshot.pools.get('guarded') && true,
    );
    // Everybody here is the administrator: the gate knows by the namespace alone that this was decided.
    const ended = await cluster.kubectl('delete', 'namespace', 'metallb-system', '--timeout=30s');
    assert.equal(ended.code, 0, ended.err);
  });
});
