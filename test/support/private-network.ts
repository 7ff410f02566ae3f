/**
 * A network, a file system view and a process table of its own for a program that plays with networks: it runs itself
 * again inside new Linux namespaces (as root, or as a user who may make user namespaces). The inner program is process 1
 * of its process table, so the kernel ends every process it ever started the moment it ends, however it ends; with the
 * last of them go the networks, the mounts and the files under /run. The host's network is never touched.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { UserError } from '../../src/api/user-error.ts';

/** Set for the inner program only: whose privileges the namespaces were made with. */
const INSIDE = 'CLEAT_PRIVATE_NETWORK';
type Privileges = 'root' | 'user';
/** The inner program's end of a pipe that closes when the outer program ends, be it by SIGKILL. */
const LIFELINE_FD = 3;
/** Exit code of a program that ctrl-C ended, as a shell gives it. */
const INTERRUPTED = 130;

export interface PrivateNetwork {
  /** The inner program's process id as the host sees it. */
  readonly hostPid: number;
  /** A shell command that enters the namespaces from the host. */
  readonly enterCommand: string;
}

/** Commands of the machine that the lab calls, and the Debian package of each. */
const COMMANDS: Readonly<Record<string, string>> = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  ip: 'iproute2',
};

/** PATH with the folders that an ordinary user's PATH lacks. */
const SYSTEM_PATH = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;

/** Why this machine cannot have a private network, in one sentence with the remedy; undefined where it can. */
export function faultOfPrivateNetwork(): string | undefined {
  for (const [command, debianPackage] of Object.entries(COMMANDS)) {
    if (!hasCommand(command)) return missingCommand(command, debianPackage);
  }
  const tried = spawnSync('unshare', [...unshareFlags(), 'true'], {
    encoding: 'utf8',
    env: { PATH: SYSTEM_PATH },
  });
  if (tried.status === 0) return undefined;
  const said = tried.stderr.trim().split('\n')[0] ?? '';
  return `this user may not make network namespaces (${said}); run it as root, or allow user namespaces (sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000, on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0)`;
}

/** True where the command can be run. */
export function hasCommand(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`], { env: { PATH: SYSTEM_PATH } }).status === 0;
}

export function missingCommand(command: string, debianPackage: string): string {
  return `the command ${command} is missing; install it (Debian: apt-get install ${debianPackage})`;
}

/**
 * Returns only inside the private network. Outside it runs this program again inside and ends with its exit code. Throws
 * UserError where the machine cannot.
 */
export async function enterPrivateNetwork(): Promise<PrivateNetwork> {
  const inside = process.env[INSIDE];
  if (inside !== undefined) return settleIn(inside === 'user' ? 'user' : 'root');
  const fault = faultOfPrivateNetwork();
  if (fault !== undefined) throw new UserError(fault);
  process.exit(await runInside());
}

/** Runs this program with its arguments inside new namespaces; resolves with its exit code. */
function runInside(): Promise<number> {
  const again = [process.execPath, ...process.argv.slice(1)];
  const child = spawn('unshare', [...unshareFlags(), ...again], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, PATH: SYSTEM_PATH, [INSIDE]: privileges() },
  });
  const lifeline = child.stdio[LIFELINE_FD];
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => lifeline?.destroy());
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** Makes the new namespaces liveable, and ends with the outer program. */
function settleIn(made: Privileges): PrivateNetwork {
  const lifeline = new Socket({ fd: LIFELINE_FD, readable: true, writable: false });
  lifeline.on('error', () => undefined).on('close', () => process.exit(INTERRUPTED));
  lifeline.resume().unref();
  // Process 1 ignores signals it has no handler for.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => process.exit(INTERRUPTED));

  // While /proc is still the host's it knows us by the host's number.
  const hostPid = Number(readlinkSync('/proc/self'));
  // A fresh /proc is nicer for whoever enters, but containers may forbid it and nothing depends on it.
  spawnSync('mount', ['-t', 'proc', 'proc', '/proc']);
  mustRun('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  mustRun('ip', ['link', 'set', 'lo', 'up']);
  // Temporary files vanish with the mount.
  process.env['TMPDIR'] = '/run';
  const user = made === 'user' ? ' --user --preserve-credentials' : '';
  return { hostPid, enterCommand: `nsenter --target ${hostPid}${user} --net --mount --pid` };
}

function unshareFlags(): string[] {
  const user = privileges() === 'root' ? [] : ['--user', '--map-root-user'];
  return [...user, '--net', '--mount', '--pid', '--fork', '--kill-child'];
}

function privileges(): Privileges {
  return process.getuid?.() === 0 ? 'root' : 'user';
}

function mustRun(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
}
