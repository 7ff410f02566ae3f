/** MetalLB's list of interfaces on which nothing is announced: the ConfigMap metallb-excludel2, mounted as a file. */
import { readFileSync } from 'node:fs';
import { UserError } from '../api/user-error.ts';
import { parseYaml } from '../platform/yaml.ts';

const FIELD = 'announcedInterfacesToExclude';

/**
 * The patterns, not anchored; none where there is no such file (MetalLB behaviour 5.6). Throws a UserError for a file that
 * cannot be read or is of another shape, and for what is no regular expression.
 */
export function readExcludedInterfaces(file: string): readonly RegExp[] {
  const text = readIfThere(file);
  const parsed = parseYaml(text);
  if (!parsed.ok) throw new UserError(`${file} is not YAML: ${parsed.why}; correct it`);
  const { value } = parsed;
  const list = isMapping(value) ? (value[FIELD] ?? []) : value;
  if (list === null) return [];
  if (!isMapping(value) || !Array.isArray(list) || !list.every((it) => typeof it === 'string')) {
    throw new UserError(`${file}: write a list of regular expressions, such as ${FIELD}: ["^docker.*"]`);
  }
  return list.map((pattern) => compile(pattern, file));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return '';
    throw new UserError(`${file}, the interfaces to exclude, cannot be read (${code}); name a readable file`);
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function compile(pattern: string, file: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch {
    throw new UserError(
      `${file}: ${FIELD} has \`${pattern}\`, which is not a regular expression; write one such as ^docker.*`,
    );
  }
}
