/**
 * How GitOps tools put a commit into a cluster, as far as admission sees it (fluxcd/pkg ssa ApplyAll; gitops-engine sync):
 * which requests, in which order, and where they stop. And the commits that a gate which looks at one object at a time
 * would keep out for ever.
 */
import assert from 'node:assert/strict';
import type { KubeObject } from '../../src/api/meta.ts';
import type { Target } from './api-server.ts';
import { askServer } from './api-server.ts';

interface Manifest extends KubeObject {
  apiVersion: string;
  kind: 'Service' | 'IPAddressPool' | 'L2Advertisement';
  metadata: { name: string; namespace: string };
}

/** One try; answers the refusals. */
export type GitOpsTool = (target: Target, commit: readonly Manifest[]) => Promise<readonly string[]>;

/** Dry-runs everything at once; goes no further where one is refused. Then one by one, up to the first refusal. */
export const flux: GitOpsTool = async (target, commit) => {
  const dryRuns = await Promise.all(
    commit.map((object) => applied(target, object, 'kustomize-controller', true)),
  );
  const refused = dryRuns.filter((refusal) => refusal !== undefined);
  if (refused.length > 0) return refused;
  for (const object of inOrder(commit)) {
    const refusal = await applied(target, object, 'kustomize-controller', false);
    if (refusal !== undefined) return [refusal];
  }
  return [];
};

/** No dry run on the server; a refusal of one kind does not keep later kinds from being applied. */
export const argoCd: GitOpsTool = async (target, commit) => {
  const refused: string[] = [];
  for (const object of inOrder(commit)) {
    const refusal = await applied(target, object, 'argocd-controller', false);
    if (refusal !== undefined) refused.push(refusal);
  }
  return refused;
};

/** Services are among the kinds both put first; kinds they do not know follow. */
function inOrder(commit: readonly Manifest[]): readonly Manifest[] {
  const isService = ({ kind }: Manifest): boolean => kind === 'Service';
  return [...commit.filter(isService), ...commit.filter((object) => !isService(object))];
}

/** The message of the refusal; undefined where it was taken. Fails where it is no refusal as the contract has it. */
async function applied(
  target: Target,
  object: Manifest,
  fieldManager: string,
  dryRun: boolean,
): Promise<string | undefined> {
  const query = `?fieldManager=${fieldManager}&force=true${dryRun ? '&dryRun=All' : ''}`;
  const type = 'application/apply-patch+yaml';
  const answer = await askServer(target, 'PATCH', pathOf(object) + query, { body: object, type });
  if (answer.code === 200 || answer.code === 201) return undefined;
  const { reason, message } = answer.body as { reason: string; message: string };
  assert.deepEqual([answer.code, reason], [403, 'Forbidden'], answer.text);
  return message;
}

function pathOf({ apiVersion, kind, metadata }: Manifest): string {
  const root = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  return `${root}/namespaces/${metadata.namespace}/${kind.toLowerCase()}s/${metadata.name}`;
}

export function poolManifest(name: string, ...addresses: string[]): Manifest & { spec: object } {
  return {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: { name, namespace: 'metallb-system' },
    spec: { addresses },
  };
}

export function serviceManifest(name: string, loadBalancerIP?: string): Manifest & { spec: object } {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: {
      type: 'LoadBalancer',
      ports: [{ port: 80, protocol: 'TCP' }],
      ...(loadBalancerIP !== undefined && { loadBalancerIP }),
    },
  };
}

/** Stores the object as it is, without asking anybody's leave beyond the gate's. */
export async function mustApply(target: Target, object: Manifest): Promise<void> {
  assert.equal(await applied(target, object, 'test', false), undefined);
}

/** Gives the Service the address as the controller would. */
export async function giveAddress(target: Target, service: Manifest, ip: string): Promise<void> {
  const body = { status: { loadBalancer: { ingress: [{ ip }] } } };
  const type = 'application/merge-patch+json';
  const answer = await askServer(target, 'PATCH', `${pathOf(service)}/status`, { body, type });
  assert.equal(answer.code, 200, answer.text);
}
