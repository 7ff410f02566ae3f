/**
 * Whether who asks this process something over HTTP may: the API server is asked who the token belongs to (TokenReview) and
 * whether that one may GET the path (SubjectAccessReview on a non-resource URL), as MetalLB's metrics do (MetalLB behaviour
 * 8.5). Answers are remembered for a while, so that a scrape costs no calls; tokens are not, but by their digest.
 */
import { createHash } from 'node:crypto';
import type { KubeObject, Resource } from '../api/meta.ts';
import type { Clock, KubeClient } from '../ports.ts';

export type Admission = 'allowed' | 'unauthenticated' | 'forbidden';

export interface RequestAuthorizerDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
}

/** As long as kube-apiserver's own webhook authorizers remember: what is allowed longer than what is not. */
const ALLOWED_MS = 60_000;
const REFUSED_MS = 10_000;
const REMEMBERED = 100;

const TOKEN_REVIEWS = review('authentication.k8s.io', 'tokenreviews', 'TokenReview');
const ACCESS_REVIEWS = review('authorization.k8s.io', 'subjectaccessreviews', 'SubjectAccessReview');

interface TokenReview extends KubeObject {
  spec: { token: string };
  status?: {
    authenticated?: boolean;
    user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  };
}

interface SubjectAccessReview extends KubeObject {
  spec: {
    user?: string;
    uid?: string;
    groups?: string[];
    extra?: Record<string, string[]>;
    nonResourceAttributes: { path: string; verb: string };
  };
  status?: { allowed: boolean };
}

export class RequestAuthorizer {
  readonly #deps: RequestAuthorizerDeps;
  readonly #answers = new Map<string, { readonly admission: Admission; readonly untilMs: number }>();

  constructor(deps: RequestAuthorizerDeps) {
    this.#deps = deps;
  }

  /** `authorization` is the request's header. Throws what the API server answers where it cannot say. */
  async mayGet(path: string, authorization: string | undefined): Promise<Admission> {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return 'unauthenticated';
    const key = createHash('sha256').update(`${path} ${token}`).digest('base64');
    const nowMs = this.#deps.clock.monotonicMs();
    const known = this.#answers.get(key);
    if (known !== undefined && known.untilMs > nowMs) return known.admission;
    const admission = await this.#ask(path, token);
    this.#answers.delete(key);
    this.#answers.set(key, {
      admission,
      untilMs: nowMs + (admission === 'allowed' ? ALLOWED_MS : REFUSED_MS),
    });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > REMEMBERED && oldest !== undefined) this.#answers.delete(oldest);
    return admission;
  }

  async #ask(path: string, token: string): Promise<Admission> {
    const { client } = this.#deps;
    const { status: who } = await client.create<TokenReview>(TOKEN_REVIEWS, {
      metadata: {},
      spec: { token },
    });
    if (who?.authenticated !== true) return 'unauthenticated';
    const { username, ...user } = who.user ?? {};
    const spec = {
      ...(username !== undefined && { user: username }),
      ...user,
      nonResourceAttributes: { path, verb: 'get' },
    };
    const { status } = await client.create<SubjectAccessReview>(ACCESS_REVIEWS, { metadata: {}, spec });
    return status?.allowed === true ? 'allowed' : 'forbidden';
  }
}

function review(group: string, plural: string, kind: string): Resource {
  return { group, version: 'v1', plural, kind, namespaced: false };
}
