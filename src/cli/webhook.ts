/** `cleat webhook`: answers admission only, in a cluster, for instance in more replicas than the controller has. */
import { Command } from 'commander';
import { addClusterFlags } from './flags.ts';
import type { ClusterFlags } from './run-in-cluster.ts';

export function webhookCommand(finish: (exitCode: number) => void): Command {
  return addClusterFlags(new Command('webhook'))
    .description(
      'answer the API server’s admission calls and allocate nothing (controller --webhook-mode onlywebhook)',
    )
    .addHelpText(
      'after',
      `
Example:
  cleat webhook --kubeconfig ~/.kube/config --log-level debug`,
    )
    .action(async (flags: ClusterFlags) => {
      const { runControl } = await import('./control-parts.ts');
      finish(await runControl(flags, 'webhook'));
    });
}
