#!/usr/bin/env node
/**
 * The `cleat` command. It is loaded only after the version of Node is known to be enough: the libraries' own failure on an
 * older one tells an operator nothing. This file must therefore stay free of imports.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `cleat: Node.js ${process.versions.node} is too old; install Node.js 22.19 or newer (https://nodejs.org)`,
  );
  process.exit(2);
}
// A user of a container may have no name and no home; Node throws where somebody asks for it. Container runtimes say / then.
process.env['HOME'] ||= '/';
const { runCommandLine } = await import('./command-line.ts');
process.exitCode = await runCommandLine(process.argv.slice(2));

export {};
