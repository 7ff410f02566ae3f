/**
 * Keeps the registration as it should be: puts it in by the two steps of registration.ts, follows the two objects it is in, and
 * tells when somebody else changed or deleted them. Every replica follows; whoever leads mends.
 */
import type { ValidatingWebhookConfiguration } from '../api/kubernetes.ts';
import { MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS } from '../api/kubernetes.ts';
import type { Clock, KubeClient, Log, Startable, Store } from '../ports.ts';
import { registerMutation } from './mutating-registration.ts';
import {
  clearTheWay,
  registerGates,
  registerSelfTest,
  type RegistrationOptions,
  WEBHOOK_CONFIGURATION,
} from './registration.ts';
import { selfTest } from './self-test.ts';

export interface RegistrarDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
}

/** Two who will not agree take turns: so many times at once, then ever more slowly. */
const PATIENCE = 10;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** After so long a quarrel is over. */
const QUIET_MS = 60_000;

export class Registrar implements Startable {
  readonly #deps: RegistrarDeps;
  readonly #onForeignChange: (waitMs: number) => void;
  readonly #stores: readonly (Store<ValidatingWebhookConfiguration> & Startable)[];
  readonly #stopping = new AbortController();
  /** The versions of the objects that our own last writes made. */
  readonly #own = new Set<string>();
  /** Monotonic time at which register() began last. */
  #registeredMs = Number.NEGATIVE_INFINITY;
  /** Somebody changed one of them since. */
  #isForeign = false;
  /** How often in a row somebody changed what had just been mended. */
  #quarrels = 0;
  /** Versions heard of during the registering under way; undefined: none is. */
  #heard: string[] | undefined;
  #unsubscribe: readonly (() => void)[] = [];

  /** `onForeignChange` is called when an object differs from what was registered last, with the time to let pass. */
  constructor(deps: RegistrarDeps, onForeignChange: (waitMs: number) => void) {
    this.#deps = deps;
    this.#onForeignChange = onForeignChange;
    const fieldSelector = `metadata.name=${WEBHOOK_CONFIGURATION}`;
    this.#stores = [VALIDATING_WEBHOOKS, MUTATING_WEBHOOKS].map((resource) =>
      deps.client.observe<ValidatingWebhookConfiguration>(resource, { fieldSelector }),
    );
  }

  /** Begins to follow. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#stores.map((store) =>
      store.subscribe(({ type, object }) => {
        const version = type === 'deleted' ? '' : (object.metadata.resourceVersion ?? '');
        if (this.#heard !== undefined) this.#heard.push(version);
        else if (!this.#own.has(version)) this.#seeForeignChange();
      }),
    );
    await Promise.all(this.#stores.map((store) => store.start()));
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#stopping.abort(new Error('the webhook is stopping'));
    await Promise.all(this.#stores.map((store) => store.stop()));
  }

  /**
   * Resolves once a review came back through the API server and the rules are in. Throws what stands in the way; the rules are
   * then as they were, except that none can refuse anything that nobody judges.
   */
  async register(options: RegistrationOptions): Promise<void> {
    const { client, clock, log } = this.#deps;
    const { namespace } = options;
    const { signal } = this.#stopping;
    this.#countQuarrels(clock.monotonicMs());
    this.#heard = [];
    const before = new Set(this.#own);
    this.#own.clear();
    let isNew = false;
    const note = (version: string, known: ReadonlySet<string>): void => {
      isNew ||= !known.has(version);
      this.#own.add(version);
    };
    try {
      const removed = await clearTheWay(client, options);
      if (removed.length > 0)
        log.info('removed webhooks that stood in the way', { object: WEBHOOK_CONFIGURATION, removed });
      this.#own.add(await registerSelfTest(client, options));
      await selfTest({ client, clock, namespace, signal });
      note(await registerGates(client, options), this.#own);
      note(await registerMutation(client, options), before);
    } finally {
      const heard = this.#heard;
      this.#heard = undefined;
      if (heard.some((version) => !this.#own.has(version))) this.#seeForeignChange();
    }
    if (isNew)
      log.info('the webhook is registered', {
        failurePolicy: options.failurePolicy,
        ...(options.url && { url: options.url }),
      });
  }

  #seeForeignChange(): void {
    this.#isForeign = true;
    const sinceMs = this.#deps.clock.monotonicMs() - this.#registeredMs;
    this.#onForeignChange(Math.max(0, this.#pauseMs() - sinceMs));
  }

  #countQuarrels(nowMs: number): void {
    const isOld = nowMs - this.#registeredMs > 2 * this.#pauseMs() + QUIET_MS;
    if (isOld) this.#quarrels = 0;
    if (this.#isForeign) this.#quarrels += 1;
    if (this.#isForeign && this.#quarrels === PATIENCE)
      this.#deps.log.warn('somebody else changes the registration of the webhook again and again', {
        object: WEBHOOK_CONFIGURATION,
      });
    this.#isForeign = false;
    this.#registeredMs = nowMs;
  }

  /** Between one mending and the next. */
  #pauseMs(): number {
    return Math.min(FIRST_PAUSE_MS * 2 ** Math.max(0, this.#quarrels - PATIENCE), LONGEST_PAUSE_MS);
  }
}
