/**
 * Two controllers on a real Kubernetes: the leader is killed again and again, and nobody notices but by the time it takes. (More on
 * the embedded API server: test/integration/two-controllers.test.ts.)
 *
 * CLEAT_HA_SERVICES, CLEAT_HA_KILLS and CLEAT_HA_LEASE_MS change the run.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { faultOfControlPlane, KubernetesControlPlane } from '../support/control-plane.ts';
import { Replicas, ROUND_MS } from '../support/replicas.ts';

const SERVICES_IN_ALL = Number(process.env['CLEAT_HA_SERVICES'] ?? 1_000);
const KILLS = Number(process.env['CLEAT_HA_KILLS'] ?? 20);
const LEASE_MS = Number(process.env['CLEAT_HA_LEASE_MS'] ?? 2_000);

const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager');

suite(
  'two controllers on a real Kubernetes',
  { skip: fault !== undefined && process.env['CI'] !== 'true' && fault },
  () => {
    let folder: string;
    let plane: KubernetesControlPlane;
    let replicas: Replicas;

    before(async () => {
      folder = mkdtempSync(path.join(tmpdir(), 'cleat-two-'));
      plane = await KubernetesControlPlane.start({ folder });
      replicas = await Replicas.on(plane, {
        services: SERVICES_IN_ALL,
        leaseMs: LEASE_MS,
        longestRunMs: (KILLS + 3) * ROUND_MS,
      });
    });
    after(async () => {
      await replicas.stop();
      await plane.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    test(`${KILLS} times the leader is killed while ${SERVICES_IN_ALL} Services come and some go`, async (context) => {
      context.diagnostic(await replicas.killAgainAndAgain(KILLS));
    });
  },
);
