/**
 * The key of the speakers' member list: Secret `memberlist`, made once, where there is none, as MetalLB's controller makes it
 * (MetalLB behaviour 3.12). Speakers mount it, so they start together with the same key. It is never changed: who wants
 * another key writes it and restarts the speakers.
 */
import { randomBytes } from 'node:crypto';
import type { Secret } from '../api/kubernetes.ts';
import { SECRETS } from '../api/kubernetes.ts';
import { isRefusal } from '../kube/kube-error.ts';
import type { Clock, KubeClient, Log, Startable } from '../ports.ts';

export interface MemberlistSecretDeps {
  readonly client: Pick<KubeClient, 'create'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  readonly name: string;
}

const KEY_LENGTH = 16;
const AGAIN_AFTER_MS = 5000;

export class MemberlistSecret implements Startable {
  readonly #deps: MemberlistSecretDeps;
  #stopped = false;
  #cancelTimer = (): void => {};

  constructor(deps: MemberlistSecretDeps) {
    this.#deps = deps;
  }

  /** Begins in the background: several replicas may, the API server lets one. */
  start(): Promise<void> {
    void this.#create(true);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    return Promise.resolve();
  }

  async #create(first: boolean): Promise<void> {
    const { client, clock, log, namespace, name } = this.#deps;
    // As MetalLB writes it: base64 without padding, and the text of that is what members derive the key from.
    const key = randomBytes(KEY_LENGTH).toString('base64').replace(/=+$/, '');
    try {
      await client.create<Secret>(SECRETS, {
        metadata: { namespace, name },
        type: 'Opaque',
        data: { secretkey: Buffer.from(key).toString('base64') },
      });
      log.info('made a key for the member list of the speakers', { object: `${namespace}/${name}` });
    } catch (error) {
      if (isRefusal(error, 409) || this.#stopped) return; // there is one
      if (first) log.warn('the key of the member list could not be made, speakers wait for it', { error });
      this.#cancelTimer = clock.after(AGAIN_AFTER_MS, () => void this.#create(false));
    }
  }
}
