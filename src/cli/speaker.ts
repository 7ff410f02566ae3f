/** `cleat speaker`: announces addresses from one node. */
import { Command, Option } from 'commander';
import { readExcludedInterfaces } from '../platform/excluded-interfaces.ts';
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

/** Where MetalLB's manifest mounts the ConfigMap metallb-excludel2. */
const EXCLUDED_INTERFACES_FILE = '/etc/metallb/excludel2.yaml';

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
  cleat speaker --node-name node-1 --kubeconfig ./kubeconfig --port 0

Interfaces that match a pattern in ${EXCLUDED_INTERFACES_FILE}, where there is such a file, are left out.`,
    )
    .action(async (flags: Flags) => {
      const excludeInterfaces = readExcludedInterfaces(EXCLUDED_INTERFACES_FILE);
      const exitCode = await runInCluster(flags, {
        name: 'speaker',
        metrics: SPEAKER_METRICS,
        // On the host's network nobody else should see it.
        healthHost: '127.0.0.1',
        build: (surroundings) => ({
          parts: speakerParts({ ...surroundings, ...flags, lbClass: flags.lbClass, excludeInterfaces }),
          whyNotReady: () => undefined,
        }),
      });
      finish(exitCode);
    });
}
