/** `--data DIR`: takes the directory, reads it back, and has it ready to be written on. */
import { UserError } from '../../../api/user-error.ts';
import { makeDirectory } from '../../../platform/make-directory.ts';
import type { Log } from '../../../ports.ts';
import { openDisk } from './disk.ts';
import type { Disk } from './disk.ts';
import { Journal } from './journal.ts';
import { lockDirectory } from './lock.ts';
import { LogFile } from './log-file.ts';
import { fileName, footRecord, headRecord, UNFINISHED } from './records.ts';
import { recover } from './recovery.ts';
import type { Past } from './recovery.ts';

export interface DataDirectory {
  /** What was read back, once: it is not kept in memory for the life of the server. */
  takePast(): Past;
  readonly journal: Journal;
  /** Resolves once everything is on disk and others may have the directory. Idempotent. */
  close(): Promise<void>;
}

export interface DataDirectoryOptions {
  /** Made where it is not there. */
  readonly directory: string;
  readonly log: Log;
  /** The revision of an empty directory. */
  readonly firstRevision: number;
  /** See JournalOptions. */
  readonly leastLogBytes?: number;
}

/** Throws a UserError where the directory cannot be used, is in use, or is damaged. */
export function openDataDirectory(options: DataDirectoryOptions): DataDirectory {
  const { directory } = options;
  let release = (): void => undefined;
  try {
    makeDirectory(directory);
    release = lockDirectory(directory);
    const { journal, ...read } = openState(openDisk(directory), options);
    let past: Past | undefined = read.past;
    let closed: Promise<void> | undefined;
    return {
      takePast: () => {
        if (past === undefined) throw new Error('the past was taken before');
        const taken = past;
        past = undefined;
        return taken;
      },
      journal,
      close: () => (closed ??= journal.close().finally(release)),
    };
  } catch (error) {
    release();
    if (error instanceof UserError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `--data ${directory} cannot be used (${why}): name a directory that this user may write to`,
    );
  }
}

/** Reads a disk back, begins it where it is empty, and goes on writing it. Throws a UserError where it is damaged. */
export function openState(
  disk: Disk,
  { directory, log, firstRevision, leastLogBytes }: DataDirectoryOptions,
): { readonly past: Past; readonly journal: Journal } {
  let recovered = recover(disk.names(), (name) => disk.read(name));
  if (recovered === undefined) {
    begin(disk, firstRevision);
    recovered = recover(disk.names(), (name) => disk.read(name));
  }
  if (recovered === undefined || !recovered.ok) {
    const { file, offset, why, remedy } = recovered ?? { file: '', offset: 0, why: 'it is gone', remedy: '' };
    throw new UserError(`--data ${directory}: ${file} is damaged at byte ${offset}: ${why}; ${remedy}`);
  }
  const { past, snapshotBytes } = recovered;
  const { revision, bytes, tornBytes } = recovered.log;
  if (tornBytes > 0)
    log.warn('the end of the log was torn and is cut off; nobody had been answered what was in it', {
      file: fileName('log', revision),
      offset: bytes,
      bytes: tornBytes,
    });
  const journal = new Journal({
    disk,
    directory,
    log,
    revision,
    bytes,
    snapshotBytes,
    ...(leastLogBytes === undefined ? {} : { leastLogBytes }),
  });
  return { past, journal };
}

/** The snapshot of nothing: a log without one would be a directory that has lost something. */
function begin(disk: Disk, revision: number): void {
  const file = new LogFile(disk, UNFINISHED, 0);
  try {
    file.append(headRecord('snapshot', revision));
    file.append(footRecord(0));
    file.syncNow();
  } finally {
    file.close();
  }
  disk.rename(UNFINISHED, fileName('snapshot', revision));
  disk.syncNames();
}
