/** `cleat controller`: gives addresses to Services and answers admission, in a cluster. */
import { Command, Option } from 'commander';
import { CONTROLLER_METRICS } from '../platform/metric-names.ts';
import { WEBHOOK_PORT } from '../webhook/webhook.ts';
import { controlParts } from './control-parts.ts';
import {
  healthPortFlag,
  kubeconfigFlag,
  lbClassFlag,
  logLevelFlag,
  metricsPortFlag,
  namespaceFlag,
} from './flags.ts';
import { type ClusterFlags, runInCluster } from './run-in-cluster.ts';

const MODES = { enabled: 'both', disabled: 'controller', onlywebhook: 'webhook' } as const;

interface Flags extends ClusterFlags {
  readonly webhookMode: keyof typeof MODES;
}

export function controllerCommand(finish: (exitCode: number) => void): Command {
  return new Command('controller')
    .description(
      'allocate addresses to Services of type LoadBalancer, and answer the API server’s admission calls',
    )
    .addOption(kubeconfigFlag())
    .addOption(namespaceFlag())
    .addOption(lbClassFlag())
    .addOption(
      new Option('--webhook-mode <mode>', 'answer admission too, not at all, or nothing else')
        .choices(Object.keys(MODES))
        .default('enabled'),
    )
    .addOption(metricsPortFlag())
    .addOption(healthPortFlag())
    .addOption(logLevelFlag())
    .addHelpText(
      'after',
      `
Examples:
  cleat controller                                       in a pod
  cleat controller --kubeconfig ~/.kube/config --webhook-mode disabled
  cleat controller --lb-class example.org/cleat          beside another load balancer`,
    )
    .action(async (flags: Flags) => {
      finish(await runController(flags, MODES[flags.webhookMode]));
    });
}

/** Runs controller, webhook or both until a signal; resolves with the exit code. */
export function runController(flags: ClusterFlags, runs: 'both' | 'controller' | 'webhook'): Promise<number> {
  return runInCluster(flags, {
    name: runs === 'webhook' ? 'webhook' : 'controller',
    metrics: CONTROLLER_METRICS,
    healthHost: '',
    build: (surroundings) =>
      controlParts({
        ...surroundings,
        namespace: flags.namespace,
        lbClass: flags.lbClass,
        runs,
        webhook: { host: '::', port: WEBHOOK_PORT, matchConditions: true },
      }),
  });
}
