/**
 * `npm run build [FOLDER]`: the program as one folder that needs nothing but Node: cleat.mjs (the command), packet-worker.mjs
 * (the thread that answers ARP), the chunks they load, netsys.node (the native addon) and sbom.cdx.json (what it is made of).
 * They find each other because they lie side by side. `cleat` starts cleat.mjs on the Node that npm brought, for hosts whose own is older.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';
import { billOfMaterials } from './sbom.ts';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.resolve(process.argv[2] ?? path.join(root, 'dist'));
const addon = path.join(root, 'native/build/netsys.node');

const LAUNCHER = `#!/bin/sh
# Cleat on the Node.js that npm brought beside this folder, or else on the machine's own.
folder=$(dirname "$(readlink -f "$0")")
node=$folder/../node_modules/.bin/node
[ -x "$node" ] || node=node
# As in the image: one arena of the C library for all threads.
export MALLOC_ARENA_MAX="\${MALLOC_ARENA_MAX:-1}"
exec "$node" "$folder/cleat.mjs" "$@"
`;

/**
 * What two libraries bring that the program does not use. undici's index loads fetch, WebSocket, caches and mocks besides the
 * two classes that are used; @kubernetes/client-node's generated classes do nothing when they are loaded, but do not say so. Loaded,
 * they are 5 MB of every process.
 */
const leaveOut: Plugin = {
  name: 'leave out',
  setup(bundler) {
    bundler.onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'part' }));
    bundler.onLoad({ filter: /./, namespace: 'part' }, () => ({ contents: UNDICI, resolveDir: root }));
    bundler.onResolve({ filter: /^\./ }, async ({ path: wanted, pluginData, ...rest }) => {
      if (pluginData === RESOLVED || !rest.importer.includes('@kubernetes/client-node/dist/'))
        return undefined;
      const resolved = await bundler.resolve(wanted, { ...rest, pluginData: RESOLVED });
      return resolved.path.includes('/dist/gen/') ? { ...resolved, sideEffects: false } : resolved;
    });
  },
};
const RESOLVED = 'resolved';
/** As undici's index.js has it. */
const UNDICI = `
  Object.assign(require('undici/lib/dispatcher/dispatcher').prototype, require('undici/lib/api'));
  exports.Agent = require('undici/lib/dispatcher/agent');
  exports.ProxyAgent = require('undici/lib/dispatcher/proxy-agent');
`;

if (!existsSync(addon)) {
  console.error('bundle: native/build/netsys.node is missing; run `make setup`, which compiles it');
  process.exit(2);
}
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { cleat: 'src/cli/main.ts', 'packet-worker': 'src/platform/packet-worker.ts' },
  outdir: dist,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  // A verb loads the pieces it needs: `cleat version` starts in a sixth of the time, with half the memory.
  splitting: true,
  chunkNames: 'chunk-[hash]',
  // A quarter of the size, and half the time to start; the source map has the names.
  minify: true,
  platform: 'node',
  format: 'esm',
  target: 'node22.19',
  sourcemap: 'linked',
  legalComments: 'linked',
  plugins: [leaveOut],
  metafile: true,
  logLevel: 'warning',
  // Libraries that are CommonJS inside call require.
  banner: {
    js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
  },
});
const bill = billOfMaterials(Object.keys(metafile.inputs), process.platform, process.arch);
writeFileSync(path.join(dist, 'sbom.cdx.json'), `${JSON.stringify(bill, undefined, 2)}\n`);
copyFileSync(addon, path.join(dist, 'netsys.node'));
chmodSync(path.join(dist, 'cleat.mjs'), 0o755);
writeFileSync(path.join(dist, 'cleat'), LAUNCHER, { mode: 0o755 });
const bytes = readdirSync(dist)
  .filter((name) => name.endsWith('.mjs'))
  .reduce((sum, name) => sum + statSync(path.join(dist, name)).size, 0);
console.log(
  `${dist}: cleat, cleat.mjs, packet-worker.mjs and their chunks (${(bytes / 1e6).toFixed(1)} MB), netsys.node, sbom.cdx.json`,
);
