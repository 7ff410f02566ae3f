/** `cleat convert`: the legacy ConfigMap of MetalLB before 0.13 as the objects that replaced it. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Finding } from '../api/findings.ts';
import { formatFinding } from '../api/findings.ts';
import { CONFIG_MAPS } from '../api/kubernetes.ts';
import { DEFAULT_NAMESPACE, LEGACY_CONFIG_KEY, LEGACY_CONFIG_MAP } from '../api/metallb.ts';
import { UserError } from '../api/user-error.ts';
import type { Conversion } from '../core/config/convert.ts';
import { convertLegacy } from '../core/config/convert.ts';
import { isFault } from '../core/config/load.ts';
import { formatYaml, lineOfPath, parseTextualYaml, parseYamlDocuments } from '../platform/yaml.ts';

export function convertCommand(finish: (exitCode: number) => void): Command {
  return new Command('convert')
    .description('turn the ConfigMap that configured MetalLB before 0.13 into the objects that say the same')
    .argument('[file]', 'the ConfigMap, or the text of its key config; - reads standard input', '-')
    .addHelpText(
      'after',
      `
The objects go to standard output, what there is to say about the input to standard error with its line.
Exit code: 0 converted, 1 the input has faults and nothing was converted, 2 it could not be read.

Examples:
  cleat convert config.yaml > metallb.yaml
  kubectl -n metallb-system get configmap config -o yaml | cleat convert | kubectl apply -f -`,
    )
    .action((file: string) => {
      const { output, remarks, exitCode } = convert(readInput(file), file === '-' ? 'standard input' : file);
      for (const remark of remarks) console.error(remark);
      process.stdout.write(output);
      finish(exitCode);
    });
}

interface Converted {
  /** YAML; '' where there are faults. */
  readonly output: string;
  /** `config.yaml:7: LB201 data.config…`, in the order of lines. */
  readonly remarks: readonly string[];
  readonly exitCode: 0 | 1;
}

/** `file` is what remarks call the text. */
export function convert(text: string, file: string): Converted {
  const place = (line: number, what: string): string => `${file}:${line}: ${what}`;
  const input = findConfig(text);
  if ('why' in input) return { output: '', remarks: [place(input.line, input.why)], exitCode: 1 };
  const source = { kind: CONFIG_MAPS.kind, namespace: input.namespace, name: input.name };
  const parsed = parseTextualYaml(input.config);
  if (!parsed.ok) {
    const [, line = '1', why = parsed.why] = /^line (\d+): (.*)$/s.exec(parsed.why) ?? [];
    return { output: '', remarks: [place(input.lineOf(Number(line)), why)], exitCode: 1 };
  }
  const { objects, findings } = convertLegacy({ source, document: parsed.value });
  const remarks = findings
    .map((finding) => ({ line: input.lineOf(lineOfPath(input.config, stepsOf(finding))), finding }))
    .toSorted((a, b) => a.line - b.line)
    .map(({ line, finding }) => place(line, formatFinding(finding)));
  if (findings.some(isFault)) return { output: '', remarks, exitCode: 1 };
  return { output: format(objects, source), remarks, exitCode: 0 };
}

interface FoundConfig {
  readonly namespace: string;
  readonly name: string;
  /** The text of the key `config`. */
  readonly config: string;
  /** Where one of its lines is in the whole text. */
  readonly lineOf: (line: number) => number;
}

/** The ConfigMap of a text, or the text itself where it is no Kubernetes object. */
function findConfig(text: string): FoundConfig | { readonly line: number; readonly why: string } {
  const { documents, faults } = parseYamlDocuments(text);
  const [fault] = faults;
  if (fault !== undefined) return fault;
  const [document] = documents;
  const object = document?.value as Partial<ConfigMapText> | undefined;
  if (typeof object !== 'object' || object.kind === undefined) {
    const source = { namespace: DEFAULT_NAMESPACE, name: LEGACY_CONFIG_MAP };
    return { ...source, config: text, lineOf: (line) => line };
  }
  const line = document?.line ?? 1;
  if (documents.length > 1) return { line, why: 'there is more than one document: give the ConfigMap alone' };
  const config = object.data?.[LEGACY_CONFIG_KEY];
  if (object.kind !== CONFIG_MAPS.kind || typeof config !== 'string')
    return { line, why: `this is no ConfigMap with the key ${LEGACY_CONFIG_KEY}` };
  const { namespace = DEFAULT_NAMESPACE, name = LEGACY_CONFIG_MAP } = object.metadata ?? {};
  const lineOf = (inside: number): number => lineOfPath(text, ['data', LEGACY_CONFIG_KEY], inside);
  return { namespace, name, config, lineOf };
}

interface ConfigMapText {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string; readonly name?: string };
  readonly data: Readonly<Record<string, unknown>>;
}

/** `data.config.peers[0].my-asn` as the keys and indexes that lead there inside the configuration. */
function stepsOf({ path }: Finding): (string | number)[] {
  const inside = path.slice(`data.${LEGACY_CONFIG_KEY}`.length);
  return [...inside.matchAll(/\[(\d+)\]|\[([^\]]*)\]|([^.[\]]+)/g)].map(([, index, key, name]) =>
    index === undefined ? (key ?? name ?? '') : Number(index),
  );
}

function format(
  objects: Conversion['objects'],
  { namespace, name }: { namespace: string; name: string },
): string {
  const head = `# What ConfigMap ${namespace}/${name} says, as the objects that replaced it. Delete it once they are applied.\n`;
  const documents = objects.map(({ object, notes }) => {
    const comments = notes.map((note) => `# ${note.replaceAll(/\s+/g, ' ')}\n`).join('');
    return `---\n${comments}${formatYaml(object)}`;
  });
  return head + documents.join('');
}

function readInput(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`${file === '-' ? 'standard input' : file} cannot be read: ${why}`);
  }
}
