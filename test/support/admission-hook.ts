/** An admission webhook that answers as a test says, over TLS with a certificate of its own. */
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { issueCertificates } from '../../src/webhook/certificates.ts';

/** The name its certificate has besides its address: that of a Service "hooks" in "default". */
export const SERVICE_HOST = 'hooks.default.svc';

export interface Question {
  readonly path: string;
  readonly request: { uid: string; operation: string; dryRun: boolean; object: unknown };
  /** The name the client asked TLS for. */
  readonly serverName: string | false;
}

/** What the webhook does with a question: a response, or the whole answer in its own way. */
export type Behaviour = (question: Question, response: ServerResponse) => object | undefined;

export interface RunningHook {
  readonly port: number;
  readonly caBundle: string;
  readonly questions: Question[];
  /** How many connections were opened to it. */
  connections(): number;
}

export async function startHook(
  context: { after(end: () => void): void },
  behaviour: Behaviour,
): Promise<RunningHook> {
  const { caPem, certPem, keyPem } = issueCertificates({
    nowMs: Date.now(),
    hosts: ['127.0.0.1', SERVICE_HOST],
  });
  const questions: Question[] = [];
  let connections = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const review = JSON.parse(Buffer.concat(chunks).toString()) as Pick<Question, 'request'>;
    const serverName = (request.socket as TLSSocket & { servername: string | false }).servername;
    const question = { path: request.url ?? '', request: review.request, serverName };
    questions.push(question);
    const said = behaviour(question, response);
    if (said === undefined) return;
    const body = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: review.request.uid, ...said },
    };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(body));
  };
  const server = createServer(
    { cert: certPem, key: keyPem },
    (request, response) => void answer(request, response),
  );
  server.on('secureConnection', () => connections++);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, caBundle: Buffer.from(caPem).toString('base64'), questions, connections: () => connections };
}
