/** MetalLB's file of interfaces that are never announced on: the ConfigMap metallb-excludel2, mounted. */
import { readFileSync } from 'node:fs';
import { UserError } from '../api/user-error.ts';
import { parseYaml } from './yaml.ts';

const FIELD = 'announcedInterfacesToExclude';

/** Regular expressions, not anchored; none where there is no such file. Throws a UserError for a file that is malformed. */
export function readExcludedInterfaces(file: string): readonly string[] {
  const text = readText(file);
  if (text === undefined) return [];
  const parsed = parseYaml(text);
  if (!parsed.ok) throw new UserError(`${file} is not YAML (${parsed.why}); correct it`);
  const patterns = (parsed.value as Record<string, unknown> | null)?.[FIELD] ?? [];
  if (Array.isArray(patterns) && patterns.every((pattern) => typeof pattern === 'string')) return patterns;
  throw new UserError(`${file}: ${FIELD} is not a list of texts; write one, such as ["^docker.*", "^lo$"]`);
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError(`${file} cannot be read: ${(error as Error).message}`);
  }
}
