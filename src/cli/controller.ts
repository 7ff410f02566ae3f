/** `cleat controller`: gives addresses to Services and answers admission, in a cluster. */
import { Command, Option } from 'commander';
import { addClusterFlags } from './flags.ts';
import type { ClusterFlags } from './run-in-cluster.ts';

const MODES = { enabled: 'both', disabled: 'controller', onlywebhook: 'webhook' } as const;

interface Flags extends ClusterFlags {
  readonly webhookMode: keyof typeof MODES;
}

export function controllerCommand(finish: (exitCode: number) => void): Command {
  return addClusterFlags(new Command('controller'))
    .description(
      'allocate addresses to Services of type LoadBalancer, and answer the API server’s admission calls',
    )
    .addOption(
      new Option('--webhook-mode <mode>', 'answer admission too, not at all, or nothing else')
        .choices(Object.keys(MODES))
        .default('enabled'),
    )
    .addHelpText(
      'after',
      `
Examples:
  cleat controller                                       in a pod
  cleat controller --kubeconfig ~/.kube/config --webhook-mode disabled
  cleat controller --lb-class example.org/cleat          beside another load balancer`,
    )
    .action(async (flags: Flags) => {
      // Each verb loads only its own part of the program.
      const { runControl } = await import('./control-parts.ts');
      finish(await runControl(flags, MODES[flags.webhookMode]));
    });
}
