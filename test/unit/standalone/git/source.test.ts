import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { formatGitSource, parseGitSource } from '../../../../src/standalone/git/source.ts';

const GOOD: readonly [text: string, source: object][] = [
  ['repo', { directory: 'repo', path: '' }],
  ['/srv/net.git', { directory: '/srv/net.git', path: '' }],
  ['repo#main', { directory: 'repo', branch: 'main', path: '' }],
  ['repo:clusters/a', { directory: 'repo', path: 'clusters/a' }],
  ['./repo#release/1.2:a/b', { directory: './repo', branch: 'release/1.2', path: 'a/b' }],
  ['repo:./a//b/', { directory: 'repo', path: 'a/b' }],
  ['repo#main:', { directory: 'repo', branch: 'main', path: '' }],
];

const BAD: readonly [text: string, why: RegExp][] = [
  ['', /names no folder/],
  ['#main', /names no folder/],
  ['-C/etc', /begins with "-"; write \.\/-C/],
  ['repo#-x', /branch "-x" is not a name git allows/],
  ['repo#', /branch "" is not a name/],
  ['repo#a..b', /not a name git allows/],
  ['repo#a.lock', /not a name git allows/],
  ['repo#a b', /not a name git allows/],
  ['repo#main^{tree}', /not a name git allows/],
  ['repo:../etc', /leaves the repository/],
  ['repo:a/../../b', /leaves the repository/],
  ['repo:/etc', /leaves the repository/],
  ['repo:--help', /path "--help" begins with "-"/],
  ['repo:a\nb', /control character/],
  ['https://example.org/net.git', /remote address; clone it/],
  ['git@example.org:net.git', /remote address; clone it/],
];

suite('standalone/git/source', () => {
  for (const [text, source] of GOOD) {
    test(`reads ${text}`, () => assert.deepEqual(parseGitSource(text), { ok: true, source }));
  }

  for (const [text, why] of BAD) {
    test(`refuses ${JSON.stringify(text)} in words`, () => {
      const parsed = parseGitSource(text);
      assert.ok(!parsed.ok);
      assert.match(parsed.why, why);
    });
  }

  test('never throws, and what it reads gives git no option, no other ref and no way out', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('#', ':', '-', '..', '/', '@{', 'main', '--exec=x', '.lock', '\n'),
    );
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join('')),
        (text) => {
          const parsed = parseGitSource(text);
          if (!parsed.ok) return assert.match(parsed.why, /;|DIR\[#branch\]/);
          const { directory, branch = 'main', path } = parsed.source;
          for (const part of [directory, branch, path]) assert.ok(!part.startsWith('-'), part);
          assert.match(branch, /^[\w./+-]+$/);
          assert.doesNotMatch(branch, /\.\.|@\{/);
          assert.ok(!path.startsWith('/') && !path.split('/').includes('..'), path);
        },
      ),
    );
  });

  test('formats what it read so that it reads the same', () => {
    for (const [text] of GOOD) {
      const parsed = parseGitSource(text);
      assert.ok(parsed.ok);
      assert.deepEqual(parseGitSource(formatGitSource(parsed.source)), parsed);
    }
  });
});
