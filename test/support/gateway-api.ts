/** The definition of Gateway as its makers publish it (tools/gateway-api.sh). */
import { readFileSync } from 'node:fs';
import { parseYamlDocuments } from '../../src/platform/yaml.ts';
import { cachedTool } from './cached-tool.ts';

const file = (): string | undefined => cachedTool('gateway-api.sh');

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
