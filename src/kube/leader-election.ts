/**
 * One of several processes leads: this carries out what election.ts decides, and runs the leader's work while it leads.
 * Each term has work of its own, made anew and given a client that writes only during that term, so nothing a former term
 * left behind can write. Followers also watch the Lease: a release is noticed at once.
 */
import type { Lease } from '../api/kubernetes.ts';
import { LEASES } from '../api/kubernetes.ts';
import type { Clock, KubeClient, Leadership, Log, Meter, Startable, Store } from '../ports.ts';
import type { Election, ElectionAction, ElectionEvent, ElectionTimings } from './election.ts';
import { createElection, leadsAt, released, step, waitMs } from './election.ts';
import { fencedClient } from './fenced-client.ts';
import { isRefusal } from './kube-error.ts';

export interface LeaderElectionDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Where the Lease is, and its name. */
  readonly namespace: string;
  readonly name: string;
  /** Of this process alone. */
  readonly identity: string;
  readonly timings: ElectionTimings;
  /** Makes the work of one term. Its writes go through the client given here; its stop() must not need them. */
  readonly lead: (client: KubeClient) => Startable;
  /** Numbers in [0, 1) for jitter. Default Math.random. */
  readonly random?: () => number;
}

interface Term {
  readonly work: Startable;
  /** Settles once the work has started; never rejects. */
  readonly started: Promise<void>;
  readonly over: AbortController;
}

/** The writes of a term may take this long to finish before the Lease is released. */
const FINISH_MS = 3_000;

export class LeaderElection implements Startable, Leadership {
  readonly #deps: LeaderElectionDeps;
  readonly #lease: Store<Lease> & Startable;
  readonly #listeners = new Set<(leads: boolean) => void>();
  #election: Election;
  #term: Term | undefined;
  /** While the work of the last term is being stopped. */
  #ending: Promise<void> | undefined;
  #life: 'new' | 'running' | 'stopped' = 'new';
  #running: Promise<void> = Promise.resolve();
  #nudge = Promise.withResolvers<void>();
  #cancelDeadline: () => void = () => undefined;
  #known = false;
  #failing = false;

  constructor(deps: LeaderElectionDeps) {
    const { client, namespace, name, identity, timings } = deps;
    this.#deps = deps;
    this.#lease = client.observe<Lease>(LEASES, { namespace, fieldSelector: `metadata.name=${name}` });
    this.#election = createElection(identity, timings);
  }

  /** True once it is known who leads, this process or another. */
  get known(): boolean {
    return this.#known;
  }

  leads(): boolean {
    return this.#term !== undefined && leadsAt(this.#election, this.#deps.clock.monotonicMs());
  }

  subscribe(listener: (leads: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Begins to run for it; who leads is known later. */
  async start(): Promise<void> {
    if (this.#life !== 'new') return;
    this.#life = 'running';
    this.#deps.meter.set('cleat_leader_election_leads', { name: this.#deps.name }, 0);
    this.#lease.subscribe(({ object }) => {
      if (object.spec?.holderIdentity !== this.#deps.identity) this.#nudge.resolve();
    });
    await this.#lease.start();
    this.#running = this.#run();
  }

  /** Ends the work, then gives the Lease back, so that another leads at once. */
  async stop(): Promise<void> {
    if (this.#life !== 'running') return;
    this.#life = 'stopped';
    this.#nudge.resolve();
    await Promise.all([this.#running, this.#lease.stop()]);
    await this.#finishTerm();
    this.#cancelDeadline();
    if (leadsAt(this.#election, this.#deps.clock.monotonicMs())) await this.#release();
  }

  async #run(): Promise<void> {
    const { clock, random = Math.random } = this.#deps;
    while (this.#life === 'running') {
      // Who still cleans up does not run for it again.
      await this.#ending;
      this.#nudge = Promise.withResolvers();
      const startedMs = clock.monotonicMs();
      await this.#try();
      const nowMs = clock.monotonicMs();
      const elapsedMs = this.leads() ? nowMs - startedMs : 0;
      await this.#pause(waitMs(this.#election, nowMs, random()) - elapsedMs);
    }
  }

  /** Until the time is over, the Lease changes hands, or stop(). Never 0: the event loop must turn. */
  async #pause(ms: number): Promise<void> {
    if (this.#life !== 'running') return;
    const over = Promise.withResolvers<void>();
    const cancel = this.#deps.clock.after(Math.max(1, ms), () => over.resolve());
    await Promise.race([over.promise, this.#nudge.promise]);
    cancel();
  }

  async #try(): Promise<void> {
    const { clock, log, name } = this.#deps;
    let action = this.#step({ kind: 'due', nowMs: clock.nowMs() });
    while (action.kind !== 'wait' && this.#life === 'running') {
      const event = await this.#carryOut(action);
      action = this.#step(event);
      if (event.kind === 'failed') return;
    }
    this.#known = true;
    if (this.#failing) log.info('the Lease can be read and written again', { lease: name });
    this.#failing = false;
  }

  #step(event: ElectionEvent): ElectionAction {
    const { election, action } = step(this.#election, event);
    this.#election = election;
    this.#follow();
    return action;
  }

  /** Begins or ends the term as the election says. */
  #follow(): void {
    const { clock } = this.#deps;
    const nowMs = clock.monotonicMs();
    const leads = leadsAt(this.#election, nowMs);
    this.#cancelDeadline();
    if (leads) {
      const leftMs = (this.#election.leadsUntilMs ?? 0) - nowMs;
      this.#cancelDeadline = clock.after(leftMs, () => {
        this.#step({ kind: 'checked', atMs: clock.monotonicMs() });
      });
    }
    if (!leads && this.#term !== undefined) this.#endTerm(this.#term);
    const isFree = this.#term === undefined && this.#ending === undefined;
    if (leads && isFree && this.#life === 'running') this.#beginTerm();
  }

  #beginTerm(): void {
    const { client, lead, log, name, identity } = this.#deps;
    const over = new AbortController();
    const fence = { holds: () => !over.signal.aborted && this.leads(), signal: over.signal };
    const work = lead(fencedClient(client, fence));
    const started = work.start().catch((error: unknown) => {
      log.error('the work of the leader failed to start', { error });
    });
    this.#term = { work, started, over };
    log.info('leading', { lease: name, identity });
    this.#tell(true);
  }

  #endTerm({ work, started, over }: Term): void {
    const { log, name, identity } = this.#deps;
    this.#term = undefined;
    over.abort(new Error('this process leads no more'));
    log.warn('leading no more: the Lease was not renewed in time, or another has it', {
      lease: name,
      identity,
    });
    this.#tell(false);
    this.#ending = started
      .then(() => work.stop())
      .catch((error: unknown) => log.error('the work of the leader failed to stop', { error }))
      .then(() => {
        this.#ending = undefined;
        // The Lease may have been won back meanwhile.
        this.#follow();
      });
  }

  async #finishTerm(): Promise<void> {
    const { clock, log } = this.#deps;
    const term = this.#term;
    if (term === undefined) {
      await this.#ending;
      return;
    }
    const { work, started, over } = term;
    const cancel = clock.after(FINISH_MS, () => over.abort(new Error('this process is ending')));
    await started;
    await work
      .stop()
      .catch((error: unknown) => log.error('the work of the leader failed to stop', { error }));
    cancel();
    over.abort(new Error('this process is ending'));
    this.#term = undefined;
    this.#tell(false);
  }

  #tell(leads: boolean): void {
    this.#deps.meter.set('cleat_leader_election_leads', { name: this.#deps.name }, leads ? 1 : 0);
    for (const listener of this.#listeners) listener(leads);
  }

  async #carryOut(action: Exclude<ElectionAction, { kind: 'wait' }>): Promise<ElectionEvent> {
    const { client, clock, namespace, name, log } = this.#deps;
    const sentMs = clock.monotonicMs();
    try {
      return await this.#bounded(async (signal): Promise<ElectionEvent> => {
        if (action.kind === 'read') {
          const lease = await client.get<Lease>(LEASES, { namespace, name });
          return { kind: 'read', lease, atMs: clock.monotonicMs(), nowMs: clock.nowMs() };
        }
        const lease =
          action.kind === 'create'
            ? await client.create<Lease>(
                LEASES,
                { metadata: { namespace, name }, spec: action.spec },
                { signal },
              )
            : await client.update<Lease>(LEASES, action.lease, { signal });
        return { kind: 'written', lease, sentMs };
      });
    } catch (error) {
      const isGone = action.kind === 'update' && isRefusal(error, 404);
      if (isGone || isRefusal(error, 409)) return { kind: 'outdated' };
      if (!this.#failing)
        log.warn('the Lease cannot be read or written; trying again', { lease: name, error });
      this.#failing = true;
      return { kind: 'failed' };
    }
  }

  /** Two tries fit into the renew deadline. */
  async #bounded<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, timings } = this.#deps;
    const limit = new AbortController();
    const late = Promise.withResolvers<never>();
    const ms = timings.renewDeadlineMs / 2;
    const cancel = clock.after(ms, () => {
      const error = new Error(`no answer within ${ms} ms`);
      limit.abort(error);
      late.reject(error);
    });
    try {
      return await Promise.race([call(limit.signal), late.promise]);
    } finally {
      cancel();
    }
  }

  async #release(): Promise<void> {
    const { client, clock, log, name } = this.#deps;
    const lease = released(this.#election, clock.nowMs());
    if (lease === undefined) return;
    try {
      await this.#bounded((signal) => client.update<Lease>(LEASES, lease, { signal }));
      log.info('released the Lease', { lease: name });
    } catch (error) {
      log.warn('the Lease could not be released: another leads when it runs out', { lease: name, error });
    }
  }
}
