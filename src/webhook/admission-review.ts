/**
 * AdmissionReview, admission.k8s.io/v1, as the API server sends it and wants it answered. Reading is strict about the
 * little that is needed and blind to the rest; it never throws, whatever was sent.
 */
import type { ConfigMap } from '../api/kubernetes.ts';
import { CONFIG_MAPS } from '../api/kubernetes.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Change, ConfigMapChange, Operation } from '../core/policy/facts.ts';
import type { Verdict } from '../core/policy/verdict.ts';
import { JUDGED_KINDS } from './judged-kinds.ts';

interface ReviewRequest {
  readonly uid: string;
  /** undefined for a kind or subresource the gate has nothing to say about. */
  readonly change: Change | undefined;
}

export type ParsedReview =
  | { readonly ok: true; readonly request: ReviewRequest }
  /** `why` is one sentence for the answer 400. */
  | { readonly ok: false; readonly why: string };

/** What is answered. */
export interface Review {
  readonly apiVersion: 'admission.k8s.io/v1';
  readonly kind: 'AdmissionReview';
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly status?: { readonly code: 403; readonly reason: 'Forbidden'; readonly message: string };
    readonly warnings?: readonly string[];
    /** JSON in base64. */
    readonly patch?: string;
    readonly patchType?: 'JSONPatch';
    readonly auditAnnotations?: Readonly<Record<string, string>>;
  };
}

type Fields = Readonly<Record<string, unknown>>;

const API_VERSION = 'admission.k8s.io/v1';
const OPERATIONS: readonly Operation[] = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'];

/** `readLegacy` gives the configuration a ConfigMap holds; it is called for ConfigMaps only. */
export function parseReview(
  body: unknown,
  readLegacy: (configMap: ConfigMap) => ConfigMapChange['legacy'],
): ParsedReview {
  if (!isFields(body) || body['apiVersion'] !== API_VERSION || body['kind'] !== 'AdmissionReview') {
    return refuse(`the body is not an AdmissionReview of ${API_VERSION}`);
  }
  const { request } = body;
  if (!isFields(request)) return refuse('the AdmissionReview has no request');
  const { uid, object = null, oldObject = null } = request;
  const operation = OPERATIONS.find((known) => known === request['operation']);
  if (typeof uid !== 'string' || uid === '') return refuse('request.uid is missing');
  if (operation === undefined) return refuse(`request.operation is none of ${OPERATIONS.join(', ')}`);
  if (object !== null && !isObject(object)) return refuse('request.object is no object with metadata');
  if (oldObject !== null && !isObject(oldObject))
    return refuse('request.oldObject is no object with metadata');
  if (object === null && (operation === 'CREATE' || operation === 'UPDATE'))
    return refuse('request.object is missing');

  const facts = {
    operation,
    namespace: text(request['namespace']),
    // Of several deleted at once the API server names none: each has its name in itself.
    name: text(request['name']) || (operation === 'DELETE' ? text(oldObject?.metadata.name) : ''),
    dryRun: request['dryRun'] === true,
    user: isFields(request['userInfo']) ? text(request['userInfo']['username']) : '',
    ...(object !== null && { object }),
    ...(oldObject !== null && { oldObject }),
  };
  return { ok: true, request: { uid, change: toChange(request, facts, readLegacy) } };
}

/** The answer to one request; 403 is the only code a refusal ever has. */
export function formatReview(uid: string, verdict: Verdict): Review {
  const { allowed, message = '', warnings, audit } = verdict;
  return {
    apiVersion: API_VERSION,
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed,
      ...(!allowed && { status: { code: 403, reason: 'Forbidden', message } as const }),
      ...(warnings.length > 0 && { warnings }),
      ...(Object.keys(audit).length > 0 && { auditAnnotations: audit }),
    },
  };
}

type Facts = Omit<Change, 'kind' | 'object' | 'oldObject' | 'legacy'> & {
  object?: KubeObject;
  oldObject?: KubeObject;
};

/** The kind decides what the object is taken for; its inside is read by code that trusts no field. */
function toChange(
  request: Fields,
  facts: Facts,
  readLegacy: (configMap: ConfigMap) => ConfigMapChange['legacy'],
): Change | undefined {
  if (text(request['subResource']) !== '' || !isFields(request['kind'])) return undefined;
  const { group, kind } = request['kind'];
  const judged = Object.values(JUDGED_KINDS).find((each) => each.group === group && each.kind === kind);
  if (judged === undefined) return undefined;
  if (judged !== CONFIG_MAPS) return { ...facts, kind: judged.kind } as Change;
  const legacy = facts.object === undefined ? undefined : readLegacy(facts.object);
  return { ...facts, kind: 'ConfigMap', ...(legacy !== undefined && { legacy }) };
}

function refuse(why: string): ParsedReview {
  return { ok: false, why };
}

function isObject(value: unknown): value is KubeObject {
  return isFields(value) && isFields(value['metadata']);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
