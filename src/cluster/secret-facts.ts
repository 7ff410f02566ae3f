/**
 * What is known of the Secrets that BGPPeers name: each is observed by its own name, so no other Secret is ever read, and
 * nothing of its content is handed on.
 */
import type { Secret } from '../api/kubernetes.ts';
import { SECRETS } from '../api/kubernetes.ts';
import type { SecretFact } from '../core/config/bgp-checks.ts';
import type { KubeClient, Startable, Store } from '../ports.ts';

interface Followed {
  readonly store: Store<Secret> & Startable;
  readonly unsubscribe: () => void;
}

export class SecretFacts {
  readonly #client: Pick<KubeClient, 'observe'>;
  readonly #namespace: string;
  readonly #changed: () => void;
  readonly #followed = new Map<string, Followed>();
  #facts: ReadonlyMap<string, SecretFact> | undefined;

  /** `changed` is called when a fact changes or has become known. */
  constructor(client: Pick<KubeClient, 'observe'>, namespace: string, changed: () => void) {
    this.#client = client;
    this.#namespace = namespace;
    this.#changed = changed;
  }

  /** The facts about these Secrets, by name; undefined until all of them have been looked up. */
  about(names: ReadonlySet<string>): ReadonlyMap<string, SecretFact> | undefined {
    for (const name of this.#followed.keys()) if (!names.has(name)) this.#forget(name);
    for (const name of names) if (!this.#followed.has(name)) this.#follow(name);
    if ([...this.#followed.values()].some(({ store }) => !store.synced)) return undefined;
    this.#facts ??= new Map(
      [...this.#followed].flatMap(([name, { store }]) => {
        const secret = store.get(`${this.#namespace}/${name}`);
        return secret === undefined ? [] : [[name, factOf(secret)] as const];
      }),
    );
    return this.#facts;
  }

  async stop(): Promise<void> {
    const stores = [...this.#followed.values()].map(({ store }) => store);
    for (const name of this.#followed.keys()) this.#followed.get(name)?.unsubscribe();
    this.#followed.clear();
    await Promise.all(stores.map((store) => store.stop()));
  }

  #follow(name: string): void {
    const store = this.#client.observe<Secret>(SECRETS, {
      namespace: this.#namespace,
      fieldSelector: `metadata.name=${name}`,
    });
    const changed = (): void => {
      this.#facts = undefined;
      this.#changed();
    };
    this.#followed.set(name, { store, unsubscribe: store.subscribe(changed) });
    this.#facts = undefined;
    void store.whenSynced().then(changed);
    void store.start();
  }

  #forget(name: string): void {
    const followed = this.#followed.get(name);
    this.#followed.delete(name);
    this.#facts = undefined;
    followed?.unsubscribe();
    void followed?.store.stop();
  }
}

function factOf({ type = 'Opaque', data }: Secret): SecretFact {
  return { type, hasPassword: data?.['password'] !== undefined };
}
