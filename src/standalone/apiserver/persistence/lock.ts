/**
 * One process a data directory. Node has no file locks of the kernel, so the lock is a file that names a process, and who finds one
 * asks whether that process still lives.
 *
 * Files are numbered, and the highest number counts. Each taker makes the next number, which only one can (link(2) fails where the name
 * is there), and then looks whether it is the highest. A holder never removes its own file, so a dead one is replaced only by a
 * higher one, and two takers who both saw it dead cannot both win. A released lock is an empty file.
 */
import { linkSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../../api/user-error.ts';

const NAME = /^lock-(\d{1,15})$/;

/** Takes the directory for this process; gives the way to release it. Throws a UserError that names who has it. */
export function lockDirectory(directory: string): () => void {
  const mine = path.join(directory, `lock.${process.pid}`);
  // Left by a process with our number it may be the very file of a lock.
  rmSync(mine, { force: true });
  writeFileSync(mine, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }), { mode: 0o600 });
  try {
    for (;;) {
      const highest = numbersIn(directory).at(-1) ?? 0;
      const holder = holderOf(fileOf(directory, highest));
      if (holder !== undefined)
        throw new UserError(
          `--data ${directory} is in use by process ${holder}: stop that process, or choose another directory`,
        );
      const file = fileOf(directory, highest + 1);
      if (!linked(mine, file)) continue;
      if (numbersIn(directory).at(-1) !== highest + 1) {
        rmSync(file, { force: true });
        continue;
      }
      for (const number of numbersIn(directory))
        if (number <= highest) rmSync(fileOf(directory, number), { force: true });
      return () => truncateSync(file);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

const fileOf = (directory: string, number: number): string => path.join(directory, `lock-${number}`);

function numbersIn(directory: string): number[] {
  return readdirSync(directory)
    .map((name) => Number(NAME.exec(name)?.[1] ?? 0))
    .filter((number) => number > 0)
    .sort((a, b) => a - b);
}

/** False where the name is taken. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The process that has the lock and lives; undefined where it was released or nobody has it any more. */
function holderOf(file: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const [, pid, started] = /^\{"pid":(\d+),"started":"([^"]*)"\}$/.exec(text) ?? [];
  if (pid === undefined || started === '') return undefined;
  return startOf(Number(pid)) === started ? Number(pid) : undefined;
}

/**
 * What tells a process from a later one with the same number: when it was started, in ticks since the machine was, and which start of
 * the machine that was (proc(5)). Empty where there is no such process.
 */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; the time is the 20th field after it.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const state = stat.slice(stat.lastIndexOf(')') + 2)[0];
    if (state === 'Z' || state === 'X') return '';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${ticks}`;
  } catch {
    return '';
  }
}
