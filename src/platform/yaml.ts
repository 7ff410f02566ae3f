/**
 * YAML in and out, read the way kubectl reads it: version 1.1 for booleans and octal numbers (`on` is true, `010` is 8), no
 * dates and no base-60 numbers. Only what JSON can carry comes through; duplicate keys, unknown tags, missing anchors and
 * aliases that would blow up in memory are faults with their line. Nothing here throws.
 */
import type { Document, Node, ParsedNode, TagId, Tags } from 'yaml';
import { isMap, isScalar, isSeq, LineCounter, parseAllDocuments, stringify, visit } from 'yaml';
import type { ParseYaml } from '../ports.ts';

export interface YamlDocuments {
  /** Documents that have content other than null. */
  readonly documents: readonly YamlDocument[];
  readonly faults: readonly YamlFault[];
}

export interface YamlDocument {
  readonly value: unknown;
  /** Where its content begins (1 is the first). */
  readonly line: number;
  /** Where a value of it stands: as lineOfPath. */
  readonly place: (path: YamlPath, inside?: number) => YamlPlace;
}

/** 1 is the first of either. */
export interface YamlPlace {
  readonly line: number;
  readonly column: number;
}

interface YamlFault {
  readonly line: number;
  readonly why: string;
}

/** Reads text with at most one document; null where it has none. */
export const parseYaml: ParseYaml = (text) => parseOne(text, () => undefined);

/**
 * The same, except that a plain number or boolean which is not written the way it prints comes as the text it is written as:
 * `010`, `1.10`, `yes`, `0x1f`. So what was meant as a text can still be told, as Go's YAML tells it to a field that is one.
 */
export const parseTextualYaml: ParseYaml = (text) =>
  parseOne(text, (document) => {
    visit(document, {
      Scalar: (_, node) => {
        const { value, source, type } = node;
        const isLossy = (typeof value === 'number' || typeof value === 'boolean') && String(value) !== source;
        if (isLossy && type === 'PLAIN' && source !== undefined) node.value = source;
      },
    });
  });

function parseOne(text: string, adapt: (document: Document.Parsed) => void): ReturnType<ParseYaml> {
  const { documents, faults } = parseYamlDocuments(text, adapt);
  const [fault] = faults;
  if (fault !== undefined) return { ok: false, why: `line ${fault.line}: ${fault.why}` };
  const [first, second] = documents;
  if (second !== undefined)
    return { ok: false, why: `line ${second.line}: a second document begins, one is expected` };
  return { ok: true, value: first?.value ?? null };
}

/** Reads every document of a text. A document with a fault is left out; the others are there, after `adapt` saw them. */
export function parseYamlDocuments(
  text: string,
  adapt: (document: Document.Parsed) => void = () => undefined,
): YamlDocuments {
  const lines = new LineCounter();
  const documents: YamlDocument[] = [];
  const faults: YamlFault[] = [];
  for (const document of parseAll(text, lines, faults)) {
    const found = faultsOf(document, lines);
    faults.push(...found);
    if (found.length > 0 || document.contents === null) continue;
    const line = lineAt(lines, document.contents.range[0]);
    try {
      adapt(document);
      const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
      const why = whyNotJson(value);
      if (why !== undefined) faults.push({ line, why });
      else if (value !== null)
        documents.push({ value, line, place: (path, inside) => placeIn(document, lines, path, inside) });
    } catch (error) {
      // Missing anchors, aliases of aliases of aliases, nesting without end.
      faults.push({ line, why: messageOf(error) });
    }
  }
  return { documents, faults };
}

/** A value inside a document: keys of maps and indexes of lists from the outside in. */
export type YamlPath = readonly (string | number)[];

/**
 * The line (1 is the first) on which a value of the first document stands, or the key that leads to it, or, where there is
 * none, the nearest thing around it. For a literal block (`|`) `inside` is a line of its text.
 */
export function lineOfPath(text: string, path: YamlPath, inside?: number): number {
  const lines = new LineCounter();
  const [document] = parseAll(text, lines, []);
  return placeIn(document, lines, path, inside).line;
}

function placeIn(
  document: Document.Parsed | undefined,
  lines: LineCounter,
  path: YamlPath,
  inside: number | undefined,
): YamlPlace {
  let node: unknown = document?.contents;
  let offset = (node as Node | null | undefined)?.range?.[0] ?? 0;
  for (const step of path) {
    const [at, next] = stepInto(node, step);
    if (at === undefined) break;
    offset = at.range?.[0] ?? offset;
    node = next;
  }
  if (inside === undefined || !isScalar(node) || node.type !== 'BLOCK_LITERAL') {
    return { line: lineAt(lines, offset), column: Math.max(1, lines.linePos(offset).col) };
  }
  return { line: lineAt(lines, node.range?.[0] ?? offset) + inside, column: 1 };
}

/** What a reader is shown for a step, its key in a map, and what is behind it. */
function stepInto(node: unknown, step: string | number): readonly [Node | undefined, unknown] {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
    return pair === undefined ? [undefined, undefined] : [pair.key as Node, pair.value];
  }
  const item = isSeq(node) && typeof step === 'number' ? node.items[step] : undefined;
  return [item as Node | undefined, item];
}

/** One document, without anchors, that every YAML reader reads back the same. */
export function formatYaml(value: unknown): string {
  return stringify(value, { version: '1.1', aliasDuplicateObjects: false, lineWidth: 100 });
}

/** How often aliases may be resolved in one document, counted as the package counts: products of nested ones. */
const MAX_ALIASES = 100;

/** Tags of YAML 1.1 that kubectl's reader has no types for. `1:30` is text there, not 90; a date stays text. */
const UNKNOWN_TO_KUBECTL = ['binary', 'omap', 'pairs', 'set', 'timestamp'].map(
  (name) => `tag:yaml.org,2002:${name}`,
);

function kubectlTags(tags: Tags): Tags {
  return tags.filter((tag: TagId | Exclude<Tags[number], TagId>) => {
    if (typeof tag === 'string') return true;
    return !UNKNOWN_TO_KUBECTL.includes(tag.tag) && tag.format !== 'TIME';
  });
}

function parseAll(
  text: string,
  lineCounter: LineCounter,
  faults: YamlFault[],
): readonly Document.Parsed<ParsedNode>[] {
  try {
    return parseAllDocuments(text, {
      version: '1.1',
      customTags: kubectlTags,
      prettyErrors: false,
      logLevel: 'error',
      lineCounter,
    });
  } catch (error) {
    // Only nesting deeper than the stack gets here.
    faults.push({ line: 1, why: messageOf(error) });
    return [];
  }
}

function faultsOf(document: Document.Parsed, lines: LineCounter): YamlFault[] {
  return [...document.errors, ...document.warnings].map((fault) => ({
    line: lineAt(lines, fault.pos[0]),
    why: fault.message,
  }));
}

function lineAt(lines: LineCounter, offset: number): number {
  return Math.max(1, lines.linePos(offset).line);
}

/** YAML has numbers that JSON has not. */
function whyNotJson(value: unknown): string | undefined {
  if (typeof value === 'number' && !Number.isFinite(value))
    return `${value} is no number that JSON can carry`;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const inner of Object.values(value)) {
    const why = whyNotJson(inner);
    if (why !== undefined) return why;
  }
  return undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
