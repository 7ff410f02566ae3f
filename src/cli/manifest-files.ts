/** The paths people name, as texts. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../api/user-error.ts';
import type { ManifestText } from '../gitops/manifests.ts';

/** A file whatever its name; of a folder, in the order of names, what looks like manifests. Hidden folders are passed over. */
export function readTexts(file: string): readonly ManifestText[] {
  try {
    if (file === '-') return [{ file: 'standard input', text: readFileSync(0, 'utf8') }];
    if (!statSync(file).isDirectory()) return [{ file, text: readFileSync(file, 'utf8') }];
    return readdirSync(file, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith('.'))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((entry) => {
        const inside = path.join(file, entry.name);
        return entry.isDirectory() || /\.(ya?ml|json)$/.test(entry.name) ? readTexts(inside) : [];
      });
  } catch (error) {
    if (error instanceof UserError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`${file === '-' ? 'standard input' : file} cannot be read: ${why}`);
  }
}
