/**
 * The git command, for reading only: which commit a branch is at, and the manifests in it. Runs without a shell, reads no
 * configuration but the repository's own, runs no hook, asks nobody for a password and reaches no network, so a hostile
 * repository can at most be unreadable.
 */
import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import path from 'node:path';

import { UserError } from '../../api/user-error.ts';
import type { ManifestFault, ManifestFile } from './manifests.ts';
import { formatGitSource, type GitSource } from './source.ts';

/** More than any real folder of manifests holds; a repository beyond them is refused, not read in part. */
const MAX_FILES = 10_000;
const MAX_FILE_BYTES = 3 * 1024 * 1024;
const MAX_TOTAL_BYTES = 64 * 1024 * 1024;
const COMMAND_TIMEOUT_MS = 30_000;

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
const MANIFEST_NAME = /\.(?:ya?ml|json)$/i;

/** One manifest as git lists it. */
interface TreeEntry {
  readonly mode: string;
  readonly type: string;
  readonly blob: string;
  readonly sizeBytes: number;
  readonly path: string;
}

export class GitRepository {
  readonly #source: GitSource;
  readonly #directory: string;

  /** Throws UserError where the folder does not exist. */
  constructor(source: GitSource) {
    this.#source = source;
    try {
      this.#directory = realpathSync(source.directory);
    } catch {
      throw new UserError(
        `--git ${formatGitSource(source)}: there is no folder ${source.directory}; name the folder of a git repository`,
      );
    }
  }

  /** The commit the branch is at now. Throws UserError where the repository or the branch cannot be read. */
  async revision(): Promise<string> {
    const { branch } = this.#source;
    const ref = branch === undefined ? 'HEAD' : `refs/heads/${branch}`;
    const answer = await this.#git(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`]);
    if (answer.kind === 'done') {
      const commit = answer.stdout.toString('latin1').trim();
      if (COMMIT.test(commit)) return commit;
    }
    const why = answer.kind === 'failed' ? answer.stderr : '';
    if (/not a git repository/.test(why)) {
      throw this.#error(`${this.#source.directory} is not the top folder of a git repository; name that one`);
    }
    if (why !== '') throw this.#error(`git cannot read it (${firstLine(why)}); repair the repository`);
    throw this.#error(
      branch === undefined
        ? 'the repository has no commit yet; make one'
        : `there is no branch ${branch}; name one that \`git branch\` lists`,
    );
  }

  /** The manifests under the source's path at `commit`, and what keeps them from being read. Dot-folders are left out. */
  async manifests(commit: string): Promise<{ files: ManifestFile[]; faults: ManifestFault[] }> {
    const entries = (await this.#list(commit)).filter((entry) => this.#isManifest(entry.path));
    if (entries.length === 0) {
      const where = this.#source.path === '' ? 'the repository' : this.#source.path;
      return {
        files: [],
        faults: [
          { file: where, what: 'holds no *.yaml, *.yml or *.json file; add one or name another path' },
        ],
      };
    }
    const faults = faultsOfEntries(entries);
    if (entries.some((entry) => entry.type === 'blob' && Number.isNaN(entry.sizeBytes)))
      throw this.#lacksObjects();
    if (faults.length > 0) return { files: [], faults };
    const files: ManifestFile[] = [];
    for (const [index, content] of (await this.#read(entries)).entries()) {
      const file = entries[index]?.path ?? '';
      const text = decodeUtf8(content);
      if (text === undefined) faults.push({ file, what: 'is not UTF-8 text; save it as UTF-8' });
      else files.push({ path: file, text });
    }
    return { files, faults };
  }

  #isManifest(file: string): boolean {
    const below = this.#source.path === '' ? file : file.slice(this.#source.path.length);
    return MANIFEST_NAME.test(file) && !below.split('/').some((segment) => segment.startsWith('.'));
  }

  async #list(commit: string): Promise<TreeEntry[]> {
    const under = this.#source.path === '' ? [] : ['--', this.#source.path];
    const answer = await this.#git(['ls-tree', '-r', '-z', '-l', '--full-tree', commit, ...under]);
    if (answer.kind === 'failed')
      throw this.#error(`git cannot list commit ${commit} (${firstLine(answer.stderr)})`);
    return parseTree(answer.stdout.toString('utf8'));
  }

  async #read(entries: readonly TreeEntry[]): Promise<Buffer[]> {
    const wanted = entries.map((entry) => `${entry.blob}\n`).join('');
    const answer = await this.#git(['cat-file', '--batch'], wanted);
    if (answer.kind === 'failed')
      throw this.#error(`git cannot read its objects (${firstLine(answer.stderr)})`);
    const contents = parseBatch(answer.stdout);
    if (contents.length !== entries.length) throw this.#lacksObjects();
    return contents;
  }

  #lacksObjects(): UserError {
    return this.#error(
      'the repository lacks objects of the commit; run `git fsck` there, or clone it in full',
    );
  }

  #git(args: readonly string[], input = ''): Promise<GitAnswer> {
    return runGit(this.#directory, args, input);
  }

  #error(what: string): UserError {
    return new UserError(`--git ${formatGitSource(this.#source)}: ${what}`);
  }
}

type GitAnswer =
  { readonly kind: 'done'; readonly stdout: Buffer } | { readonly kind: 'failed'; readonly stderr: string };

function runGit(directory: string, args: readonly string[], input: string): Promise<GitAnswer> {
  const options = {
    encoding: 'buffer' as const,
    timeout: COMMAND_TIMEOUT_MS,
    killSignal: 'SIGKILL' as const,
    maxBuffer: 2 * MAX_TOTAL_BYTES,
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      LC_ALL: 'C',
      GIT_TERMINAL_PROMPT: '0',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_LITERAL_PATHSPECS: '1',
      GIT_OPTIONAL_LOCKS: '0',
      // A partial clone would fetch what it lacks, by a command its own configuration names.
      GIT_ALLOW_PROTOCOL: '',
      GIT_NO_LAZY_FETCH: '1',
      // Not a repository further up, which may be somebody else's.
      GIT_CEILING_DIRECTORIES: path.dirname(directory),
    },
  };
  // The user named this folder: that it belongs to somebody else is no reason to refuse it.
  const settings = ['protocol.ext.allow=never', 'core.hooksPath=/dev/null', `safe.directory=${directory}`];
  const all = ['-C', directory, ...settings.flatMap((setting) => ['-c', setting]), ...args];
  return new Promise((resolve, reject) => {
    const child = execFile('git', all, options, (error, stdout, stderr) => {
      if (error === null) resolve({ kind: 'done', stdout });
      else if ('code' in error && error.code === 'ENOENT') {
        reject(new UserError('the command git is missing; install it (Debian: apt-get install git)'));
      } else if (error.killed === true) {
        resolve({
          kind: 'failed',
          stderr: `git ${args[0] ?? ''} took longer than ${COMMAND_TIMEOUT_MS / 1000} s or wrote too much`,
        });
      } else resolve({ kind: 'failed', stderr: stderr.toString('utf8') });
    });
    // Git may close its input early (EPIPE); its exit code tells why.
    child.stdin?.on('error', () => undefined).end(input);
  });
}

/** `MODE TYPE OBJECT SIZE<tab>PATH<nul>`…, git-ls-tree(1) with -l -z; SIZE is no number for what has none or is missing. */
function parseTree(text: string): TreeEntry[] {
  return text
    .split('\0')
    .map((line) => /^(\d+) (\w+) ([0-9a-f]+) +(\S+)\t(.*)$/s.exec(line))
    .filter((match) => match !== null)
    .map(([, mode = '', type = '', blob = '', size = '', file = '']) => ({
      mode,
      type,
      blob,
      sizeBytes: Number(size),
      path: file,
    }));
}

/** `OBJECT TYPE SIZE<lf>CONTENT<lf>`…, git-cat-file(1) with --batch; stops at the first object git does not have. */
function parseBatch(output: Buffer): Buffer[] {
  const contents: Buffer[] = [];
  let at = 0;
  while (at < output.length) {
    const end = output.indexOf(0x0a, at);
    const size = /^[0-9a-f]+ blob (\d+)$/.exec(output.toString('latin1', at, end === -1 ? at : end))?.[1];
    if (size === undefined) break;
    contents.push(output.subarray(end + 1, end + 1 + Number(size)));
    at = end + 1 + Number(size) + 1;
  }
  return contents;
}

function faultsOfEntries(entries: readonly TreeEntry[]): ManifestFault[] {
  const faults = entries.flatMap((entry): ManifestFault[] => {
    if (entry.type !== 'blob' || entry.mode === '120000') {
      return [{ file: entry.path, what: 'is a link, which is not followed; commit the file itself' }];
    }
    if (entry.sizeBytes <= MAX_FILE_BYTES) return [];
    return [
      { file: entry.path, what: `has ${entry.sizeBytes} bytes, more than ${MAX_FILE_BYTES}; split it` },
    ];
  });
  const totalBytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0);
  if (entries.length > MAX_FILES || totalBytes > MAX_TOTAL_BYTES) {
    faults.push({
      file: entries[0]?.path ?? '',
      what: `is one of ${entries.length} manifests of ${totalBytes} bytes, more than ${MAX_FILES} files or ${MAX_TOTAL_BYTES} bytes; name a smaller folder with --git DIR#branch:path`,
    });
  }
  return faults;
}

function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function firstLine(text: string): string {
  return (text.trim().split('\n', 1)[0] ?? '').replace(/^(?:fatal|error): /, '');
}
