/** The definition of Gateway as its makers publish it (tools/gateway-api.sh). */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseYamlDocuments } from '../../src/platform/yaml.ts';

const SCRIPT = path.resolve(import.meta.dirname, '../../tools/gateway-api.sh');

function file(): string | undefined {
  const { status, stdout } = spawnSync(SCRIPT, ['--cached'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** Why it is not on this machine, in one sentence with the remedy. */
export function faultOfGatewayApi(): string | undefined {
  return file() === undefined
    ? 'Gateway API is not here; run tools/gateway-api.sh, which needs Go'
    : undefined;
}

export function gatewayDefinition(): object {
  const found = file();
  if (found === undefined) throw new Error(faultOfGatewayApi());
  const [document] = parseYamlDocuments(readFileSync(found, 'utf8')).documents;
  return document?.value as object;
}
