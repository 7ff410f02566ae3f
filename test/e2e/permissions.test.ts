/**
 * Least privilege on a real kube-apiserver: controller and speaker run under tokens of their own ServiceAccounts, once with all
 * rules of the installation and then, for each verb on each resource in turn, with all but that one. With all of them nothing
 * is refused; without any one of them the API server refuses a call and the program says so in its log.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectedClient } from '../../src/kube/client.ts';
import { connect } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Startable } from '../../src/ports.ts';
import { PERMISSIONS, type PermissionRole, type PermissionRule } from '../../tools/install-rbac.ts';
import { Administrator, words } from '../support/administrator.ts';
import { askServer, type Answer } from '../support/api-server.ts';
import { KubernetesControlPlane, faultOfControlPlane } from '../support/control-plane.ts';
import { PermissionScenes, type Scene } from '../support/permission-scenes.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const NAMESPACE = 'metallb-system';
const TIMEOUT_MS = 20_000;
/** How long a call may come after all that shows is done. */
const LATE_CALL_MS = 2_000;
const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager');
if (fault !== undefined && process.env['CI'] === 'true') throw new Error(fault);

/** One verb on one resource of one rule. */
interface Permission {
  readonly role: PermissionRole;
  readonly rule: PermissionRule;
  readonly resource: string;
  readonly verb: string;
}

function permissionsOf(account: string): Permission[] {
  return PERMISSIONS.filter((role) => role.account === account).flatMap((role) =>
    role.rules.flatMap((rule) =>
      rule.resources.flatMap((resource) => rule.verbs.map((verb) => ({ role, rule, resource, verb }))),
    ),
  );
}

/** The role's rules as Kubernetes has them, without one permission. */
function rulesWithout({ role, rule, resource, verb }: Permission): object[] {
  const rules = role.rules.flatMap((each) => {
    if (each !== rule) return [each];
    const others = each.resources.filter((other) => other !== resource);
    const verbs = each.verbs.filter((other) => other !== verb);
    return [
      { ...each, resources: others },
      { ...each, resources: [resource], verbs },
    ].filter(({ resources, verbs: left }) => resources.length > 0 && left.length > 0);
  });
  return rules.map(rbacRule);
}

function rbacRule({ apiGroup, resources, resourceNames, verbs }: PermissionRule): object {
  return { apiGroups: [apiGroup], resources, ...(resourceNames && { resourceNames }), verbs };
}

describe('each rule of the installation is needed', { skip: fault ?? false }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cleat-permissions-'));
  let plane: KubernetesControlPlane;
  let administrator: Administrator;
  let client: ConnectedClient;
  let scenes: PermissionScenes;

  before(async () => {
    // An API server that streams what there is wants `watch` alone; one that does not wants `list` as well.
    plane = await KubernetesControlPlane.start({
      folder,
      apiServerFlags: ['--feature-gates=WatchList=false'],
    });
    administrator = new Administrator(plane, folder);
    await administrator.kubectl(['apply', '-f', 'manifests/install.yaml']);
    await administrator.kubectl(words('wait crd --all --for=condition=Established --timeout=60s'));
    const log = new RecordingLog();
    client = await connect({ kubeconfig: plane.kubeconfig, log, clock: systemClock, userAgent: 'admin' });
    scenes = new PermissionScenes(client, NAMESPACE);
    await scenes.prepare();
  });
  after(async () => {
    await client?.close();
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Asks as the administrator. */
  async function ask(method: string, where: string, body: object, type?: string): Promise<Answer> {
    const answer = await askServer(plane, method, where, { body, ...(type && { type }) });
    assert.ok(answer.code < 300, answer.text);
    return answer;
  }

  async function writeRules({ name, scope }: PermissionRole, rules: readonly object[]): Promise<void> {
    const place = scope === 'cluster' ? `clusterroles/${name}` : `namespaces/${NAMESPACE}/roles/${name}`;
    const where = `/apis/rbac.authorization.k8s.io/v1/${place}`;
    await ask('PATCH', where, { rules }, 'application/merge-patch+json');
  }

  /** Resolves once the API server judges so: it hears of its own rules a moment later. */
  async function untilJudged(permission: Permission, isAllowed: boolean): Promise<void> {
    const { role, rule, resource, verb } = permission;
    const [plural, subresource] = resource.split('/');
    const resourceAttributes = {
      verb,
      group: rule.apiGroup,
      resource: plural,
      ...(subresource && { subresource }),
      ...(rule.resourceNames && { name: rule.resourceNames[0] }),
      ...(role.scope === 'namespace' && { namespace: NAMESPACE }),
    };
    const spec = { user: `system:serviceaccount:${NAMESPACE}:${role.account}`, resourceAttributes };
    const what = `${verb} ${resource} being ${isAllowed ? 'allowed' : 'refused'}`;
    await until(
      what,
      TIMEOUT_MS,
      async () => {
        const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
        const { body } = await ask('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review);
        const { status } = body as { status: { allowed: boolean } };
        return status.allowed === isAllowed || undefined;
      },
      10,
    );
  }

  /** Runs the program until it is done or its log has the refusal `awaited`; answers all its log says was refused. */
  async function run(scene: Scene, token: string, awaited?: string, without?: 'Secret'): Promise<string[]> {
    const log = new RecordingLog();
    const credentials = { tls: { ca: plane.caPem }, headers: { Authorization: `Bearer ${token}` } };
    const access = { url: plane.url, credentials: () => Promise.resolve(credentials) };
    const own = await connect({ access, log, clock: systemClock, userAgent: 'cleat-e2e/1' });
    const refused = (): string[] => refusalsIn(log);
    await scene.reset(without);
    const parts = scene.program({ client: own, log, namespace: NAMESPACE });
    let isStopping = false;
    const started = startAll(parts, () => isStopping);
    let deadline = performance.now() + TIMEOUT_MS;
    let isDone = false;
    const isOver = (): boolean => (awaited === undefined ? isDone : refused().includes(awaited));
    try {
      while (!isOver() && performance.now() < deadline) {
        await scene.disturb();
        await delay(20);
        if (isDone || !(await scene.isDone())) continue;
        isDone = true;
        deadline = Math.min(deadline, performance.now() + LATE_CALL_MS);
      }
    } finally {
      isStopping = true;
      for (const part of parts.toReversed()) await part.stop();
      await started;
      await own.close();
    }
    return refused();
  }

  for (const account of ['controller', 'speaker'] as const) {
    describe(account, () => {
      let token: string;
      before(async () => {
        token = (await administrator.kubectl(words(`create token ${account} -n ${NAMESPACE}`))).trim();
      });

      test('with all of them nothing is refused', async () => {
        const plays =
          account === 'controller'
            ? [{ scene: scenes.controller, without: 'Secret' as const }, { scene: scenes.controller }]
            : [{ scene: scenes.speaker }, { scene: scenes.gossipingSpeaker }];
        for (const { scene, without } of plays) {
          assert.deepEqual(await run(scene, token, undefined, without), []);
          assert.ok(await scene.isDone());
        }
      });

      for (const permission of permissionsOf(account)) {
        const { role, rule, resource, verb } = permission;
        const what = `${verb} ${resource}${rule.resourceNames ? ` ${rule.resourceNames.join()}` : ''}`;
        test(`without: ${what}`, async () => {
          await writeRules(role, rulesWithout(permission));
          await untilJudged(permission, false);
          try {
            const said = `cannot ${verb} resource "${resource}" in API group "${rule.apiGroup}"`;
            const without = verb === 'create' && resource === 'secrets' ? 'Secret' : undefined;
            const scene = resource === 'pods' ? scenes.gossipingSpeaker : scenes[account];
            const refused = await run(scene, token, said, without);
            assert.ok(refused.includes(said), `refused: ${refused.join('; ') || 'nothing'}`);
          } finally {
            await writeRules(role, role.rules.map(rbacRule));
            await untilJudged(permission, true);
          }
        });
      }
    });
  }
});

/** Some parts wait for what they cannot have. */
async function startAll(parts: readonly Startable[], isStopping: () => boolean): Promise<void> {
  for (const part of parts) if (!isStopping()) await part.start();
}

/** `cannot patch resource "services/status" in API group ""`, once each. */
function refusalsIn(log: RecordingLog): string[] {
  const said = log.lines.map(({ fields: { error, reason } }) =>
    error instanceof Error ? error.message : String(reason),
  );
  return [
    ...new Set(said.flatMap((text) => text.match(/cannot \w+ resource "[^"]*" in API group "[^"]*"/g) ?? [])),
  ];
}
