/**
 * The Git reconciler: what one commit of a repository holds is what the API server holds. `cleat up --git DIR[#branch][:path]`
 * watches a branch; each new commit is read whole, checked whole, and applied whole under the field manager cleat-git, or
 * not at all: a commit with a fault changes nothing and what was running keeps running with the last good one.
 *
 * Files, in the order a commit passes them: source (what --git means), repository (the git command), manifests (files to
 * checked objects), order (what goes first), inventory (what was applied before), rollout (dry run, apply, prune),
 * reconciler (the loop). All but repository, rollout and reconciler are pure.
 */

/** Where manifests come from. */
export interface GitSource {
  /** The repository: the top folder of a work tree, or a bare repository, as written. */
  readonly directory: string;
  /** Absent: whatever branch is checked out there (HEAD). */
  readonly branch?: string;
  /** A folder or file inside the repository, without leading or trailing slash; '' is all of it. */
  readonly path: string;
}

export type ParsedGitSource =
  { readonly ok: true; readonly source: GitSource } | { readonly ok: false; readonly why: string };

/**
 * Reads `DIR[#branch][:path]`. The first `#` ends DIR, so DIR itself has neither `#` nor `:`. No part may begin with `-`
 * (git would read an option), and the path stays inside the repository.
 */
export function parseGitSource(text: string): ParsedGitSource {
  const match = /^([^#:]*)(?:#([^:]*))?(?::(.*))?$/s.exec(text);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^[^/]+@[^/]+:/.test(text)) {
    return refuse(`${quote(text)} is a remote address; clone it and name the folder of the clone`);
  }
  if (match === null) return refuse(`${quote(text)} is not DIR[#branch][:path]`);
  const [, directory = '', branch, path = ''] = match;
  if (directory === '') return refuse(`${quote(text)} names no folder; write DIR[#branch][:path]`);
  if (directory.startsWith('-'))
    return refuse(`the folder ${quote(directory)} begins with "-"; write ./${directory}`);
  if (hasControlCharacter(text)) return refuse(`${quote(text)} holds a control character; remove it`);
  if (branch !== undefined && !isBranchName(branch)) {
    return refuse(
      `the branch ${quote(branch)} is not a name git allows; write for example ${directory}#main`,
    );
  }
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (path.startsWith('/') || segments.includes('..')) {
    return refuse(`the path ${quote(path)} leaves the repository; write it relative to the repository's top`);
  }
  if (path.startsWith('-')) return refuse(`the path ${quote(path)} begins with "-"; write ./${path}`);
  return {
    ok: true,
    source: { directory, path: segments.join('/'), ...(branch === undefined ? {} : { branch }) },
  };
}

/** `DIR#branch:path`, for messages. */
export function formatGitSource(source: GitSource): string {
  return `${source.directory}${source.branch === undefined ? '' : `#${source.branch}`}${source.path === '' ? '' : `:${source.path}`}`;
}

/** The rules of git-check-ref-format(1) that matter here, and stricter: letters, digits and `._/+-` only. */
function isBranchName(name: string): boolean {
  return (
    /^[A-Za-z0-9_][A-Za-z0-9._/+-]*$/.test(name) &&
    name.length <= 250 &&
    !/\.\.|\/\/|\/\.|\.lock(?:\/|$)|[./]$/.test(name)
  );
}

function hasControlCharacter(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return /[\u0000-\u001f\u007f]/.test(text);
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function refuse(why: string): ParsedGitSource {
  return { ok: false, why };
}
