/**
 * `node http-load.ts URL`: asks again and again, each time over a new connection, and writes a line for each request when it is
 * over: the monotonic time of the machine in nanoseconds, `ok` or `failed`, and what was answered or why not.
 */
import { get } from 'node:http';

const EVERY_MS = 20;
/** Longer than any answer takes, shorter than a client’s kernel waits before it sends a lost packet anew. */
const PATIENCE_MS = 500;

const [, , url = ''] = process.argv;

function write(outcome: 'ok' | 'failed', text: string): void {
  console.log(`${process.hrtime.bigint()} ${outcome} ${text.trim()}`);
}

/** Requests overlap: one that waits does not hide how the next ones fare. */
setInterval(() => {
  const request = get(url, { agent: false, timeout: PATIENCE_MS }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    response.on('end', () => write(response.statusCode === 200 ? 'ok' : 'failed', text));
  });
  request.on('timeout', () => request.destroy(new Error('no answer')));
  request.on('error', (error) => write('failed', error.message));
}, EVERY_MS);
