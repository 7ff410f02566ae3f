/** The flags of the verbs that run controller and webhook, under the names Kubernetes' own programs use. */
import { type Command, Option } from 'commander';
import { CONTROLLER_LEASE } from '../api/annotations.ts';
import { addClusterFlags, parseBoolean, parseDuration, parsePort } from './flags.ts';
import type { ClusterFlags } from './run-in-cluster.ts';

/** Of every verb that answers admission. */
export interface WebhookFlags extends ClusterFlags {
  readonly webhookPort?: number;
  readonly webhookUrl?: string;
  /** Milliseconds, as all durations here. */
  readonly shutdownDelayDuration: number;
}

export interface ElectionFlags {
  readonly leaderElect: boolean;
  readonly leaderElectLeaseDuration: number;
  readonly leaderElectRenewDeadline: number;
  readonly leaderElectRetryPeriod: number;
  readonly leaderElectResourceName: string;
}

export function addWebhookFlags(command: Command): Command {
  return addClusterFlags(command)
    .addOption(
      new Option(
        '--webhook-port <port>',
        'where the webhook listens, on every address; 0 takes any free port (9443 without)',
      ).argParser(parsePort),
    )
    .addOption(
      new Option(
        '--webhook-url <url>',
        'https://host:port where the API server reaches the webhook (without it: the Service metallb-webhook-service); port 0 stands for --webhook-port',
      ),
    )
    .addOption(
      new Option(
        '--shutdown-delay-duration <duration>',
        'how long to go on serving, but not ready, when told to stop',
      )
        .argParser(parseDuration)
        .default(10_000, '10s'),
    );
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
    );
}

function duration(name: string, description: string, seconds: number): Option {
  return new Option(`--leader-elect-${name} <duration>`, description)
    .argParser(parseDuration)
    .default(seconds * 1000, `${seconds}s`);
}
