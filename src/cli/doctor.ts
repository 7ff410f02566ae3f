/** `cleat doctor`: what of a cluster, outside Cleat's own objects, would keep announced addresses from working. */
import { Command } from 'commander';
import { CONFIG_MAPS } from '../api/kubernetes.ts';
import type { ConfigMap } from '../api/kubernetes.ts';
import { UserError } from '../api/user-error.ts';
import { judgeKubeProxy } from '../core/announce/kube-proxy.ts';
import { connect } from '../kube/client.ts';
import { systemClock } from '../platform/clock.ts';
import { createLog } from '../platform/log.ts';
import { parseYaml, parseYamlDocuments } from '../platform/yaml.ts';
import { kubeconfigFlag } from './flags.ts';
import { VERSION } from './version.ts';

/** Where kubeadm puts kube-proxy's configuration. */
const KUBE_PROXY = { namespace: 'kube-system', name: 'kube-proxy' };
const PLACE = `ConfigMap ${KUBE_PROXY.namespace}/${KUBE_PROXY.name}`;

export function doctorCommand(finish: (exitCode: number) => void): Command {
  return new Command('doctor')
    .description('say what of a cluster would keep announced addresses from working')
    .addOption(kubeconfigFlag())
    .addHelpText(
      'after',
      `
It reads ${PLACE}, once, and changes nothing.
Exit code: 0 nothing is in the way, 1 something is, 2 the cluster could not be asked.

Example:
  cleat doctor --kubeconfig ~/.kube/config`,
    )
    .action(async ({ kubeconfig }: { readonly kubeconfig?: string }) => {
      const { sentence, exitCode } = examine(await readKubeProxy(kubeconfig));
      console.log(sentence);
      finish(exitCode);
    });
}

/** Undefined where there is none. */
async function readKubeProxy(kubeconfig: string | undefined): Promise<ConfigMap | undefined> {
  const log = createLog({ level: 'none', name: 'doctor' });
  const userAgent = `cleat-doctor/${VERSION}`;
  const client = await connect({ kubeconfig, parseYaml, log, clock: systemClock, userAgent });
  try {
    return await client.get<ConfigMap>(CONFIG_MAPS, KUBE_PROXY);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `${PLACE} cannot be read: ${why}; mend that, or choose another cluster with --kubeconfig`,
    );
  } finally {
    await client.close();
  }
}

interface Examined {
  readonly sentence: string;
  readonly exitCode: 0 | 1;
}

function examine(configMap: ConfigMap | undefined): Examined {
  const [found] = Object.entries(configMap?.data ?? {}).flatMap(([key, text]) =>
    parseYamlDocuments(text).documents.flatMap(({ value }) => {
      const verdict = judgeKubeProxy(value);
      return verdict === undefined ? [] : { key, verdict };
    }),
  );
  if (found === undefined)
    return {
      sentence: `unknown: kube-proxy: there is no KubeProxyConfiguration in ${PLACE}; where kube-proxy runs in IPVS mode it must have strictARP: true`,
      exitCode: 0,
    };
  const { key, verdict } = found;
  if (verdict.kind === 'fault')
    return { sentence: `fault: kube-proxy: ${PLACE}, ${key}: ${verdict.why}`, exitCode: 1 };
  return { sentence: `fine: kube-proxy: mode is ${verdict.mode}`, exitCode: 0 };
}
