/** `cleat speaker`: announces addresses from one node. */
import { Command, Option } from 'commander';
import { SPEAKER_METRICS } from '../platform/metric-names.ts';
import {
  healthPortFlag,
  kubeconfigFlag,
  lbClassFlag,
  logLevelFlag,
  metricsPortFlag,
  namespaceFlag,
} from './flags.ts';
import { type ClusterFlags, runInCluster } from './run-in-cluster.ts';
import { speakerParts } from './speaker-parts.ts';

interface Flags extends ClusterFlags {
  readonly nodeName: string;
  readonly ignoreExcludeLb: boolean;
}

export function speakerCommand(finish: (exitCode: number) => void): Command {
  return new Command('speaker')
    .description('announce the addresses of Services from this node (needs CAP_NET_RAW)')
    .addOption(
      new Option('--node-name <name>', 'the Node object of this machine')
        .env('METALLB_NODE_NAME')
        .makeOptionMandatory(),
    )
    .addOption(kubeconfigFlag())
    .addOption(namespaceFlag())
    .addOption(lbClassFlag())
    .addOption(
      new Option(
        '--ignore-exclude-lb',
        'announce from nodes labelled exclude-from-external-load-balancers too',
      ).default(false),
    )
    .addOption(metricsPortFlag())
    .addOption(healthPortFlag())
    .addOption(logLevelFlag())
    .addHelpText(
      'after',
      `
Examples:
  cleat speaker --node-name "$(hostname)"                in a pod on the host's network
  cleat speaker --node-name node-1 --kubeconfig ./kubeconfig --port 0`,
    )
    .action(async (flags: Flags) => {
      const exitCode = await runInCluster(flags, {
        name: 'speaker',
        metrics: SPEAKER_METRICS,
        // On the host's network nobody else should see it.
        healthHost: '127.0.0.1',
        build: (surroundings) => ({
          parts: speakerParts({ ...surroundings, ...flags, lbClass: flags.lbClass }),
          whyNotReady: () => undefined,
        }),
      });
      finish(exitCode);
    });
}
