/** Request bodies: read up to a limit, and decoded from JSON or YAML into one plain value. */
import type { IncomingMessage } from 'node:http';
import type { ParseYaml } from '../../../ports.ts';
import { badRequest, tooLarge, unsupportedMediaType } from '../errors.ts';
import { parseJson } from '../exact-json.ts';
import { inspectJson } from './duplicate-keys.ts';
import { decodeProtobuf } from './protobuf.ts';

/** As in kube-apiserver. */
const BODY_LIMIT_BYTES = 3 * 1024 * 1024;

export interface Body {
  /** Lower case, without parameters; empty where the client named none. */
  readonly mediaType: string;
  /** undefined for an empty body. */
  readonly value: unknown;
  /** Paths of fields given more than once. */
  readonly duplicates: readonly string[];
}

/** The media types a JSON or YAML body may come with, besides those of patches. */
const JSON_TYPES = [
  'application/json',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];
const YAML_TYPES = ['application/yaml', 'application/apply-patch+yaml'];

const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';
/** Blank, tab, line feed, carriage return. */
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

export async function readBody(request: IncomingMessage, parseYaml: ParseYaml): Promise<Body> {
  const mediaType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const bytes = await readBytes(request);
  if (bytes.every((byte) => BLANKS.has(byte))) return { mediaType, value: undefined, duplicates: [] };
  if (request.headers['content-encoding'] !== undefined) {
    throw unsupportedMediaType('compressed request bodies are not supported: send the body as it is');
  }
  if (mediaType === PROTOBUF_TYPE) return { mediaType, value: protobufValue(bytes), duplicates: [] };
  const text = bytes.toString('utf8');
  if (mediaType === '' || JSON_TYPES.includes(mediaType)) return { mediaType, ...decodeJson(text) };
  if (YAML_TYPES.includes(mediaType)) return { mediaType, ...decodeYaml(text, parseYaml) };
  throw unsupportedMediaType(
    `the body of the request was in an unknown format - accepted media types include: ${[...JSON_TYPES, ...YAML_TYPES, PROTOBUF_TYPE].join(', ')}`,
  );
}

function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      // The rest is read and dropped: an answer that comes while the client still writes would be lost with the connection.
      if (bytes > BODY_LIMIT_BYTES) reject(tooLarge(BODY_LIMIT_BYTES));
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
  });
}

function protobufValue(bytes: Buffer): unknown {
  const decoded = decodeProtobuf(bytes);
  if (decoded.ok) return decoded.value;
  throw unsupportedMediaType(`the protobuf body of the request was not understood: ${decoded.why}`);
}

function decodeJson(text: string): Pick<Body, 'value' | 'duplicates'> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw badRequest(
      `the request body is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const { duplicates, tooDeep } = inspectJson(text);
  if (tooDeep) throw badRequest('the request body is nested too deeply');
  return { value, duplicates };
}

function decodeYaml(text: string, parseYaml: ParseYaml): Pick<Body, 'value' | 'duplicates'> {
  // Most clients send JSON as YAML, which it is; JSON.parse is many times faster.
  if (text.trimStart().startsWith('{')) {
    try {
      parseJson(text);
    } catch {
      return parsedYaml(text, parseYaml);
    }
    return decodeJson(text);
  }
  return parsedYaml(text, parseYaml);
}

function parsedYaml(text: string, parseYaml: ParseYaml): Pick<Body, 'value' | 'duplicates'> {
  const parsed = parseYaml(text);
  if (!parsed.ok) throw badRequest(`the request body is not YAML: ${parsed.why}`);
  // Through JSON, which is what a body stands for: dates become text, aliases become copies, and what has no JSON form is refused.
  let json: string | undefined;
  try {
    json = JSON.stringify(parsed.value);
  } catch {
    throw badRequest('the request body has no JSON form');
  }
  return decodeJson(json ?? 'null');
}
