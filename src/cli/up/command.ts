/** `cleat up`: the flags of a control plane of its own. */
import { homedir } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type GitSource, parseGitSource } from '../../standalone/git/source.ts';
import { enforceFlag } from '../enforce-flag.ts';
import {
  bgpTypeFlag,
  lbClassFlag,
  logLevelFlag,
  namespaceFlag,
  parseDuration,
  parseListen,
  parsePort,
} from '../flags.ts';
import type { UpFlags } from './run.ts';

export function upCommand(finish: (exitCode: number) => void): Command {
  return new Command('up')
    .description(
      'run without a cluster: an API server of its own, controller and webhook in one process; kubectl works on it',
    )
    .addOption(
      new Option('--listen <host:port>', 'where the API server listens; port 0 takes any free one')
        .argParser(parseListen)
        .default({ host: '127.0.0.1', port: 6443 }, '127.0.0.1:6443'),
    )
    .addOption(
      new Option(
        '--webhook-port <port>',
        'where the webhook listens, on loopback; 0 takes any free port (9443 without)',
      ).argParser(parsePort),
    )
    .addOption(
      new Option('--kubeconfig-out <file>', 'where to write the kubeconfig')
        .argParser((file) => path.resolve(file))
        .default(path.join(homedir(), '.cleat', 'kubeconfig'), '~/.cleat/kubeconfig'),
    )
    .addOption(
      new Option(
        '--token-file <file>',
        'the token clients show; made where it does not exist (without it: one in --data, or a new one each time)',
      ),
    )
    .addOption(
      new Option(
        '--data <dir>',
        'keep every object here, through kill -9 and power failures; made where it does not exist (without it: in memory only)',
      ).argParser((directory) => path.resolve(directory)),
    )
    .addOption(
      new Option(
        '--git <DIR[#branch][:path]>',
        'keep the API server as the manifests of this Git folder say: each new commit at once, what was changed by hand within a minute',
      ).argParser(readGitSource),
    )
    .addOption(
      new Option('--git-interval <duration>', 'how often to look for a new commit')
        .argParser(parseDuration)
        .default(1_000, '1s'),
    )
    .addOption(
      new Option(
        '--node-name <name>',
        'announce addresses from this machine too, as this Node (needs CAP_NET_RAW)',
      ),
    )
    .addOption(namespaceFlag())
    .addOption(lbClassFlag())
    .addOption(bgpTypeFlag())
    .addOption(enforceFlag())
    .addOption(logLevelFlag())
    .addHelpText(
      'after',
      `
Examples:
  cleat up
  cleat up --listen 127.0.0.1:0 --webhook-port 0 --kubeconfig-out ./kubeconfig
  cleat up --data /var/lib/cleat
  cleat up --git /srv/network                  the branch that is checked out there
  cleat up --git /srv/network#main:site-a      the folder site-a of branch main
  cleat up --git ./network --node-name "$(hostname)"`,
    )
    .action(async (flags: UpFlags) => {
      const { runUp } = await import('./run.ts');
      finish(await runUp(flags));
    });
}

function readGitSource(text: string): GitSource {
  const parsed = parseGitSource(text);
  if (!parsed.ok) throw new InvalidArgumentError(parsed.why);
  return parsed.source;
}
