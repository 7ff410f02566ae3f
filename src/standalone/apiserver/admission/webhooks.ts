/**
 * Dynamic admission: requests are put to the webhooks that ValidatingWebhookConfigurations and MutatingWebhookConfigurations
 * name. matching.ts and match-conditions.ts find them, destination.ts finds where they listen, review.ts writes the question and reads the answer,
 * https-transport.ts asks.
 *
 * As in kube-apiserver: mutating webhooks run one after another in the order of their configurations' names, validating
 * ones at the same time; a denial is the webhook's word, a failure to ask is settled by failurePolicy; webhook
 * configurations are never put to webhooks, so that a broken one can always be repaired. Every webhook that can be
 * configured here has no side effects on dry runs, so dry runs are put to all of them.
 */
import type { Webhook } from '../../../api/kubernetes.ts';
import type { Clock, Log } from '../../../ports.ts';
import { ApiError } from '../definition.ts';
import type { Admission, AdmissionRequest, Definition, ServerState, Stored } from '../definition.ts';
import { sameJson } from '../json.ts';
import { applyJsonPatch, OF_THE_REQUEST } from '../patch/json-patch.ts';
import { applyDefaults } from '../schema/defaults.ts';
import { pruneUnknown } from '../schema/prune.ts';
import { isObject } from '../schema/schema.ts';
import { validateSchema } from '../schema/validate.ts';
import { findDestination } from './destination.ts';
import { meetsConditions } from './match-conditions.ts';
import { configuredWebhooks, matchWebhook } from './matching.ts';
import { decodeReview, encodeReview, inVersion } from './review.ts';
import type { ReviewAnswer } from './review.ts';

/** One question over HTTPS. Rejects with the reason in words when there is no answer. */
export type PostReview = (question: {
  readonly url: string;
  /** Where to connect instead of the URL's host and port. */
  readonly connectTo?: { readonly host: string; readonly port: number };
  /** Certificates to trust; the system's without. */
  readonly caPem?: string;
  readonly body: string;
  readonly signal: AbortSignal;
}) => Promise<{ readonly code: number; readonly body: string }>;

export interface AdmissionOptions {
  readonly state: ServerState;
  readonly clock: Clock;
  readonly log: Log;
  readonly post: PostReview;
  /** A new identifier for each question. */
  readonly newUid: () => string;
}

const DEFAULT_TIMEOUT_SECONDS = 10;
/** Characters of one warning that reach the client, as in kube-apiserver. */
const WARNING_LIMIT = 256;

export function createAdmission(options: AdmissionOptions): Admission {
  return {
    mutate: (request) => mutate(options, request),
    validate: (request) => validate(options, request),
  };
}

async function mutate(options: AdmissionOptions, request: AdmissionRequest): ReturnType<Admission['mutate']> {
  const warnings: string[] = [];
  let { object } = request;
  const run = async (webhook: Webhook): Promise<boolean> => {
    const now = { ...request, object };
    // Matched here and not before: an earlier webhook may have set the labels this one selects by.
    const version = matchWebhook(options.state, webhook, now);
    if (version === undefined || !meetsConditions(webhook, version, now)) return false;
    const answer = await ask(options, webhook, version, now, 'mutating');
    warnings.push(...warningsOf(answer));
    if (answer?.patch !== undefined) object = patched(webhook, version, now, answer.patch);
    return true;
  };
  /** What each webhook with reinvocationPolicy IfNeeded left behind. */
  const left = new Map<Webhook, Stored | undefined>();
  for (const webhook of configuredWebhooks(options.state, 'mutating'))
    if ((await run(webhook)) && webhook.reinvocationPolicy === 'IfNeeded') left.set(webhook, object);
  for (const [webhook, before] of left) if (!sameJson(before, object)) await run(webhook);
  return { object, warnings };
}

async function validate(
  options: AdmissionOptions,
  request: AdmissionRequest,
): ReturnType<Admission['validate']> {
  // All of them first: conditions that cannot be evaluated may end it before anybody is asked.
  const asked = configuredWebhooks(options.state, 'validating').flatMap((webhook) => {
    const version = matchWebhook(options.state, webhook, request);
    return version === undefined || !meetsConditions(webhook, version, request) ? [] : [{ webhook, version }];
  });
  const outcomes = await Promise.allSettled(
    asked.map(({ webhook, version }) => ask(options, webhook, version, request, 'validating')),
  );
  const refused = outcomes.find((outcome) => outcome.status === 'rejected');
  if (refused !== undefined) throw refused.reason;
  return {
    warnings: outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? warningsOf(outcome.value) : [],
    ),
  };
}

/** The answer of a webhook that admits; undefined where it could not be asked and failurePolicy lets that pass. */
async function ask(
  options: AdmissionOptions,
  webhook: Webhook,
  version: string,
  request: AdmissionRequest,
  kind: ReviewAnswer['kind'],
): Promise<ReviewAnswer | undefined> {
  const called = await call(options, webhook, version, request, kind);
  if (called.ok) {
    if (!called.answer.allowed) throw denial(webhook, called.answer);
    return called.answer;
  }
  const why = `failed calling webhook ${JSON.stringify(webhook.name)}: ${called.why}`;
  if (webhook.failurePolicy !== 'Ignore') throw internalError(why);
  options.log.warn('a webhook that may fail was passed over', { webhook: webhook.name, why });
  return undefined;
}

type Called =
  { readonly ok: true; readonly answer: ReviewAnswer } | { readonly ok: false; readonly why: string };

async function call(
  { state, clock, post, newUid }: AdmissionOptions,
  webhook: Webhook,
  version: string,
  request: AdmissionRequest,
  kind: ReviewAnswer['kind'],
): Promise<Called> {
  const seconds = webhook.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  const destination = findDestination(state, webhook.clientConfig, seconds);
  const failed = (why: string): Called => ({
    ok: false,
    why: `failed to call webhook: Post ${JSON.stringify(destination.url)}: ${why}`,
  });
  if (!destination.ok) return failed(destination.why);
  const { caBundle } = webhook.clientConfig;
  const deadline = new AbortController();
  const cancel = clock.after(seconds * 1000, () => deadline.abort());
  try {
    const uid = newUid();
    const { code, body } = await post({
      url: destination.url,
      ...(destination.connectTo === undefined ? {} : { connectTo: destination.connectTo }),
      ...(caBundle === undefined || caBundle === ''
        ? {}
        : { caPem: Buffer.from(caBundle, 'base64').toString() }),
      body: encodeReview(uid, version, request),
      signal: deadline.signal,
    });
    if (code < 200 || code > 299)
      return failed(
        `an error on the server (${JSON.stringify(`${code} ${body.slice(0, 200)}`)}) has prevented the request from succeeding`,
      );
    const decoded = decodeReview(body, uid, kind);
    return decoded.ok ? decoded : { ok: false, why: `received invalid webhook response: ${decoded.why}` };
  } catch (error) {
    return failed(
      deadline.signal.aborted
        ? 'context deadline exceeded'
        : error instanceof Error
          ? error.message
          : String(error),
    );
  } finally {
    cancel();
  }
}

/** The object after the patch, in the version it was written in. */
function patched(
  webhook: Webhook,
  version: string,
  { definition, object, oldObject }: AdmissionRequest,
  patch: unknown,
): Stored {
  if (object === undefined)
    throw internalError(
      `admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object, which is not supported for this operation`,
    );
  let result: unknown;
  try {
    result = applyJsonPatch(inVersion(definition, version, object), patch);
  } catch (error) {
    if (error instanceof ApiError) throw internalError(error.message.replace(OF_THE_REQUEST, ''));
    throw error;
  }
  if (!isObject(result) || !isObject(result['metadata']))
    throw internalError(
      `admission webhook ${JSON.stringify(webhook.name)} returned a patch that leaves no object`,
    );
  return defaulted(
    definition,
    inVersion(definition, definition.resource.version, result as Stored),
    oldObject,
  );
}

/** The server's part again, so that the next webhook sees what an author would have got; not of what no author could write. */
function defaulted(definition: Definition, object: Stored, old: Stored | undefined): Stored {
  pruneUnknown(definition.schema, object);
  applyDefaults(definition.schema, object);
  if (validateSchema(definition.schema, object, '').length === 0)
    definition.strategy.setDefaults?.(object, old);
  return object;
}

/** The webhook's own code, reason and details; its message after the name of the webhook. */
function denial(webhook: Webhook, answer: ReviewAnswer): ApiError {
  const { status } = answer;
  const denied = `admission webhook ${JSON.stringify(webhook.name)} denied the request`;
  const { code = 0, message = '', reason = '', details } = status;
  const said = message === '' ? reason : message;
  return new ApiError({
    code: code < 400 ? 400 : code,
    ...(reason === '' ? {} : { reason }),
    message: said === '' ? `${denied} without explanation` : `${denied}: ${said}`,
    ...(details === undefined ? {} : { details }),
    warnings: warningsOf(answer),
  });
}

function internalError(why: string): ApiError {
  const message = `Internal error occurred: ${why}`;
  return new ApiError({
    code: 500,
    reason: 'InternalError',
    message,
    details: { causes: [{ message: why }] },
  });
}

function warningsOf(answer: ReviewAnswer | undefined): string[] {
  return (answer?.warnings ?? []).map((warning) => Array.from(warning).slice(0, WARNING_LIMIT).join(''));
}
