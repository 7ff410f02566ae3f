/** The flags of leader election, under the names of kube-controller-manager. */
import { type Command, Option } from 'commander';
import { CONTROLLER_LEASE } from '../api/annotations.ts';
import { parseBoolean, parseDuration } from './flags.ts';

/** As commander names them; durations in milliseconds. */
export interface ElectionFlags {
  readonly leaderElect: boolean;
  readonly leaderElectLeaseDuration: number;
  readonly leaderElectRenewDeadline: number;
  readonly leaderElectRetryPeriod: number;
  readonly leaderElectResourceName: string;
  readonly podName?: string;
}

export function addElectionFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--leader-elect [true|false]', 'of several replicas let one allocate')
        .argParser(parseBoolean)
        .preset('true')
        .default(true),
    )
    .addOption(
      duration('lease-duration', 'followers wait this long for the leader before one takes over', 15),
    )
    .addOption(duration('renew-deadline', 'a leader without answer for this long stops leading', 10))
    .addOption(duration('retry-period', 'how often leader and followers try', 2))
    .addOption(
      new Option('--leader-elect-resource-name <name>', 'the Lease replicas share, in --namespace').default(
        CONTROLLER_LEASE,
      ),
    )
    .addOption(
      new Option(
        '--pod-name <name>',
        'what this replica is called in the Lease (without it: the name of the machine)',
      ).env('METALLB_POD_NAME'),
    );
}

function duration(name: string, description: string, seconds: number): Option {
  return new Option(`--leader-elect-${name} <duration>`, description)
    .argParser(parseDuration)
    .default(seconds * 1000, `${seconds}s`);
}
