/**
 * A second Linux for a test whose subject this machine's kernel lacks: one in user mode (User-Mode Linux), which is an ordinary process and
 * sees this machine's files, unchangeable. It has kernel modules that the kernels of small virtual machines leave out.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hasCommand, missingCommand } from './private-network.ts';

const KERNEL = 'linux.uml';
/** With lib/modules in it, as modprobe wants it, made inside. */
const MODULES = '/usr/lib/uml/modules';
/** Set for what runs inside. */
const INSIDE = 'CLEAT_OTHER_KERNEL';
const TIMEOUT_MS = 600_000;
/** Its last words: what the program ended with. */
const ENDED = 'the program ended with';

/** True for a program that already runs on the other kernel. */
export const onOtherKernel = process.env[INSIDE] === 'yes';

/** Why this machine cannot have one, in one sentence with the remedy; undefined where it can. */
export function faultOfOtherKernel(): string | undefined {
  if (!hasCommand(KERNEL) || !existsSync(MODULES)) return missingCommand(KERNEL, 'user-mode-linux');
  return hasCommand('modprobe') ? undefined : missingCommand('modprobe', 'kmod');
}

/** Runs a file of tests there, with these modules loaded; fails with what it said unless all of them pass. */
export function passOnOtherKernel(file: string, modules: readonly string[]): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'cleat-kernel-'));
  try {
    const init = path.join(folder, 'init');
    writeFileSync(init, initScript(file, modules), { mode: 0o755 });
    const flags = ['root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'ro', 'mem=1G', 'quiet'];
    const { stdout, stderr, error } = spawnSync(
      KERNEL,
      [...flags, 'con=null', 'con0=null,fd:1', `init=${init}`],
      {
        encoding: 'utf8',
        timeout: TIMEOUT_MS,
        killSignal: 'SIGKILL',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, TMPDIR: folder, HOME: folder },
      },
    );
    assert.ok(stdout.includes(`${ENDED} 0`), [error, stdout, stderr].join('\n'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function initScript(file: string, modules: readonly string[]): string {
  return `#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export ${INSIDE}=yes CI=true TMPDIR=/run
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mkdir -p /run/kernel/lib
ln -s ${MODULES} /run/kernel/lib/modules
modprobe -d /run/kernel -a ${modules.join(' ')}
'${process.execPath}' --test '${file}' 2>&1
echo "${ENDED} $?"
echo o >/proc/sysrq-trigger
sleep 60
`;
}
