/**
 * The bill of materials of the bundle, CycloneDX 1.6 in JSON: the packages of which a file went into it, as esbuild says, with
 * version, licence and digest of package-lock.json, and the Node.js it runs on. It has neither time nor serial number, so the
 * same sources give the same text. https://cyclonedx.org/docs/1.6/json/
 */
import manifest from '../package.json' with { type: 'json' };
import lock from '../package-lock.json' with { type: 'json' };

/** An entry of package-lock.json, as far as it is read. */
interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
}

const PACKAGES: Readonly<Record<string, LockedPackage>> = lock.packages;

/** Folders of packages in a path, nested ones included: `node_modules/a/node_modules/@b/c`. */
const PACKAGE_FOLDER = /node_modules\/(?:@[^/]+\/)?[^/]+(?:\/node_modules\/(?:@[^/]+\/)?[^/]+)*/;

/**
 * `inputs` are the paths of all source files; `platform` and `arch` are node's names of what the bundle is for. Throws for a
 * package that package-lock.json does not have.
 */
export function billOfMaterials(inputs: readonly string[], platform: string, arch: string): object {
  const folders = new Set(inputs.flatMap((input) => PACKAGE_FOLDER.exec(input)?.[0] ?? []));
  const components = [...folders, `node_modules/node-${platform}-${arch}`].map(componentOf);
  const application = { type: 'application', name: manifest.name, version: manifest.version };
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        ...application,
        'bom-ref': manifest.name,
        description: manifest.description,
        ...licensed(manifest.license),
      },
    },
    components: components.toSorted((a, b) => order(a['bom-ref'], b['bom-ref'])),
  };
}

interface Component {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
}

function componentOf(folder: string): Component {
  const locked = PACKAGES[folder];
  if (locked?.version === undefined)
    throw new Error(`${folder} is part of the bundle and not in package-lock.json; run npm ci`);
  const { version, license, integrity = '' } = locked;
  const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
  // Package URLs escape the @ of a scope: https://github.com/package-url/purl-spec
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const [algorithm, digest] = integrity.split('-');
  return {
    'bom-ref': purl,
    type: 'library',
    name,
    version,
    purl,
    ...licensed(license),
    ...(algorithm === 'sha512' &&
      digest !== undefined && {
        hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }],
      }),
  };
}

function licensed(expression: string | undefined): object {
  return expression === undefined ? {} : { licenses: [{ expression }] };
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
