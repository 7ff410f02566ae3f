/** `cleat version`. */
import { Command } from 'commander';
import manifest from '../../package.json' with { type: 'json' };

export const VERSION = manifest.version;

export function versionCommand(): Command {
  return new Command('version').description('print the version').action(() => {
    console.log(`cleat ${VERSION} (Node.js ${process.version}, ${process.platform} ${process.arch})`);
  });
}
