/**
 * cli/ is the only place that knows flags: each verb has a file (or a folder) that turns flags into the parts of the
 * program, starts them and waits. No verb decides anything.
 *
 * This file turns arguments into an exit code: 0, 1 for a failure nobody expected (with its stack), 2 for what the person
 * who called can put right, said in one sentence on stderr.
 */
import { Command, CommanderError } from 'commander';
import { UserError } from '../api/user-error.ts';
import { checkCommand } from './check.ts';
import { controllerCommand } from './controller.ts';
import { convertCommand } from './convert.ts';
import { doctorCommand } from './doctor.ts';
import { floorCommand } from './floor.ts';
import { speakerCommand } from './speaker.ts';
import { upCommand } from './up/command.ts';
import { versionCommand } from './version.ts';
import { webhookCommand } from './webhook.ts';

const EXAMPLES = `
Examples:
  cleat up                                   a control plane of its own on https://127.0.0.1:6443
  cleat up --git /srv/network#main:site-a    the same, configured by a folder of a Git repository
  cleat controller --kubeconfig ~/.kube/config
  cleat speaker --node-name node-1
  cleat check site/                          what a cluster would refuse of these manifests
  cleat convert config.yaml                  the ConfigMap of MetalLB before 0.13 as today’s objects
  cleat doctor                               what of the cluster would keep addresses from working

Every verb explains itself: cleat VERB --help`;

/** Every verb with its flags; `finish` is told the exit code of the one that ran. */
export function createProgram(finish: (exitCode: number) => void): Command {
  const program = new Command('cleat')
    .description('A load balancer for bare-metal Kubernetes that replaces MetalLB object for object.')
    .addHelpText('after', EXAMPLES)
    .helpCommand(false);
  for (const build of [
    upCommand,
    controllerCommand,
    speakerCommand,
    webhookCommand,
    checkCommand,
    floorCommand,
    convertCommand,
    doctorCommand,
    versionCommand,
  ]) {
    program.addCommand(build(finish));
  }
  for (const command of [program, ...program.commands]) {
    // Commander would exit by itself, and write more than the one sentence.
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  }
  return program;
}

/** Runs one command line; resolves with the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const finish = (code: number): void => {
    exitCode = code;
  };
  const program = createProgram(finish);
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return explain(error, args);
  }
}

function explain(error: unknown, args: readonly string[]): number {
  if (error instanceof UserError) {
    console.error(`cleat: ${error.message}`);
    return 2;
  }
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    const verb = args[0] === undefined || args[0].startsWith('-') ? '' : ` ${args[0]}`;
    const said = error.message
      .replace(/^error: /, '')
      .replace(' is invalid. ', ' is invalid: ')
      .replaceAll(/\s*\n\s*/g, ' ')
      .replace(/\.$/, '');
    const help = error.code === 'commander.unknownCommand' ? 'cleat --help' : `cleat${verb} --help`;
    console.error(`cleat: ${said}; see ${help}`);
    return 2;
  }
  console.error(error);
  return 1;
}
