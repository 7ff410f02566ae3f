/** The flags of the verbs that answer admission, under MetalLB's names where it has any. */
import { type Command, Option } from 'commander';
import { WEBHOOK_PORT } from '../api/metallb.ts';
import { enforceFlag } from './enforce-flag.ts';
import { parseDuration, parsePort } from './flags.ts';

/** Adds the flags of the verbs that answer admission (ControlFlags). */
export function addWebhookFlags(command: Command): Command {
  return command
    .addOption(enforceFlag())
    .addOption(
      new Option(
        '--webhook-url <url>',
        'https://host:port at which the API server reaches this process (without it: through Service metallb-webhook-service)',
      ),
    )
    .addOption(
      new Option('--webhook-port <port>', 'port that admission is answered on')
        .argParser(parsePort)
        .default(WEBHOOK_PORT),
    )
    .addOption(
      new Option(
        '--disable-cert-rotation',
        'serve with the certificates that somebody else, such as cert-manager, keeps in --webhook-secret, and make none',
      ).default(false),
    )
    .addOption(
      new Option(
        '--cert-service-name <name>',
        'the Service through which the API server reaches this process',
      ).default('metallb-webhook-service'),
    )
    .addOption(
      new Option('--webhook-secret <name>', 'the Secret with the webhook’s certificates').default(
        'metallb-webhook-cert',
      ),
    )
    .addOption(
      new Option(
        '--client-ca-file <file>',
        'answer only an API server that shows a certificate of this authority (PEM); probes need none',
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
