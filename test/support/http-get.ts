/**
 * `node http-get.ts URL TIMEOUT_MS [OTHER_THAN]`: asks again and again, each time over a new connection, until an answer
 * with code 200 whose text is not OTHER_THAN; prints that text. Exit code 1 and the last problem where there is none in time.
 */
import { get } from 'node:http';

const ATTEMPT_MS = 300;
const PAUSE_MS = 20;

const [, , url = '', timeoutMs = '', otherThan = ''] = process.argv;
const deadline = performance.now() + Number(timeoutMs);
let problem = '';
while (performance.now() < deadline) {
  try {
    const text = await attempt();
    if (text.trim() !== otherThan) {
      process.stdout.write(text);
      process.exit(0);
    }
    problem = `still answered by ${text.trim()}`;
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
console.error(`no answer from ${url} in ${timeoutMs} ms: ${problem}`);
process.exit(1);

function attempt(): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: ATTEMPT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`HTTP ${response.statusCode}`)),
      );
    });
    request.on('timeout', () => request.destroy(new Error('no answer'))).on('error', reject);
  });
}
