/** What a script of tools/ has built or fetched into the cache outside the tree. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** The path that `tools/NAME --cached` prints; undefined where it is not there yet. */
export function cachedTool(name: string): string | undefined {
  const script = path.resolve(import.meta.dirname, '../../tools', name);
  const { status, stdout } = spawnSync(script, ['--cached'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
