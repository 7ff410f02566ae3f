/** A disk in memory that can be full, broken, and lose power. */
import type { Disk, DiskFile } from '../../src/standalone/apiserver/persistence/disk.ts';

interface Content {
  bytes: Buffer;
  /** What a power failure leaves for sure. */
  synced: Buffer;
}

export class MemoryDisk implements Disk {
  readonly files = new Map<string, Content>();
  /** All files together may have this many bytes. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** What the next syncs fail with. */
  syncFault: Error | undefined;
  syncs = 0;

  constructor(files: ReadonlyMap<string, Buffer> = new Map()) {
    for (const [name, bytes] of files)
      this.files.set(name, { bytes: Buffer.from(bytes), synced: Buffer.from(bytes) });
  }

  get sizeBytes(): number {
    return [...this.files.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** What is there after kill -9. */
  contents(): Map<string, Buffer> {
    return new Map([...this.files].map(([name, { bytes }]) => [name, Buffer.from(bytes)]));
  }

  /** What is there after a power failure: of what was not synced, each block of 16 bytes is there or not, as `keep` says. */
  afterPowerLoss(keep: () => boolean): Map<string, Buffer> {
    return new Map(
      [...this.files].map(([name, { bytes, synced }]) => {
        const left = Buffer.from(bytes);
        for (let at = synced.length; at < left.length; at += 16)
          if (!keep()) left.fill(0, at, Math.min(at + 16, left.length));
        return [name, left];
      }),
    );
  }

  names(): string[] {
    return [...this.files.keys()];
  }

  read(name: string): Buffer {
    return this.#content(name).bytes;
  }

  open(name: string): DiskFile {
    const content = this.files.get(name) ?? { bytes: Buffer.alloc(0), synced: Buffer.alloc(0) };
    this.files.set(name, content);
    const sync = (): void => {
      this.syncs += 1;
      if (this.syncFault !== undefined) throw this.syncFault;
      content.synced = content.bytes;
    };
    return {
      write: (bytes, position) => {
        const room = Math.min(bytes.length, this.capacityBytes - this.sizeBytes);
        if (room <= 0) throw new Error('ENOSPC: no space left on device, write');
        content.bytes = Buffer.concat([content.bytes.subarray(0, position), bytes.subarray(0, room)]);
        return room;
      },
      truncate: (length) => {
        content.bytes = content.bytes.subarray(0, length);
      },
      sync: async () => {
        const { bytes } = content;
        await Promise.resolve();
        if (this.syncFault !== undefined) throw this.syncFault;
        this.syncs += 1;
        content.synced = bytes;
      },
      syncNow: sync,
      close: () => undefined,
    };
  }

  rename(from: string, to: string): void {
    this.files.set(to, this.#content(from));
    this.files.delete(from);
  }

  remove(name: string): void {
    this.files.delete(name);
  }

  syncNames(): void {
    // Names are never lost here.
  }

  #content(name: string): Content {
    const content = this.files.get(name);
    if (content === undefined) throw new Error(`ENOENT: no such file or directory, open '${name}'`);
    return content;
  }
}
