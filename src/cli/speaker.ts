/** `cleat speaker`: announces addresses from one node. */
import { Command, Option } from 'commander';
import { addClusterFlags } from './flags.ts';
import { addMemberlistFlags } from './memberlist-settings.ts';
import type { SpeakerFlags } from './speaker-parts.ts';

export function speakerCommand(finish: (exitCode: number) => void): Command {
  return addMemberlistFlags(addClusterFlags(new Command('speaker')))
    .description('announce the addresses of Services from this node (needs CAP_NET_RAW)')
    .addOption(
      new Option('--node-name <name>', 'the Node object of this machine')
        .env('METALLB_NODE_NAME')
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--ignore-exclude-lb',
        'announce from nodes labelled exclude-from-external-load-balancers too',
      ).default(false),
    )
    .addOption(
      new Option(
        '--ignore-address-conflicts',
        'announce an address also where another host answers for it, and do not look for one',
      ).default(false),
    )
    .option(
      '--exclude-l2-file <file>',
      'the interfaces on which nothing is announced (without it: /etc/metallb/excludel2.yaml)',
    )
    .addOption(
      new Option(
        '--pod-name <name>',
        'the pod this runs in; with its uid, what it reports is deleted with it',
      ).env('METALLB_POD_NAME'),
    )
    .addOption(new Option('--pod-uid <uid>', 'its uid').env('METALLB_POD_UID'))
    .addHelpText(
      'after',
      `
Examples:
  cleat speaker --node-name "$(hostname)"                in a pod on the host's network
  cleat speaker --node-name node-1 --kubeconfig ./kubeconfig --port 0`,
    )
    .action(async (flags: SpeakerFlags) => {
      // Before the rest of the program takes memory.
      const { preferSizeToSpeed } = await import('../platform/heap.ts');
      preferSizeToSpeed();
      // Each verb loads only its own part of the program.
      const { runSpeaker } = await import('./speaker-parts.ts');
      finish(await runSpeaker(flags));
    });
}
