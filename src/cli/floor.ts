/** `cleat floor`: the part of the gate that needs no server, as manifests. */
import { Command } from 'commander';
import { UserError } from '../api/user-error.ts';
import { formatFloor } from '../gitops/floor.ts';
import type { CheckOptions } from '../gitops/check.ts';
import { enforceFlag } from './enforce-flag.ts';
import { lbClassFlag, namespaceFlag } from './flags.ts';
import { readTexts } from './manifest-files.ts';

export function floorCommand(finish: (exitCode: number) => void): Command {
  return new Command('floor')
    .description(
      'print the ValidatingAdmissionPolicy that refuses addresses of no pool with no process of Cleat running',
    )
    .argument(
      '[path...]',
      'pools and namespaces, for a cluster where no controller keeps ConfigMap cleat-floor',
    )
    .addOption(namespaceFlag())
    .addOption(lbClassFlag())
    .addOption(enforceFlag())
    .addHelpText(
      'after',
      `
Without a path: the policy and its binding. The controller keeps the ConfigMap they read.
With paths, or - for standard input: also the ConfigMap, made from the pools there.

Examples:
  cleat floor | kubectl apply -f -
  kubectl get ipaddresspools,namespaces -A -o yaml | cleat floor - | kubectl apply -f -`,
    )
    .action((paths: string[], flags: Omit<CheckOptions, 'bgpType'>) => {
      const printed = formatFloor(paths.length === 0 ? undefined : paths.flatMap(readTexts), flags);
      if (!printed.ok) throw new UserError(printed.why);
      process.stdout.write(printed.yaml);
      finish(0);
    });
}
