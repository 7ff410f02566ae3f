/** The real kubectl, run against an embedded API server of its own. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { startApiServer } from './api-server.ts';
import type { RunningServer } from './api-server.ts';
import { formatKubeconfig } from './kubeconfig.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Kubectl {
  readonly api: RunningServer;
  /** Runs to its end, `input` as its standard input. */
  readonly run: (args: string, input?: string) => Promise<Ran>;
  /** As run, for a command that must succeed; gives its output. */
  readonly ok: (args: string, input?: string) => Promise<string>;
  /** As run, for a command that must fail; gives what it says. */
  readonly fails: (args: string, input?: string) => Promise<string>;
  /** Starts a command that goes on by itself. */
  readonly start: (args: string) => Running;
}

interface Running {
  /** Resolves once a line matches; rejects after ten seconds or where the command ends before. */
  line(pattern: RegExp): Promise<string>;
  stop(): void;
}

export function kubectlIsMissing(): boolean {
  return spawnSync('kubectl', ['version', '--client']).status !== 0;
}

/** An embedded API server and the real kubectl set up for it; both end with the test. */
export async function startKubectl(context: TestContext): Promise<Kubectl> {
  const api = await startApiServer(context);
  const folder = mkdtempSync(path.join(tmpdir(), 'cleat-kubectl-'));
  const children = new Set<ChildProcess>();
  context.after(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const kubeconfig = path.join(folder, 'config');
  writeFileSync(kubeconfig, formatKubeconfig({ url: api.server.url, caPem: api.caPem, token: api.token }));
  const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: path.join(folder, 'cache') };
  const launch = (args: string): ChildProcess => {
    const child = spawn('kubectl', splitWords(args), { env });
    children.add(child);
    child.once('close', () => children.delete(child));
    return child;
  };
  const run = (args: string, input = ''): Promise<Ran> =>
    new Promise((resolve, reject) => {
      const child = launch(args);
      let [out, err] = ['', ''];
      child.stdout?.on('data', (text: Buffer) => (out += text.toString()));
      child.stderr?.on('data', (text: Buffer) => (err += text.toString()));
      child.once('error', reject);
      child.once('close', (code) => resolve({ code: code ?? -1, out, err }));
      child.stdin?.end(input);
    });
  return {
    api,
    run,
    ok: async (args, input) => {
      const { code, out, err } = await run(args, input);
      assert.equal(code, 0, `kubectl ${args}\n${out}${err}`);
      return out;
    },
    fails: async (args, input) => {
      const { code, out, err } = await run(args, input);
      assert.notEqual(code, 0, `kubectl ${args}\n${out}${err}`);
      return err;
    },
    start: (args) => follow(launch(args)),
  };
}

/** `a 'b c'` as two words. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

function follow(child: ChildProcess): Running {
  let out = '';
  let over = false;
  let wake = (): void => undefined;
  const hear = (text: Buffer): void => {
    out += text.toString();
    wake();
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  child.once('close', () => {
    over = true;
    wake();
  });
  return {
    stop: () => void child.kill(),
    line: async (pattern) => {
      const deadline = performance.now() + 10_000;
      for (;;) {
        const found = out.split('\n').find((line) => pattern.test(line));
        if (found !== undefined) return found;
        if (over || performance.now() > deadline) throw new Error(`no line matches ${pattern} in:\n${out}`);
        await new Promise<void>((resume) => {
          const timer = setTimeout(resume, 10_000);
          wake = () => {
            clearTimeout(timer);
            resume();
          };
        });
      }
    },
  };
}
