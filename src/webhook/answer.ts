/** From the body of one review to its answer: parse, ask for the verdict, measure, tell the log. No I/O, no waiting. */
import type { ConfigMap } from '../api/kubernetes.ts';
import type { Change, ConfigMapChange, Facts } from '../core/policy/facts.ts';
import type { Intents } from '../core/policy/intents.ts';
import type { Verdict } from '../core/policy/verdict.ts';
import { verdict } from '../core/policy/verdict.ts';
import type { HttpReply } from '../platform/http.ts';
import type { Clock, Log, Meter } from '../ports.ts';
import { formatReview, parseReview } from './admission-review.ts';
import { JUDGED_KINDS } from './judged-kinds.ts';

export interface AnswerDeps {
  readonly facts: Facts;
  /** What users are about to do, as far as this replica has heard. */
  readonly intents: Intents;
  /** The configuration a ConfigMap holds, its YAML parsed. */
  readonly readLegacy: (configMap: ConfigMap) => ConfigMapChange['legacy'];
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** Always an AdmissionReview for a review; 400 with a sentence for anything else. */
export function answerReview(body: unknown, deps: AnswerDeps): HttpReply {
  const parsed = parseReview(body, deps.readLegacy);
  if (!parsed.ok) return { status: 400, body: parsed.why };
  const { uid, change } = parsed.request;
  return { status: 200, body: formatReview(uid, change === undefined ? ADMITTED : judge(change, deps)) };
}

export const ADMITTED: Verdict = { allowed: true, findings: [], warnings: [], audit: {} };

/** What the author sees when the gate itself is broken: a bug is no proof, so the change is admitted. */
const BROKEN: Verdict = {
  ...ADMITTED,
  warnings: ['Cleat failed to check this object and admitted it unchecked; its log says why'],
};

function judge(change: Change, { facts, intents, clock, log, meter }: AnswerDeps): Verdict {
  const startedMs = clock.monotonicMs();
  const resource = JUDGED_KINDS[change.kind].plural;
  try {
    const answer = verdict(facts, change, intents.beside(change, startedMs));
    intents.observe(change, answer.allowed && !change.dryRun, startedMs);
    if (!answer.allowed) log.info('refused a change', { ...describe(change), message: answer.message });
    meter.count('cleat_webhook_verdicts_total', { resource, verdict: outcome(answer) });
    return answer;
  } catch (error) {
    log.error('failed to judge a change; it is admitted', { ...describe(change), error });
    meter.count('cleat_webhook_verdicts_total', { resource, verdict: 'failed' });
    return BROKEN;
  } finally {
    meter.observe('cleat_webhook_verdict_seconds', { resource }, (clock.monotonicMs() - startedMs) / 1000);
  }
}

function outcome({ allowed, warnings }: Verdict): string {
  if (!allowed) return 'denied';
  return warnings.length > 0 ? 'warned' : 'allowed';
}

function describe({ kind, namespace, name, operation, user, dryRun }: Change): Record<string, unknown> {
  return { kind, object: `${namespace}/${name}`, operation, user, dryRun };
}
