/** `cleat check`: manifests judged without a cluster. */
import { Command, Option } from 'commander';
import { UserError } from '../api/user-error.ts';
import type { CheckOptions } from '../gitops/check.ts';
import { checkManifests, exitCodeOf, formatReport } from '../gitops/check.ts';
import { systemClock } from '../platform/clock.ts';
import { enforceFlag } from './enforce-flag.ts';
import { bgpTypeFlag, lbClassFlag, namespaceFlag } from './flags.ts';
import { readTexts } from './manifest-files.ts';

interface CheckFlags extends CheckOptions {
  readonly output: 'text' | 'json';
}

export function checkCommand(finish: (exitCode: number) => void): Command {
  return new Command('check')
    .description('say what a cluster would refuse or warn about in a set of manifests, without one')
    .argument('<path...>', 'files, or folders with *.yaml, *.yml and *.json; - reads standard input')
    .addOption(new Option('-o, --output <format>', 'how to say it').choices(['text', 'json']).default('text'))
    .addOption(namespaceFlag())
    .addOption(lbClassFlag())
    .addOption(bgpTypeFlag())
    .addOption(enforceFlag())
    .addHelpText(
      'after',
      `
All manifests are judged together: the configuration as a whole, and every Service against the pools in the set.
Exit code: 0 nothing would be refused, 1 something would, 2 not everything could be read.

Examples:
  cleat check site/
  kustomize build site | cleat check -
  cleat check -o json pools.yaml services.yaml`,
    )
    .action((paths: string[], flags: CheckFlags) => {
      const texts = paths.flatMap(readTexts);
      const report = checkManifests(texts, { ...flags, nowMs: systemClock.nowMs() });
      if (report.summary.objects + report.summary.unreadable === 0)
        throw new UserError(
          `${paths.join(' ')}: there is no Kubernetes object; name files or folders with some`,
        );
      const printed =
        flags.output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : formatReport(report);
      process.stdout.write(printed);
      finish(exitCodeOf(report));
    });
}
