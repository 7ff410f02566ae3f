/**
 * The root file system of the image, assembled without a container engine: what the last stage of the Dockerfile copies, and in
 * place of its base (Debian's C and C++ libraries and nothing to run) the libraries of this machine that the binaries ask for.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/** What gcr.io/distroless/cc-debian12 has: glibc, libgcc, libgomp, libstdc++. */
const LIBRARIES_OF_BASE =
  /^(?:ld-linux-[a-z0-9-]+\.so\.\d|lib(?:c|m|dl|pthread|rt|resolv|gcc_s|gomp|stdc\+\+)\.so\.\d+)$/;

export interface Image {
  /** The folder that is its /. */
  readonly folder: string;
  readonly entrypoint: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The image's base, as the Dockerfile names it. */
  readonly base: string;
}

/** The last stage of the Dockerfile, read as strictly as it is written. Throws for a line that this cannot do. */
function readDockerfile(): Omit<Image, 'folder'> & { copies: readonly [string, string][] } {
  const text = readFileSync(path.join(root, 'Dockerfile'), 'utf8').replaceAll(/\\\n/g, ' ');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const [from = '', ...stage] = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
  const copies: [string, string][] = [];
  const environment: Record<string, string> = {};
  let entrypoint: readonly string[] = [];
  for (const line of stage) {
    const [, source, target] = /^COPY --from=build (\S+) (\S+)$/.exec(line) ?? [];
    const [, name, value] = /^ENV (\w+)=(\S+)$/.exec(line) ?? [];
    if (source !== undefined && target !== undefined) copies.push([source, target]);
    else if (name !== undefined && value !== undefined) environment[name] = value;
    else if (line.startsWith('ENTRYPOINT ')) entrypoint = JSON.parse(line.slice(11)) as string[];
    else if (!line.startsWith('LABEL ')) throw new Error(`nothing is known here about: ${line}`);
  }
  return { base: from.replace('FROM ', ''), entrypoint, environment, copies };
}

/** Assembles it in `folder`, which must be empty. The bundle is made for it. */
export function assembleImage(folder: string): Image {
  const { base, entrypoint, environment, copies } = readDockerfile();
  const bundle = `${folder}.dist`;
  execFileSync(process.execPath, [path.join(root, 'tools/bundle.ts'), bundle], { stdio: 'ignore' });
  const made: Readonly<Record<string, string>> = {
    '/usr/bin/node-of-lock': realpathSync(path.join(root, 'node_modules/.bin/node')),
    '/src/dist': bundle,
  };
  for (const [source, target] of copies) {
    const from = made[source];
    if (from === undefined) throw new Error(`the build makes no ${source}`);
    mkdirSync(path.dirname(path.join(folder, target)), { recursive: true });
    cpSync(from, path.join(folder, target), { recursive: true });
  }
  const binaries = ['usr/bin/node', 'cleat/netsys.node'].map((name) => path.join(folder, name));
  for (const [name, file] of librariesOf(binaries)) {
    if (!LIBRARIES_OF_BASE.test(name)) throw new Error(`${name} is needed, and ${base} does not have it`);
    // Where the binaries look: the loader by its path, the others in a folder of the loader's.
    const target = path.join(folder, name.startsWith('ld-') ? file : path.join('/lib', name));
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
  for (const mounted of ['proc', 'dev', 'tmp']) mkdirSync(path.join(folder, mounted));
  return { folder, entrypoint, environment, base };
}

/** Name and path of each shared library that the files ask for, directly or not. */
function librariesOf(files: readonly string[]): ReadonlyMap<string, string> {
  const libraries = new Map<string, string>();
  for (const file of files) {
    const { stdout } = spawnSync('ldd', [file], { encoding: 'utf8' });
    for (const [, found = ''] of stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm))
      libraries.set(path.basename(found), found);
  }
  return libraries;
}
