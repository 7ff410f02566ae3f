/** admission.k8s.io/v1 AdmissionReview: the question as it is sent and the answer as it may come back, from anybody. */
import type { Status } from '../../../api/meta.ts';
import type { AdmissionRequest, Definition, Schema, Stored } from '../definition.ts';
import { formatJson } from '../exact-json.ts';
import { INT32, list, object, TEXT } from '../resources/parts.ts';
import { isObject } from '../schema/schema.ts';
import { validateSchema } from '../schema/validate.ts';

export interface ReviewAnswer {
  readonly kind: 'mutating' | 'validating';
  readonly allowed: boolean;
  /** Of a denial; only what it said and of the right type. */
  readonly status: Pick<Status, 'code' | 'message' | 'reason' | 'details'>;
  readonly warnings: readonly string[];
  /** JSON patch, not looked at yet. */
  readonly patch?: unknown;
}

const REVIEW_VERSION = 'admission.k8s.io/v1';
const OPTIONS = {
  CREATE: 'CreateOptions',
  UPDATE: 'UpdateOptions',
  DELETE: 'DeleteOptions',
  CONNECT: 'PodExecOptions',
} as const;

/** The question as JSON; `version` is the one of the resource that the webhook asked for. */
export function encodeReview(uid: string, version: string, request: AdmissionRequest): string {
  return formatJson({
    kind: 'AdmissionReview',
    apiVersion: REVIEW_VERSION,
    request: reviewRequest(uid, version, request),
  });
}

/** The request as webhooks and their match conditions see it. */
export function reviewRequest(uid: string, version: string, request: AdmissionRequest) {
  const {
    definition,
    subresource,
    namespace,
    name,
    operation,
    object,
    oldObject,
    dryRun,
    user,
    fieldManager,
  } = request;
  const { group, kind, plural, version: asked } = definition.resource;
  const part = subresource === '' ? {} : { subResource: subresource, requestSubResource: subresource };
  return {
    uid,
    kind: { group, version, kind },
    resource: { group, version, resource: plural },
    requestKind: { group, version: asked, kind },
    requestResource: { group, version: asked, resource: plural },
    ...part,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    operation,
    userInfo: { username: user.username, groups: user.groups },
    object: object === undefined ? null : inVersion(definition, version, object),
    oldObject: oldObject === undefined ? null : inVersion(definition, version, oldObject),
    dryRun,
    options: {
      kind: OPTIONS[operation],
      apiVersion: 'meta.k8s.io/v1',
      ...(dryRun ? { dryRun: ['All'] } : {}),
      ...(fieldManager === '' || operation === 'DELETE' ? {} : { fieldManager }),
    },
  };
}

/** The object as one version of its resource has it: versions differ in apiVersion only. */
export function inVersion(definition: Definition, version: string, object: Stored): Stored {
  const { group, kind } = definition.resource;
  return { ...object, apiVersion: group === '' ? version : `${group}/${version}`, kind };
}

/** meta/v1 StatusDetails: what is not of this form is not passed on. */
const DETAILS: Schema = object({
  name: TEXT,
  group: TEXT,
  kind: TEXT,
  uid: TEXT,
  retryAfterSeconds: INT32,
  causes: list(object({ reason: TEXT, message: TEXT, field: TEXT })),
});

export type DecodedReview =
  { readonly ok: true; readonly answer: ReviewAnswer } | { readonly ok: false; readonly why: string };

/** Reads an answer; `why` says what is wrong with it in kube-apiserver's words. Never throws. */
export function decodeReview(text: string, uid: string, kind: ReviewAnswer['kind']): DecodedReview {
  const refuse = (why: string): DecodedReview => ({ ok: false, why });
  let review: unknown;
  try {
    review = JSON.parse(text);
  } catch {
    return refuse(`couldn't get version/kind; json parse error in ${JSON.stringify(text.slice(0, 100))}`);
  }
  if (!isObject(review)) return refuse('the answer is not an object');
  if (review['apiVersion'] !== REVIEW_VERSION || review['kind'] !== 'AdmissionReview')
    return refuse(
      `expected webhook response of ${REVIEW_VERSION}, Kind=AdmissionReview, got ${textOf(review['apiVersion'])}, Kind=${textOf(review['kind'])}`,
    );
  const { response } = review;
  if (!isObject(response)) return refuse('webhook response was absent');
  if (response['uid'] !== uid)
    return refuse(
      `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(textOf(response['uid']))}`,
    );
  if (typeof response['allowed'] !== 'boolean') return refuse('response.allowed must be true or false');
  const patch = decodePatch(response, kind);
  if (!patch.ok) return patch;
  const warnings = Array.isArray(response['warnings'])
    ? response['warnings'].filter((warning) => typeof warning === 'string')
    : [];
  return {
    ok: true,
    answer: {
      kind,
      allowed: response['allowed'],
      status: statusOf(response['status']),
      warnings,
      ...(patch.patch === undefined ? {} : { patch: patch.patch }),
    },
  };
}

function decodePatch(
  { patch, patchType }: Record<string, unknown>,
  kind: ReviewAnswer['kind'],
): { ok: true; patch?: unknown } | { ok: false; why: string } {
  const refuse = (why: string): { ok: false; why: string } => ({ ok: false, why });
  const hasPatch = patch !== undefined && patch !== null && patch !== '';
  const hasType = patchType !== undefined && patchType !== null;
  if (kind === 'validating') {
    if (hasPatch) return refuse('validating webhook may not return response.patch');
    return hasType ? refuse('validating webhook may not return response.patchType') : { ok: true };
  }
  if (!hasPatch && !hasType) return { ok: true };
  if (!hasType) return refuse('webhook returned response.patch but not response.patchType');
  if (!hasPatch) return refuse('webhook returned response.patchType but not response.patch');
  if (patchType !== 'JSONPatch')
    return refuse(`webhook returned invalid response.patchType of ${JSON.stringify(patchType)}`);
  try {
    return { ok: true, patch: JSON.parse(Buffer.from(textOf(patch), 'base64').toString()) as unknown };
  } catch {
    return refuse('response.patch is not JSON in base64');
  }
}

function statusOf(status: unknown): ReviewAnswer['status'] {
  if (!isObject(status)) return {};
  const { code, message, reason, details } = status;
  return {
    ...(typeof code === 'number' && Number.isInteger(code) && code <= 599 ? { code } : {}),
    ...(typeof message === 'string' ? { message } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(isObject(details) && validateSchema(DETAILS, details, 'details').length === 0 ? { details } : {}),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
