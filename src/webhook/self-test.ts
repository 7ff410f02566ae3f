/**
 * Whether the API server really reaches the webhook: one harmless question that goes all the way round. The registration has
 * an entry of its own for it, which matches nothing but the creation of one Lease in our namespace; this process asks for that
 * creation as a dry run, and the webhook refuses it with a word that only this run knows. When the word comes back, the API
 * server has heard of the registration, found the way to the webhook and trusted its certificate, and only then do the
 * rules go in. Nothing is stored whatever happens, nobody else creates such a Lease, and the right to create Leases is there
 * already, for the one that replicas agree by.
 *
 * Of several replicas any may be the one that answers: they serve with the same certificate.
 */
import { randomUUID } from 'node:crypto';
import type { Lease } from '../api/kubernetes.ts';
import { LEASES } from '../api/kubernetes.ts';
import type { HttpReply } from '../platform/http.ts';
import { isRefusal, KubeError } from '../kube/kube-error.ts';
import { sleep } from '../kube/transport.ts';
import type { Clock, KubeClient } from '../ports.ts';

/** The Lease that is never stored. */
const SELF_TEST_LEASE = 'cleat-webhook-self-test';
/** What it is known by. */
export const SELF_TEST_LABELS = { 'cleat.dev/webhook-self-test': 'true' };
export const SELF_TEST_PATH = '/self-test';

export interface SelfTestDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly namespace: string;
  readonly signal: AbortSignal;
}

/** An API server hears of a registration within a second; waits in between grow from 50 ms, 3 s in all. */
const WAITS_MS = [50, 100, 200, 400, 800, 1500];

/** The way to the webhook is not open, or not yet. */
export class NotReached extends Error {
  override readonly name = 'NotReached';
}

/** Resolves once a review came back; throws NotReached, in words, where none does, and what else the API server answers. */
export async function selfTest({ client, clock, namespace, signal }: SelfTestDeps): Promise<void> {
  const word = randomUUID();
  const lease: Lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: LEASES.kind,
    metadata: { namespace, name: SELF_TEST_LEASE, labels: SELF_TEST_LABELS },
    spec: { holderIdentity: word },
  };
  for (const waitMs of [...WAITS_MS, undefined]) {
    try {
      await client.create<Lease>(LEASES, lease, { dryRun: true, signal });
    } catch (error) {
      if (isRefusal(error, 403) && error.message.endsWith(sentence(word))) return;
      if (!(error instanceof KubeError && error.code >= 500)) throw error;
      throw new NotReached(`the API server does not reach the webhook: ${error.message}`, { cause: error });
    }
    if (waitMs !== undefined) await sleep(clock, waitMs, signal);
  }
  throw new NotReached('the API server does not ask the webhook yet, although it is registered for a test');
}

/** The other half: refuses with the word of the question. 400 for what is no such question. */
export function answerSelfTest(body: unknown): HttpReply {
  const { request } = (body ?? {}) as {
    request?: { uid?: unknown; object?: { spec?: { holderIdentity?: unknown } } | null } | null;
  };
  const uid = request?.uid;
  const word = request?.object?.spec?.holderIdentity;
  if (typeof uid !== 'string' || typeof word !== 'string')
    return { status: 400, body: 'this is not the question of a self-test' };
  const status = { code: 403, reason: 'Forbidden', message: sentence(word) };
  return {
    status: 200,
    body: {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid, allowed: false, status },
    },
  };
}

function sentence(word: string): string {
  return `this was only a test of the way to the webhook: ${word}`;
}
