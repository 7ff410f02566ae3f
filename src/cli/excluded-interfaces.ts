/** MetalLB's list of interfaces on which nothing is announced: the ConfigMap metallb-excludel2, mounted as a file. */
import { readFileSync } from 'node:fs';
import { UserError } from '../api/user-error.ts';
import { parseYaml } from '../platform/yaml.ts';

/** Where MetalLB's manifests mount it. */
export const EXCLUDE_L2_FILE = '/etc/metallb/excludel2.yaml';

const FIELD = 'announcedInterfacesToExclude';

/**
 * Regular expressions, not anchored; none where there is no such file (MetalLB behaviour 5.6). Throws a UserError for a
 * file that cannot be read or is of another shape; whether each is a regular expression is for whoever uses them.
 */
export function readExcludedInterfaces(file: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new UserError(
      `The file of excluded interfaces ${file} cannot be read (${code}); mount a readable one.`,
    );
  }
  const parsed = parseYaml(text);
  if (!parsed.ok) throw new UserError(`${file} is not YAML: ${oneLine(parsed.why)}; correct it.`);
  const { value } = parsed;
  if (value === null) return [];
  const patterns = typeof value === 'object' && FIELD in value ? value[FIELD] : isMapping(value) ? [] : value;
  if (patterns === null) return [];
  if (!Array.isArray(patterns) || !patterns.every((it) => typeof it === 'string')) {
    throw new UserError(
      `${file}: ${FIELD} has to be a list of regular expressions; write for example ${FIELD}: ["^docker.*"].`,
    );
  }
  return patterns;
}
