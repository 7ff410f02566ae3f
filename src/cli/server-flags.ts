/** The flags of what a program serves over TLS, under MetalLB's names where it has any. */
import { type Command, Option } from 'commander';

/** Adds the flags of MetricsFlags and TlsFlags. */
export function addServerFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--metrics-https',
        'serve /metrics over HTTPS, self-signed, and only to who may GET it by RBAC, as MetalLB 0.16 does',
      ).default(false),
    )
    .addOption(
      new Option(
        '--metrics-cert-dir <folder>',
        'the same with tls.crt and tls.key of this folder, which may change at any time',
      ),
    )
    .addOption(
      new Option(
        '--tls-min-version <version>',
        'VersionTLS12 or VersionTLS13 for all that is served (without it: VersionTLS13)',
      ),
    )
    .addOption(
      new Option(
        '--tls-cipher-suites <suites>',
        'suites of TLS 1.2 by their IANA names, with commas between',
      ),
    )
    .addOption(
      new Option(
        '--tls-curve-preferences <curves>',
        'numbers of TLS curves, with commas between: 23, 24, 25, 29, 4588',
      ),
    );
}
