/** Writing answers: JSON, warnings, refusals, and the endless answer to a watch. */
import type { ServerResponse } from 'node:http';
import type { ApiError } from '../definition.ts';
import { formatJson } from '../exact-json.ts';
import type { WatchSink } from '../verbs/watch.ts';

/** A watcher that reads so slowly that this much waits for it is cut off; it comes back and resumes. */
const WAITING_LIMIT_BYTES = 16 * 1024 * 1024;

export function answerJson(
  response: ServerResponse,
  code: number,
  body: unknown,
  warnings: readonly string[] = [],
  contentType = 'application/json',
): void {
  answerText(response, code, formatJson(body), contentType, warnings);
}

export function answerText(
  response: ServerResponse,
  code: number,
  text: string | Uint8Array,
  contentType: string,
  warnings: readonly string[] = [],
): void {
  if (response.headersSent || response.destroyed) return;
  const bytes = Buffer.from(text);
  setWarnings(response, warnings);
  response.writeHead(code, {
    'content-type': contentType,
    'content-length': bytes.length,
    'cache-control': 'no-cache, private',
  });
  response.end(bytes);
}

export function answerError(
  response: ServerResponse,
  error: ApiError,
  warnings: readonly string[] = [],
): void {
  const { status } = error;
  const code = status.code ?? 500;
  if (status.details?.retryAfterSeconds !== undefined)
    response.setHeader('retry-after', status.details.retryAfterSeconds);
  if (code === 401) response.setHeader('www-authenticate', 'Bearer realm="cleat"');
  // The body was not read to its end: what follows on this connection would be its rest.
  if (code === 413) response.setHeader('connection', 'close');
  answerJson(response, code, status, warnings);
}

/** RFC 7234 section 5.5: code 299, no agent. kubectl prints the text; once a text is enough. */
function setWarnings(response: ServerResponse, warnings: readonly string[]): void {
  if (warnings.length === 0) return;
  const headers = [...new Set(warnings)].map((warning) => {
    const quoted = warning.replace(/\p{Cc}+/gu, ' ').replace(/["\\]/g, '\\$&');
    // Header values are bytes to Node: UTF-8 goes out as it is, which is what clients read.
    return Buffer.from(`299 - "${quoted}"`).toString('latin1');
  });
  response.setHeader('warning', headers);
}

/** Events as lines of JSON, as `application/json;stream=watch`. What there is at the beginning may be as large as it is. */
export function watchSink(response: ServerResponse): WatchSink {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  let limit = WAITING_LIMIT_BYTES;
  const write = (event: object): void => {
    if (!response.destroyed && !response.writableEnded) response.write(`${formatJson(event)}\n`);
  };
  return {
    sendInitial: (event) => {
      write(event);
      limit = WAITING_LIMIT_BYTES + response.writableLength;
    },
    send: (event) => {
      write(event);
      if (response.writableLength > limit) response.destroy();
    },
    end: () => response.end(),
  };
}
