import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, beforeEach, suite, test } from 'node:test';
import { GitRepository } from '../../../src/standalone/git/repository.ts';
import { GitFolder } from '../../support/git-folder.ts';

const folders: GitFolder[] = [];
let repo: GitFolder;
beforeEach(() => {
  repo = new GitFolder();
  folders.push(repo);
});
after(() => folders.forEach((each) => each.remove()));

const open = (path = '', branch?: string): GitRepository =>
  new GitRepository({ directory: repo.folder, path, ...(branch === undefined ? {} : { branch }) });

suite('standalone/git/repository', () => {
  test('reads the manifests of a commit, not of the work tree', async () => {
    const commit = repo.commit({
      'a.yaml': 'a: 1\n',
      'b/c.yml': 'c: ü\n',
      'b/d.json': '{}',
      'README.md': '# no',
    });
    writeFileSync(path.join(repo.folder, 'a.yaml'), 'a: 2\n');
    assert.equal(await open().revision(), commit);
    assert.deepEqual(await open().manifests(commit), {
      files: [
        { path: 'a.yaml', text: 'a: 1\n' },
        { path: 'b/c.yml', text: 'c: ü\n' },
        { path: 'b/d.json', text: '{}' },
      ],
      faults: [],
    });
  });

  test('follows the branch it was given, whatever is checked out', async () => {
    const first = repo.commit({ 'a.yaml': 'a: 1\n' });
    repo.git('checkout', '--quiet', '-b', 'next/one');
    const second = repo.commit({ 'a.yaml': 'a: 2\n' });
    assert.equal(await open('', 'main').revision(), first);
    assert.equal(await open('', 'next/one').revision(), second);
    assert.equal(await open().revision(), second);
  });

  test('reads only below the path; a path can be one file; folders that begin with a dot are left out', async () => {
    const commit = repo.commit({
      'a.yaml': 'a',
      'site/b.yaml': 'b',
      'sites/c.yaml': 'c',
      'site/.draft/d.yaml': 'd',
      '.github/workflows/ci.yml': 'e',
    });
    const names = async (at: string) => (await open(at).manifests(commit)).files.map((file) => file.path);
    assert.deepEqual(await names('site'), ['site/b.yaml']);
    assert.deepEqual(await names('site/b.yaml'), ['site/b.yaml']);
    assert.deepEqual(await names(''), ['a.yaml', 'site/b.yaml', 'sites/c.yaml']);
    assert.deepEqual(await names('.github'), ['.github/workflows/ci.yml']);
  });

  test('reads a bare repository', async () => {
    const commit = repo.commit({ 'a.yaml': 'a: 1\n' });
    const bare = mkdtempSync(path.join(tmpdir(), 'cleat-git-'));
    try {
      repo.git('clone', '--quiet', '--bare', repo.folder, `${bare}/net.git`);
      const repository = new GitRepository({ directory: `${bare}/net.git`, path: '' });
      assert.equal(await repository.revision(), commit);
      assert.equal((await repository.manifests(commit)).files.length, 1);
    } finally {
      rmSync(bare, { recursive: true });
    }
  });

  test(
    'reads a repository that belongs to somebody else',
    { skip: process.getuid?.() !== 0 && 'needs root' },
    async () => {
      const commit = repo.commit({ 'a.yaml': 'a: 1\n' });
      for (const name of ['', '.git']) chownSync(path.join(repo.folder, name), 65_534, 65_534);
      assert.equal(await open().revision(), commit);
    },
  );

  test('runs nothing the repository brings', async () => {
    const commit = repo.commit({ 'a.yaml': 'a: 1\n' });
    const mark = path.join(repo.folder, 'ran');
    const script = path.join(repo.folder, 'script');
    writeFileSync(script, `#!/bin/sh\ntouch ${mark}\n`);
    chmodSync(script, 0o755);
    for (const hook of ['post-checkout', 'post-index-change', 'reference-transaction']) {
      symlinkSync(script, path.join(repo.folder, '.git/hooks', hook));
    }
    for (const key of ['core.fsmonitor', 'core.pager', 'core.sshCommand', 'core.gitProxy'])
      repo.git('config', key, script);
    await open().revision();
    assert.equal((await open().manifests(commit)).files.length, 1);
    assert.equal(existsSync(mark), false);
  });

  test('a partial clone does not call its remote for what it lacks', async () => {
    const commit = repo.commit({ 'a.yaml': 'a: 1\n' });
    const mark = path.join(repo.folder, 'ran');
    const blob = repo.git('rev-parse', 'HEAD:a.yaml').trim();
    rmSync(path.join(repo.folder, '.git/objects', blob.slice(0, 2)), { recursive: true });
    for (const [key, value] of Object.entries({
      'core.repositoryFormatVersion': '1',
      'extensions.partialClone': 'origin',
      'remote.origin.promisor': 'true',
      'remote.origin.url': repo.folder,
      'remote.origin.uploadpack': `touch ${mark}; git-upload-pack`,
      'protocol.file.allow': 'always',
    })) {
      repo.git('config', key, value);
    }
    await assert.rejects(open().manifests(commit), { name: 'UserError' });
    assert.equal(existsSync(mark), false);
  });

  const FAULTY: readonly [what: string, files: Record<string, string | Buffer>, fault: RegExp][] = [
    ['no manifest', { 'README.md': 'hi' }, /^the repository holds no \*\.yaml/],
    ['text that is not UTF-8', { 'a.yaml': Buffer.from([0x61, 0xff]) }, /^a\.yaml is not UTF-8 text/],
    [
      'a file too large',
      { 'a.yaml': Buffer.alloc(3 * 1024 * 1024 + 1, '#') },
      /^a\.yaml has 3145729 bytes, more than/,
    ],
  ];
  for (const [what, files, fault] of FAULTY) {
    test(`says so when there is ${what}`, async () => {
      const { faults } = await open().manifests(repo.commit(files));
      assert.equal(faults.length, 1);
      assert.match(`${faults[0]?.file} ${faults[0]?.what}`, fault);
    });
  }

  test('does not follow links', async () => {
    symlinkSync('/etc/hostname', path.join(repo.folder, 'a.yaml'));
    const { files, faults } = await open().manifests(repo.commit({}));
    assert.deepEqual(files, []);
    assert.match(faults[0]?.what ?? '', /is a link, which is not followed/);
  });

  const UNREADABLE: readonly [what: string, attempt: () => Promise<unknown>, sentence: RegExp][] = [
    [
      'a folder that is not there',
      async () => new GitRepository({ directory: '/no/such', path: '' }),
      /there is no folder \/no\/such; name/,
    ],
    ['no commit', () => open().revision(), /has no commit yet; make one/],
    [
      'a branch that is not there',
      async () => {
        repo.commit({});
        return open('', 'nope').revision();
      },
      /#nope: there is no branch nope; name one/,
    ],
    [
      'a folder inside a repository',
      async () => {
        repo.commit({ 'sub/a.yaml': '' });
        return new GitRepository({ directory: path.join(repo.folder, 'sub'), path: '' }).revision();
      },
      /is not the top folder of a git repository/,
    ],
    [
      'a broken repository',
      async () => {
        writeFileSync(path.join(repo.folder, '.git/config'), '[core\n');
        return open().revision();
      },
      /git cannot read it \(.+\); repair/,
    ],
  ];
  for (const [what, attempt, sentence] of UNREADABLE) {
    test(`${what} is a fault in words`, async () => {
      await assert.rejects(attempt(), (error: Error) => {
        assert.equal(error.name, 'UserError');
        assert.match(error.message, sentence);
        return true;
      });
    });
  }
});
