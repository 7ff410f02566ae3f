/** Directories of the program's own. */
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a directory for the owner only, and those above it that are missing; one that is there stays as it is. Not by
 * mkdir's own `recursive`: on /proc that never returns (Node 24).
 */
export function makeDirectory(directory: string): void {
  const absolute = path.resolve(directory);
  if (existsSync(absolute)) return;
  makeDirectory(path.dirname(absolute));
  mkdirSync(absolute, { mode: 0o700 });
}
