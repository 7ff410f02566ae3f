/** From the body of one review to the patch that answers it. No I/O, no waiting, and never a refusal. */
import type { Facts } from '../core/policy/facts.ts';
import { mutateService } from '../core/policy/mutate-service.ts';
import type { PatchOperation } from '../core/policy/settings.ts';
import type { HttpReply } from '../platform/http.ts';
import type { Log } from '../ports.ts';
import type { Review } from './admission-review.ts';
import { formatReview, parseReview } from './admission-review.ts';
import { ADMITTED } from './answer.ts';

export interface MutationDeps {
  readonly facts: Facts;
  readonly log: Log;
}

/** Always an AdmissionReview for a review; 400 with a sentence for anything else. */
export function answerMutation(body: unknown, { facts, log }: MutationDeps): HttpReply {
  const parsed = parseReview(body, () => undefined);
  if (!parsed.ok) return { status: 400, body: parsed.why };
  const { uid, change } = parsed.request;
  const review = formatReview(uid, ADMITTED);
  if (change === undefined) return { status: 200, body: review };
  try {
    return { status: 200, body: withPatch(review, mutateService(facts, change)) };
  } catch (error) {
    const { kind, namespace, name } = change;
    log.error('failed to set what a policy asks for; the object is admitted as it is', {
      kind,
      object: `${namespace}/${name}`,
      error,
    });
    return { status: 200, body: review };
  }
}

function withPatch(review: Review, operations: readonly PatchOperation[]): Review {
  if (operations.length === 0) return review;
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64');
  return { ...review, response: { ...review.response, patch, patchType: 'JSONPatch' } };
}
