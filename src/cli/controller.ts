/** `cleat controller`: gives addresses to Services and answers admission, in a cluster. */
import { Command, Option } from 'commander';
import { addElectionFlags, type ElectionFlags } from './election-flags.ts';
import { CONCURRENT_SERVICE_SYNCS } from '../controller/concurrency.ts';
import { addClusterFlags, parseCount } from './flags.ts';
import type { ControlFlags } from './run-control.ts';
import { addWebhookFlags } from './webhook-flags.ts';

const MODES = { enabled: 'both', disabled: 'controller', onlywebhook: 'webhook' } as const;

interface Flags extends ControlFlags, ElectionFlags {
  readonly webhookMode: keyof typeof MODES;
}

export function controllerCommand(finish: (exitCode: number) => void): Command {
  return addElectionFlags(addWebhookFlags(addClusterFlags(new Command('controller'))))
    .description(
      'allocate addresses to Services of type LoadBalancer, and answer the API server’s admission calls',
    )
    .addOption(
      new Option('--webhook-mode <mode>', 'answer admission too, not at all, or nothing else')
        .choices(Object.keys(MODES))
        .default('enabled'),
    )
    .addOption(
      new Option(
        '--ml-secret-name <name>',
        'the Secret with the key of the speakers’ member list, made where there is none (without it: nothing is made)',
      ).env('METALLB_ML_SECRET_NAME'),
    )
    .addOption(
      new Option(
        '--concurrent-service-syncs <count>',
        'Services whose status is written at a time; nothing else limits requests to the API server',
      )
        .argParser(parseCount)
        .default(CONCURRENT_SERVICE_SYNCS),
    )
    .addHelpText(
      'after',
      `
Examples:
  cleat controller                                       in a pod
  cleat controller --kubeconfig ~/.kube/config --webhook-mode disabled
  cleat controller --lb-class example.org/cleat --leader-elect-resource-name cleat-beside
                                                         beside another load balancer
  cleat controller --kubeconfig ./kubeconfig --webhook-url https://192.0.2.9:9443
                                                         outside the cluster, on 192.0.2.9`,
    )
    .action(async (flags: Flags) => {
      // Each verb loads only its own part of the program.
      const { runControl } = await import('./run-control.ts');
      finish(await runControl(flags, MODES[flags.webhookMode]));
    });
}
