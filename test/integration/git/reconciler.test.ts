import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { CONFIG_MAPS, type ConfigMap, SERVICES } from '../../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS, type IPAddressPool } from '../../../src/api/metallb.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { GitReconciler } from '../../../src/standalone/git/reconciler.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { GitFolder } from '../../support/git-folder.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { until } from '../../support/until.ts';

const KINDS = [SERVICES, IP_ADDRESS_POOLS];

function pool(name: string, range: string): string {
  return `{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: ${name}, namespace: metallb-system}, spec: {addresses: [${range}]}}\n`;
}

/** FakeKube, with the mark that server-side apply leaves. */
class AppliedKube extends FakeKube {
  override async get(...[resource, ref]: Parameters<FakeKube['get']>): Promise<never> {
    const object = await super.get(resource, ref);
    if (object === undefined) return undefined as never;
    return {
      ...object,
      metadata: { ...object.metadata, managedFields: [{ manager: 'cleat-git' }] },
    } as never;
  }
}

function refused(message: string): KubeError {
  return new KubeError({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message }, 403);
}

let repo: GitFolder;
let kube: AppliedKube;
let log: RecordingLog;
let events: string[];
let reconciler: GitReconciler;
/** How much later it is than it was. */
let laterMs = 0;
beforeEach(() => {
  repo = new GitFolder();
  kube = new AppliedKube();
  log = new RecordingLog();
  events = [];
  laterMs = 0;
});
afterEach(async () => {
  await reconciler.stop();
  repo.remove();
});

function start(): Promise<void> {
  reconciler = new GitReconciler({
    source: { directory: repo.folder, branch: 'main', path: '' },
    client: kube,
    events: { record: (object, _type, reason) => void events.push(`${reason} ${object.metadata.name}`) },
    clock: { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + laterMs },
    log,
    namespace: 'metallb-system',
    intervalMs: 20,
    findResource: (apiVersion, kind) =>
      KINDS.find((each) => each.kind === kind && apiVersion.endsWith(each.version)),
  });
  return reconciler.start();
}

const inventory = (): ConfigMap | undefined =>
  kube.read(CONFIG_MAPS, { namespace: 'metallb-system', name: 'cleat-git-inventory' });
const addressesOf = (name: string): string[] | undefined =>
  kube.read<IPAddressPool>(IP_ADDRESS_POOLS, { namespace: 'metallb-system', name })?.spec.addresses;
const inForce = (commit: string): Promise<true> =>
  until(
    `commit ${commit} in force`,
    10_000,
    () => (inventory()?.data?.['commit'] === commit ? true : undefined),
    10,
  );
const lastError = (pattern: RegExp): Promise<string> =>
  until(
    `last-error ${pattern}`,
    10_000,
    () => {
      const said = inventory()?.metadata.annotations?.['cleat.dev/last-error'] ?? '';
      return pattern.test(said) ? said : undefined;
    },
    10,
  );

suite('standalone/git/reconciler', () => {
  test('applies the first commit before start resolves, follows the branch, and removes what is gone', async () => {
    const first = repo.commit({ 'a.yaml': pool('a', '192.0.2.0/28'), 'b.yaml': pool('b', '192.0.2.16/28') });
    await start();
    assert.equal(inventory()?.data?.['commit'], first);
    assert.deepEqual(addressesOf('a'), ['192.0.2.0/28']);
    assert.deepEqual(addressesOf('b'), ['192.0.2.16/28']);

    await inForce(repo.commit({ 'a.yaml': pool('a', '192.0.2.0/27'), 'b.yaml': undefined }));
    assert.deepEqual(addressesOf('a'), ['192.0.2.0/27']);
    assert.equal(addressesOf('b'), undefined);
    assert.equal(
      inventory()?.data?.['objects'],
      'metallb.io/v1beta1 IPAddressPool ipaddresspools metallb-system a\n',
    );
    assert.deepEqual(events, ['CommitApplied cleat-git-inventory', 'CommitApplied cleat-git-inventory']);
  });

  test('what is changed by hand is as the commit says within a minute, without a word', async () => {
    repo.commit({ 'a.yaml': pool('a', '192.0.2.0/28') });
    await start();
    kube.remove(IP_ADDRESS_POOLS, { namespace: 'metallb-system', name: 'a' });
    laterMs = 60_000;
    await until('the pool is back', 10_000, () => addressesOf('a'), 10);
    assert.deepEqual(addressesOf('a'), ['192.0.2.0/28']);
    kube.refuse = ({ resource }) => (resource === 'ipaddresspools' ? refused('not now') : undefined);
    laterMs = 120_000;
    await lastError(/not now/);
    kube.refuse = () => undefined;
    laterMs = 180_000;
    await until(
      'no complaint',
      10_000,
      () => (inventory()?.metadata.annotations === undefined ? true : undefined),
      10,
    );
    assert.deepEqual(events, [
      'CommitApplied cleat-git-inventory',
      'CommitRefused cleat-git-inventory',
      'CommitApplied cleat-git-inventory',
    ]);
  });

  test('a broken commit changes nothing, says so once, and the next good one mends it', async () => {
    const good = repo.commit({ 'a.yaml': pool('a', '192.0.2.0/28') });
    await start();
    const bad = repo.commit({
      'a.yaml': pool('a', '192.0.2.0/24'),
      'z.yaml': '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}}',
    });
    const said = await lastError(/Deployment/);
    assert.equal(
      said,
      `commit ${bad.slice(0, 7)} is broken, commit ${good.slice(0, 7)} stays in force: z.yaml:1: Deployment shop/web is of kind Deployment in apps/v1, which this API server does not serve; correct it, or move it out of the folder`,
    );
    assert.deepEqual(addressesOf('a'), ['192.0.2.0/28']);
    assert.equal(inventory()?.data?.['commit'], good);

    await inForce(repo.commit({ 'a.yaml': pool('a', '192.0.2.0/24'), 'z.yaml': undefined }));
    assert.deepEqual(addressesOf('a'), ['192.0.2.0/24']);
    assert.equal(inventory()?.metadata.annotations?.['cleat.dev/last-error'], undefined);
    assert.equal(log.lines.filter(({ level }) => level === 'error').length, 1);
    assert.equal(events.filter((event) => event.startsWith('CommitBroken')).length, 1);
  });

  test('a commit the API server refuses is tried again until it passes', async () => {
    repo.commit({ 'a.yaml': pool('a', '192.0.2.0/28') });
    await start();
    kube.refuse = ({ key }) => (key === 'metallb-system/b' ? refused('LB202 overlaps') : undefined);
    const second = repo.commit({ 'a.yaml': pool('a', '192.0.2.0/24'), 'b.yaml': pool('b', '192.0.2.0/25') });
    const said = await lastError(/is refused/);
    assert.match(
      said,
      /stays in force: b\.yaml:1: IPAddressPool metallb-system\/b is refused: LB202 overlaps; correct it and commit again$/,
    );
    assert.deepEqual(addressesOf('a'), ['192.0.2.0/28']);
    assert.doesNotMatch(inventory()?.data?.['objects'] ?? '', / b$/m);

    kube.refuse = () => undefined;
    await inForce(second);
    assert.deepEqual(addressesOf('a'), ['192.0.2.0/24']);
  });

  test('going back to the commit in force ends a refusal', async () => {
    const good = repo.commit({ 'a.yaml': pool('a', '192.0.2.0/28') });
    await start();
    kube.refuse = ({ key }) => (key === 'metallb-system/b' ? refused('no') : undefined);
    repo.commit({ 'b.yaml': pool('b', '192.0.2.0/25') });
    await lastError(/is refused/);
    repo.git('reset', '--quiet', '--hard', good);
    await lastError(/^$/);
    assert.equal(inventory()?.data?.['commit'], good);
  });

  test('goes on with what it has while the repository cannot be read', async () => {
    repo.commit({ 'a.yaml': pool('a', '192.0.2.0/28') });
    await start();
    renameSync(`${repo.folder}/.git`, `${repo.folder}/away`);
    await until('a complaint', 10_000, () => log.lines.find(({ level }) => level === 'error'), 10);
    assert.deepEqual(addressesOf('a'), ['192.0.2.0/28']);
    renameSync(`${repo.folder}/away`, `${repo.folder}/.git`);
    await inForce(repo.commit({ 'a.yaml': pool('a', '192.0.2.0/24') }));
  });

  test('picks up after a restart: what an earlier run applied and the commit lacks is removed', async () => {
    repo.commit({ 'a.yaml': pool('a', '192.0.2.0/28'), 'b.yaml': pool('b', '192.0.2.16/28') });
    await start();
    await reconciler.stop();
    const next = repo.commit({ 'b.yaml': undefined });
    await start();
    assert.equal(inventory()?.data?.['commit'], next);
    assert.equal(addressesOf('b'), undefined);
  });

  test('a first commit that is broken ends the start with one sentence', async () => {
    repo.commit({ 'a.yaml': 'kind: Service\n' });
    await assert.rejects(start(), {
      name: 'UserError',
      message: /is broken, nothing of it is applied: a\.yaml:1 has no apiVersion/,
    });
    assert.equal(addressesOf('a'), undefined);
  });

  test('a first commit that is refused is tried again', async () => {
    let refusals = 2;
    kube.refuse = ({ key }) =>
      key === 'metallb-system/a' && refusals-- > 0 ? refused('not yet') : undefined;
    const commit = repo.commit({ 'a.yaml': pool('a', '192.0.2.0/28') });
    await start();
    assert.equal(inventory()?.data?.['commit'], commit);
    assert.match(
      log.lines.find(({ level }) => level === 'error')?.message ?? '',
      /is refused, nothing of it is applied/,
    );
  });

  test('a first commit that stays refused ends the start with one sentence', async () => {
    kube.refuse = ({ key }) => (key === 'metallb-system/a' ? refused('LB201 never') : undefined);
    repo.commit({ 'a.yaml': pool('a', '192.0.2.0/28') });
    await assert.rejects(start(), {
      name: 'UserError',
      message:
        /nothing of it is applied: a\.yaml:1: IPAddressPool metallb-system\/a is refused: LB201 never; correct it/,
    });
  });

  test('stop ends a start that waits', async () => {
    kube.refuse = ({ key }) => (key === 'metallb-system/a' ? refused('never') : undefined);
    repo.commit({ 'a.yaml': pool('a', '192.0.2.0/28') });
    const started = start();
    await lastError(/is refused/);
    await reconciler.stop();
    await started;
  });
});
