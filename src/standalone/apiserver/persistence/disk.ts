/** The files of a data directory. Everything is for the owner only: there are Secrets in it. */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

/** A file that grows. Everything but sync happens at once; failures are thrown as Node's own errors. */
export interface DiskFile {
  /** How many bytes were written, perhaps not all. */
  write(bytes: Buffer, position: number): number;
  truncate(length: number): void;
  /** Resolves once everything written before the call is on disk. */
  sync(): Promise<void>;
  syncNow(): void;
  close(): void;
}

export interface Disk {
  names(): string[];
  read(name: string): Buffer;
  /** Opens a file for writing, made where it is not there. */
  open(name: string): DiskFile;
  rename(from: string, to: string): void;
  /** Does nothing where it is not there. */
  remove(name: string): void;
  /** Makes sure that files made, renamed and removed are so after a power failure. */
  syncNames(): void;
}

const sync = promisify(fdatasync);

export function openDisk(directory: string): Disk {
  const at = (name: string): string => path.join(directory, name);
  return {
    names: () => readdirSync(directory),
    read: (name) => readFileSync(at(name)),
    open: (name) => openFile(at(name)),
    rename: (from, to) => renameSync(at(from), at(to)),
    remove: (name) => rmSync(at(name), { force: true }),
    syncNames: () => {
      const descriptor = openSync(directory, 'r');
      try {
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    },
  };
}

function openFile(file: string): DiskFile {
  // Not 'a': what a failed write left is written over.
  const descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
  return {
    write: (bytes, position) => writeSync(descriptor, bytes, 0, bytes.length, position),
    truncate: (length) => ftruncateSync(descriptor, length),
    sync: () => sync(descriptor),
    syncNow: () => fdatasyncSync(descriptor),
    close: () => closeSync(descriptor),
  };
}
