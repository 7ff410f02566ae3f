/** What the API server answers when it refuses: a meta/v1 Status, thrown. */
import type { Status } from '../api/meta.ts';

export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly status: Status;
  /** HTTP status code. */
  readonly code: number;
  /** The Status' reason: NotFound, Conflict, Forbidden, Expired, … ('' where the answer had none). */
  readonly reason: string;
  /** How long the server asked to wait, from the Retry-After header or the Status' details. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: Status, code: number, retryAfterSeconds?: number) {
    super(status.message ?? `the API server answered ${code}`);
    this.status = status;
    this.code = code;
    this.reason = status.reason ?? '';
    const inDetails: unknown = status.details?.retryAfterSeconds;
    this.retryAfterSeconds = retryAfterSeconds ?? (typeof inDetails === 'number' ? inDetails : undefined);
  }
}

/** True for a refusal with this HTTP status code. */
export function isRefusal(error: unknown, code: number): error is KubeError {
  return error instanceof KubeError && error.code === code;
}

/** The Status in an answer's body; one made from the code where a proxy or an old server sent something else. */
export function statusOf(body: unknown, code: number, text: string): Status {
  if (isStatus(body)) return body;
  const said = text.trim().slice(0, 200);
  return {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    message: `the API server answered ${code}${said === '' ? '' : `: ${said}`}`,
  };
}

function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
}
