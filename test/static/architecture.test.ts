/**
 * The map of ARCHITECTURE.md, enforced: who may import whom, no cycles, one door for each npm package, files of one
 * subject. Reads the source as text; an import nobody can see in text would be one that no reader sees either.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');

/** Rooms a room may import besides itself. */
const ARROWS: Record<string, readonly string[]> = {
  api: [],
  ports: ['api'],
  core: ['api'],
  protocol: ['api', 'core/net'],
  kube: ['api', 'ports', 'core/net'],
  platform: ['api', 'ports', 'core/net', 'protocol'],
  cluster: ['api', 'ports', 'core'],
  webhook: ['api', 'ports', 'core', 'protocol', 'kube', 'platform', 'cluster'],
  controller: ['api', 'ports', 'core', 'protocol', 'kube', 'platform', 'cluster'],
  speaker: ['api', 'ports', 'core', 'protocol', 'kube', 'platform', 'cluster'],
  gitops: ['api', 'ports', 'core', 'protocol', 'kube', 'platform'],
  standalone: ['api', 'ports', 'core', 'protocol', 'kube', 'platform', 'cluster'],
  cli: [
    'api',
    'ports',
    'core',
    'protocol',
    'kube',
    'platform',
    'cluster',
    'webhook',
    'controller',
    'speaker',
    'gitops',
    'standalone',
  ],
};

/** Rooms that must not touch the machine. */
const PURE = ['api', 'core', 'protocol'];

/** The one place that may import each npm package. */
const DOORS: Record<string, string> = {
  '@kubernetes/client-node': 'src/kube/',
  undici: 'src/kube/',
  express: 'src/platform/http.ts',
  'node-forge': 'src/webhook/certificates',
  pino: 'src/platform/',
  '@prometheus-io/client': 'src/platform/',
  yaml: 'src/platform/yaml.ts',
  commander: 'src/cli/',
  '@marcbachmann/cel-js': 'src/standalone/cel.ts',
};

const MAX_LINES = 350;

interface SourceFile {
  readonly file: string;
  readonly lines: number;
  readonly imports: readonly { readonly specifier: string; readonly typeOnly: boolean }[];
}

const files: readonly SourceFile[] = globSync('src/**/*.ts', { cwd: root })
  .toSorted()
  .map((file) => {
    const text = readFileSync(path.join(root, file), 'utf8');
    const imports = [
      ...text.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm),
    ].map((match) => ({ specifier: match[2] ?? '', typeOnly: match[1] !== undefined }));
    for (const match of text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)) {
      imports.push({ specifier: match[1] ?? '', typeOnly: false });
    }
    return { file, lines: text.split('\n').length, imports };
  });

function roomOf(file: string): string {
  const [, room = ''] = file.split('/');
  return room.replace(/\.ts$/, '');
}

function targetOf(file: string, specifier: string): string {
  return path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
}

test('there is source to look at', () => {
  assert.ok(files.length > 20);
  assert.ok(files.some(({ imports }) => imports.length > 0));
});

test('imports follow the arrows of the map', () => {
  const wrong = files.flatMap(({ file, imports }) =>
    imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => targetOf(file, specifier))
      .filter((target) => {
        const from = roomOf(file);
        if (roomOf(target) === from || (from === 'cli' && target === 'package.json')) return false;
        const allowed = ARROWS[from];
        assert.ok(allowed, `room src/${from} is not on the map`);
        return !allowed.some((room) => target === `src/${room}.ts` || target.startsWith(`src/${room}/`));
      })
      .map((target) => `${file} -> ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('core, protocol and api import nothing of the machine and nothing from npm', () => {
  const wrong = files
    .filter(({ file }) => PURE.includes(roomOf(file)))
    .flatMap(({ file, imports }) =>
      imports
        .filter(({ specifier }) => !specifier.startsWith('.'))
        .map(({ specifier }) => `${file} -> ${specifier}`),
    );
  assert.deepEqual(wrong, []);
});

test('each npm package has one door, types aside', () => {
  const wrong = files.flatMap(({ file, imports }) =>
    imports
      .filter(({ specifier, typeOnly }) => !specifier.startsWith('.') && !isBuiltin(specifier) && !typeOnly)
      .map(({ specifier }) =>
        specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/'),
      )
      .filter((name) => !(DOORS[name] !== undefined && file.startsWith(DOORS[name])))
      .map((name) => `${file} -> ${name}`),
  );
  assert.deepEqual(wrong, []);
});

test('no import cycle, types included', () => {
  const graph = new Map(
    files.map(({ file, imports }) => [
      file,
      imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => targetOf(file, specifier)),
    ]),
  );
  const finished = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    if (finished.has(file)) return;
    if (trail.includes(file)) {
      cycles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
      return;
    }
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  assert.deepEqual(cycles, []);
});

test(`no source file is longer than ${MAX_LINES} lines`, () => {
  assert.deepEqual(
    files.filter(({ lines }) => lines > MAX_LINES).map(({ file, lines }) => `${file}: ${lines}`),
    [],
  );
});

test('main files and verbs compose: under 150 lines', () => {
  assert.deepEqual(
    files
      .filter(({ file, lines }) => roomOf(file) === 'cli' && lines > 150)
      .map(({ file, lines }) => `${file}: ${lines}`),
    [],
  );
});
