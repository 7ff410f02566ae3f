/** A Git repository in a temporary folder, with commits made by the real git, for tests and the demo. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export class GitFolder {
  readonly folder: string;

  constructor(branch = 'main') {
    this.folder = mkdtempSync(path.join(tmpdir(), 'cleat-git-'));
    this.git('init', '--quiet', `--initial-branch=${branch}`);
  }

  /** Runs git here, as somebody with a name; returns what it wrote. */
  git(...args: string[]): string {
    return execFileSync(
      'git',
      ['-C', this.folder, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env['PATH'],
          GIT_CONFIG_GLOBAL: '/dev/null',
          GIT_CONFIG_NOSYSTEM: '1',
          LC_ALL: 'C',
        },
      },
    );
  }

  /** Writes files (undefined removes one) and commits everything; returns the commit. */
  commit(files: Readonly<Record<string, string | Buffer | undefined>>, message = 'change'): string {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(this.folder, name);
      if (content === undefined) rmSync(file);
      else {
        mkdirSync(path.dirname(file), { recursive: true });
        writeFileSync(file, content);
      }
    }
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', `--message=${message}`);
    return this.git('rev-parse', 'HEAD').trim();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
