/** The floor as manifests: the policy and its binding, and the ConfigMap they read where the pools are given. */
import type { KubeObject } from '../api/meta.ts';
import type { Finding } from '../api/findings.ts';
import { formatFinding } from '../api/findings.ts';
import { isFault, loadConfig } from '../core/config/load.ts';
import { compileFloor, floorPolicy } from '../core/policy/floor.ts';
import { setInput } from '../core/policy/judge-set.ts';
import { formatYaml } from '../platform/yaml.ts';
import type { CheckOptions } from './check.ts';
import { setOptions } from './check.ts';
import type { ManifestText } from './manifests.ts';
import { readManifests } from './manifests.ts';

export type PrintedFloor =
  { readonly ok: true; readonly yaml: string } | { readonly ok: false; readonly why: string };

export function formatFloor(
  texts: readonly ManifestText[] | undefined,
  options: Omit<CheckOptions, 'bgpType'>,
): PrintedFloor {
  const { namespace, enforce: level, lbClass } = options;
  const policy = floorPolicy({
    namespace,
    level,
    ...(lbClass !== undefined && { loadBalancerClass: lbClass }),
  });
  if (texts === undefined) return { ok: true, yaml: documents(policy) };
  const { manifests, unreadable } = readManifests(texts);
  const [fault] = unreadable;
  if (fault !== undefined) return { ok: false, why: `${fault.file}:${fault.line}: ${fault.message}` };
  const input = setInput(
    manifests.map(({ object }) => object),
    // Whatever the mode, what is said about BGP does not matter to who may have which address.
    { ...setOptions({ ...options, bgpType: 'frr-k8s' }), bgpType: 'any' },
  );
  const { snapshot, findings } = loadConfig(input);
  if (snapshot === undefined || findings.some(isFault))
    return { ok: false, why: `the configuration has faults: ${told(findings)}` };
  return { ok: true, yaml: documents([...policy, compileFloor(snapshot, namespace)]) };
}

function told(findings: readonly Finding[]): string {
  return findings.filter(isFault).map(formatFinding).join('; ');
}

function documents(objects: readonly KubeObject[]): string {
  return objects.map((object) => formatYaml(object)).join('---\n');
}
