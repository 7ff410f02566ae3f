/** Asks the admission server one harmless question as the API server would, so that it is registered only once it answers. */
import { request } from 'node:https';
import { isIP } from 'node:net';

export interface SelfTestOptions {
  /** The address listened on; an unspecified one is reached by loopback. */
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** The authority the answer's certificate must come from. */
  readonly caPem: string;
  /** The name it must be for. */
  readonly serverName: string;
}

const TIMEOUT_MS = 5_000;
const UID = 'self-test';

/** Throws, in words, unless the server answers the review with its uid, over TLS that checks out. */
export async function selfTest(options: SelfTestOptions): Promise<void> {
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { ...QUESTION, uid: UID },
  };
  const answer = await post(options, JSON.stringify(review));
  const uid = uidOf(answer);
  if (uid !== UID) throw new Error(`the admission server answered its own test with ${answer.slice(0, 200)}`);
}

/** A Namespace: a kind the gate says nothing about. */
const QUESTION = {
  kind: { group: '', version: 'v1', kind: 'Namespace' },
  resource: { group: '', version: 'v1', resource: 'namespaces' },
  operation: 'CREATE',
  name: UID,
  dryRun: true,
  userInfo: { username: 'cleat' },
  object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: UID } },
};

function post(options: SelfTestOptions, body: string): Promise<string> {
  const { host, port, path, caPem, serverName } = options;
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: reachable(host),
        port,
        path,
        method: 'POST',
        ca: caPem,
        // TLS names are DNS names: an address is checked against the certificate all the same.
        ...(isIP(serverName) === 0 && { servername: serverName }),
        agent: false,
        timeout: TIMEOUT_MS,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text += part));
        response.on('end', () => resolve(text));
        response.on('error', reject);
      },
    );
    call.on('timeout', () => call.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    call.on('error', reject);
    call.end(body);
  });
}

/** Who listens on `::` hears 127.0.0.1, too, and IPv6 may be switched off in a Pod. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}

function uidOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { response?: { uid?: unknown } } | null)?.response?.uid;
  } catch {
    return undefined;
  }
}
