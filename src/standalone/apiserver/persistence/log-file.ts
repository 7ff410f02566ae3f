/** One file of frames that is being written: a frame is in it whole or not at all. */
import type { JsonObject } from '../schema/schema.ts';
import type { Disk, DiskFile } from './disk.ts';
import { encodeFrame } from './frame.ts';

export class LogFile {
  readonly #file: DiskFile;
  #length: number;

  /** Opens a file and cuts it at `length`. */
  constructor(disk: Disk, name: string, length: number) {
    this.#file = disk.open(name);
    this.#length = length;
    this.#file.truncate(length);
  }

  /** Bytes. */
  get length(): number {
    return this.#length;
  }

  /** Throws where the frame cannot be written; the file is then as it was, or no longer usable: `broken` says which. */
  append(payload: JsonObject): void {
    const bytes = encodeFrame(payload);
    let written = 0;
    try {
      while (written < bytes.length) {
        const more = this.#file.write(bytes.subarray(written), this.#length + written);
        if (more === 0) throw new Error('the disk took nothing');
        written += more;
      }
    } catch (error) {
      this.#undo();
      throw error;
    }
    this.#length += bytes.length;
  }

  /** Why a half-written frame could not be taken back; undefined while all is well. */
  broken: Error | undefined;

  sync(): Promise<void> {
    return this.#file.sync();
  }

  syncNow(): void {
    this.#file.syncNow();
  }

  close(): void {
    this.#file.close();
  }

  #undo(): void {
    try {
      this.#file.truncate(this.#length);
    } catch (error) {
      this.broken = error as Error;
    }
  }
}
