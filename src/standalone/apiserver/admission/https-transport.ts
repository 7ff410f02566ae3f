/** Asking webhooks over HTTPS, on connections that are kept for the next question. */
import { Agent, request } from 'node:https';
import { isIP } from 'node:net';
import type { PostReview } from './webhooks.ts';

/** Larger answers are not read to their end. */
const ANSWER_LIMIT_BYTES = 8 * 1024 * 1024;
/** Longer than any webhook may take. */
const IDLE_MS = 60_000;

export interface HttpsTransport {
  readonly post: PostReview;
  /** Closes the connections that are kept. */
  close(): void;
}

export function createHttpsTransport(): HttpsTransport {
  // One agent for all: it keeps connections apart by address, server name and trusted certificates.
  const agent = new Agent({ keepAlive: true, timeout: IDLE_MS });
  const post: PostReview = (question) => attempt(agent, question, true);
  return { post, close: () => agent.destroy() };
}

function attempt(agent: Agent, question: Parameters<PostReview>[0], again: boolean): ReturnType<PostReview> {
  const { url, connectTo, caPem, body, signal } = question;
  const { hostname, host, port, pathname, search } = new URL(url);
  const name = hostname.replace(/^\[|\]$/g, '');
  const target = connectTo ?? { host: name, port: port === '' ? 443 : Number(port) };
  return new Promise((resolve, reject) => {
    const sent = request({
      agent,
      method: 'POST',
      host: target.host,
      port: target.port,
      path: `${pathname}${search}`,
      // An address is no server name (RFC 6066 section 3); the certificate is then checked against the address.
      servername: isIP(name) === 0 ? name : '',
      ...(caPem === undefined ? {} : { ca: caPem }),
      headers: {
        host,
        'content-type': 'application/json',
        accept: 'application/json, */*',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'kube-apiserver-admission',
      },
      signal,
    });
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_LIMIT_BYTES)
          sent.destroy(new Error(`the answer is larger than ${ANSWER_LIMIT_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.on('end', () =>
        resolve({ code: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
      response.on('error', reject);
      // Closed before its end without an error of its own: 'end' never comes.
      response.on('close', () => reject(new Error('unexpected EOF')));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // The server may close a kept connection in the moment it is used again: that question was never heard.
      if (again && sent.reusedSocket && error.code === 'ECONNRESET') resolve(attempt(agent, question, false));
      else reject(new Error(describe(error, target), { cause: error }));
    });
    sent.end(body);
  });
}

/** Go's words for the failures that everybody knows by them, Node's for the rest. */
function describe(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): string {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  if (error.code === 'ECONNREFUSED') return `dial tcp ${address}: connect: connection refused`;
  if (error.code === 'ENOTFOUND') return `dial tcp: lookup ${host}: no such host`;
  if (error.code === 'ECONNRESET') return 'EOF';
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(error.code ?? ''))
    return `tls: failed to verify certificate: ${error.message}`;
  return error.message;
}
