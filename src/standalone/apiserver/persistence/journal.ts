/**
 * Writes a data directory while the server runs.
 *
 * append() puts a change into the log before storage makes it, so what cannot be written is refused and was never there. Bringing
 * the log to disk is done for many changes at once: while one fdatasync runs, others wait for the next. Who has something to tell that
 * rests on a change waits with onceDurable(). A failed fdatasync cannot be repeated (the kernel may have dropped what it could not
 * write), so it is the end: nothing is answered any more until the program is started again and reads what there is.
 *
 * When the log is longer than a snapshot would be, a new log is begun and a snapshot of the state is written beside it. Two snapshots
 * are kept, with every log from the older one on: see recovery.ts.
 */
import type { Log } from '../../../ports.ts';
import type { ApiError } from '../definition.ts';
import { notDurable, notWritten } from '../errors.ts';
import type { Disk } from './disk.ts';
import { LogFile } from './log-file.ts';
import {
  changeRecord,
  fileName,
  footRecord,
  headRecord,
  itemRecord,
  parseFileName,
  syncedRecord,
  UNFINISHED,
} from './records.ts';
import type { Item, LoggedChange } from './records.ts';

export interface JournalOptions {
  readonly disk: Disk;
  /** For messages: the directory as the person named it. */
  readonly directory: string;
  readonly log: Log;
  /** The log to go on with, and how much of it is whole. */
  readonly revision: number;
  readonly bytes: number;
  readonly snapshotBytes: number;
  /** A log is never given up before it has this length. */
  readonly leastLogBytes?: number;
}

type Waiting = (failure: ApiError | undefined) => void;

const LEAST_LOG_BYTES = 8 * 1024 * 1024;
/** A snapshot is brought to disk in steps of this size, so that it does not hold up the log. */
const SNAPSHOT_STEP_BYTES = 1024 * 1024;

export class Journal {
  readonly #options: JournalOptions;
  #file: LogFile;
  #snapshotBytes: number;
  /** Changes written and changes on disk, counted since the start. */
  #written = 0;
  #durable = 0;
  /** In the order they came; each waits until `after` changes are on disk. */
  #waiting: { readonly after: number; readonly call: Waiting }[] = [];
  #flushing: Promise<void> | undefined;
  #snapshotting: Promise<void> | undefined;
  #failure: ApiError | undefined;
  /** The log is not given up before it is longer than this. */
  #rotateAtBytes: number;

  /** Brings what was found to disk first: it was written, but perhaps not brought to disk, in an earlier life. Throws where it cannot. */
  constructor(options: JournalOptions) {
    this.#options = options;
    this.#snapshotBytes = options.snapshotBytes;
    this.#file = this.#openLog(options.revision, options.bytes);
    this.#rotateAtBytes = this.#limitBytes();
  }

  /** True when it is time for rotate(). */
  get full(): boolean {
    return (
      this.#file.length > this.#rotateAtBytes &&
      this.#snapshotting === undefined &&
      this.#failure === undefined
    );
  }

  /** Writes a change down. Throws the ApiError to answer with where that fails; nothing is written then. */
  append(change: LoggedChange): void {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#file.append(changeRecord(change));
    } catch (error) {
      if (this.#file.broken !== undefined) this.#fail(this.#file.broken);
      this.#options.log.error('a change could not be written down and is refused', {
        directory: this.#options.directory,
        error,
      });
      throw notWritten(this.#options.directory, wordsOf(error));
    }
    this.#written += 1;
    this.#flushing ??= this.#flush();
  }

  /** Calls once every change written so far is on disk: at once where it is. In order. With the ApiError where it never will be. */
  onceDurable(call: Waiting): void {
    if (this.#failure !== undefined || this.#durable === this.#written) call(this.#failure);
    else this.#waiting.push({ after: this.#written, call });
  }

  /** Begins a new log at a revision, the newest there is, and writes a snapshot of its state, given as `items`. */
  rotate(revision: number, items: readonly Item[]): void {
    const old = this.#file;
    try {
      old.syncNow();
    } catch (error) {
      this.#fail(error);
      return;
    }
    try {
      this.#file = this.#openLog(revision, 0);
    } catch (error) {
      this.#options.log.warn('a new log could not be begun; the old one is gone on with', { error });
      this.#options.disk.remove(fileName('log', revision));
      this.#rotateAtBytes = old.length + this.#limitBytes();
      return;
    }
    this.#settle(this.#written);
    void (this.#flushing ?? Promise.resolve()).then(() => old.close());
    this.#snapshotting = this.#snapshot(revision, items).finally(() => {
      this.#snapshotting = undefined;
    });
  }

  /** Resolves once everything is on disk and every file closed. Nothing may be appended after it. */
  async close(): Promise<void> {
    await this.#flushing;
    this.#failure ??= notWritten(this.#options.directory, 'the API server is stopping');
    await this.#snapshotting;
    this.#file.close();
  }

  #limitBytes(): number {
    return Math.max(this.#options.leastLogBytes ?? LEAST_LOG_BYTES, this.#snapshotBytes);
  }

  #openLog(revision: number, bytes: number): LogFile {
    const { disk } = this.#options;
    const file = new LogFile(disk, fileName('log', revision), bytes);
    try {
      if (bytes === 0) file.append(headRecord('log', revision));
      file.syncNow();
      disk.syncNames();
      file.append(syncedRecord(file.length));
    } catch (error) {
      file.close();
      throw error;
    }
    return file;
  }

  async #flush(): Promise<void> {
    // Changes of one request are made one after another: one fdatasync is for all of them.
    await Promise.resolve();
    while (this.#durable < this.#written && this.#failure === undefined) {
      const file = this.#file;
      const written = this.#written;
      const { length } = file;
      try {
        await file.sync();
      } catch (error) {
        this.#fail(error);
        break;
      }
      if (file === this.#file) this.#mark(length);
      this.#settle(written);
    }
    this.#flushing = undefined;
  }

  /** Leaves word that the file was on disk up to here. Only recovery from damage would miss it, so a full disk does not matter. */
  #mark(offset: number): void {
    try {
      this.#file.append(syncedRecord(offset));
    } catch {
      if (this.#file.broken !== undefined) this.#fail(this.#file.broken);
    }
  }

  #settle(durable: number): void {
    this.#durable = Math.max(this.#durable, durable);
    const first = this.#waiting.findIndex(({ after }) => after > this.#durable);
    const done = this.#waiting.splice(0, first < 0 ? this.#waiting.length : first);
    for (const { call } of done) call(this.#failure);
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    const { directory, log } = this.#options;
    this.#failure = notDurable(directory, wordsOf(error));
    log.error('the disk failed: nothing is answered any more until this program is started again', {
      directory,
      error,
    });
    const waiting = this.#waiting.splice(0);
    for (const { call } of waiting) call(this.#failure);
  }

  /** Never rejects: without it the logs only stay longer. */
  async #snapshot(revision: number, items: readonly Item[]): Promise<void> {
    const { disk, log, directory } = this.#options;
    try {
      const file = new LogFile(disk, UNFINISHED, 0);
      try {
        file.append(headRecord('snapshot', revision));
        let syncedBytes = 0;
        for (const item of items) {
          file.append(itemRecord(item));
          if (file.length - syncedBytes < SNAPSHOT_STEP_BYTES) continue;
          await file.sync();
          syncedBytes = file.length;
        }
        file.append(footRecord(items.length));
        await file.sync();
        this.#snapshotBytes = file.length;
      } finally {
        file.close();
      }
      disk.rename(UNFINISHED, fileName('snapshot', revision));
      disk.syncNames();
      removeObsolete(disk);
      this.#rotateAtBytes = this.#limitBytes();
    } catch (error) {
      log.warn('a snapshot could not be written; it is tried again later', { directory, error });
      this.#rotateAtBytes = this.#file.length + this.#limitBytes();
    }
  }
}

/** Keeps two snapshots and the logs from the older one on. A snapshot goes before its log: it cannot do without. */
function removeObsolete(disk: Disk): void {
  const files = disk.names().flatMap((name) => {
    const parsed = parseFileName(name);
    return parsed === undefined ? [] : [{ name, ...parsed }];
  });
  const snapshots = files.filter(({ kind }) => kind === 'snapshot').sort((a, b) => b.revision - a.revision);
  const oldestKept = snapshots[1]?.revision ?? 0;
  const obsolete = files.filter(({ revision }) => revision < oldestKept);
  for (const { name } of obsolete.toSorted((a, b) => (a.kind < b.kind ? 1 : -1))) disk.remove(name);
  disk.syncNames();
}

/** Node's code and words: `ENOSPC: no space left on device, write`. */
function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
