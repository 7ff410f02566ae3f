/**
 * Failover in less than a second, on top of the protocol and with its own messages, so that MetalLB's speakers are watched as
 * well. Each member keeps an eye on its neighbours on a ring and on suspects, and pings them several times a second. Neighbours
 * watch each other, and a ping says as much as an answer: who has been pinged does not ping. Who does not answer is asked again and again, also through others, and its kernel is asked over TCP:
 *
 * - a connection is refused: the machine is there and the program is not. That is death, at once.
 * - a connection is accepted, and still nothing answers: a program that is busy or stopped. It has three seconds, since it
 *   may be announcing all the while.
 * - nothing at all for half a second: the machine or its link is gone.
 *
 * Who hears nobody at all doubts itself first and leaves the others to the protocol; and who slept itself, by its own
 * timers, starts to count anew. A member that is declared dead by mistake refutes it as ever.
 */
import type { Member, Members } from './members.ts';
import { indirect } from './probe.ts';
import type { Station } from './station.ts';

/** Of the members on either side, and of suspects. */
const WATCHED = 2;
const BEAT_MS = 150;
/** So much later pings one that was pinged: the other one's next ping is to be there before. */
const GRACE_MS = 15;
/**
 * What is due so soon is done with what is done now: to wake up is dearer than to ping. So neighbours come to beat together, and
 * who beat with another one lets it set the pace.
 */
const EARLY_MS = 50;
const FOLLOW_MS = 4;
/** Between questions to one that does not answer. */
const URGENT_BEAT_MS = 30;
/** Between attempts over TCP and through others. */
const DETOUR_EVERY_MS = 100;
const DEAD_AFTER_MS = 500;
/** A refused connection counts after this much silence: a firewall can refuse too, but does not silence UDP. */
const REFUSED_AFTER_MS = 150;
/**
 * So long a program whose kernel answers may stand still: half a second later it is dead. By then its packet worker, which goes on
 * announcing for 3 s at most (platform/packet-worker.ts), is silent. From then on there is nothing to be hasty about.
 */
const PATIENT_AFTER_MS = 2600;
/** A timer that runs later than this says that this process stood still. */
const LATE_MS = 60;

interface Watched {
  readonly node: string;
  seqNo: number;
  /** Of the first ping since the last sign of life. */
  silentSinceMs: number | undefined;
  /** That ping was sent at; not moved by connections. */
  askedMs: number;
  detourMs: number;
  refused: boolean;
  /** Of the next beat, where this member sets the pace; Infinity where the other one is expected to ping first. */
  dueMs: number;
  cancelTimer: () => void;
}

export class Watch {
  readonly #station: Station;
  readonly #members: Members;
  readonly #watched = new Map<string, Watched>();

  constructor(station: Station, members: Members) {
    this.#station = station;
    this.#members = members;
  }

  /** Call it when the state of a member has changed. */
  review(): void {
    const names = this.#choose();
    for (const [node, watched] of this.#watched) {
      if (names.has(node)) continue;
      watched.cancelTimer();
      this.#station.waiting.delete(watched.seqNo);
      this.#watched.delete(node);
    }
    for (const node of names) {
      if (this.#watched.has(node)) continue;
      const watched: Watched = {
        node,
        seqNo: 0,
        silentSinceMs: undefined,
        askedMs: 0,
        detourMs: 0,
        refused: false,
        dueMs: 0,
        cancelTimer: () => {},
      };
      this.#watched.set(node, watched);
      this.#schedule(watched, this.#station.outlet.random() * BEAT_MS);
    }
  }

  /** A member pings this one: it lives. */
  pingedBy(node: string): void {
    const watched = this.#watched.get(node);
    if (watched === undefined || watched.silentSinceMs !== undefined) return;
    this.#schedule(watched, BEAT_MS + GRACE_MS);
    watched.dueMs = Infinity;
    this.#beatTogether();
  }

  /** What became of Outlet.contact. */
  contacted(node: string, outcome: 'accepted' | 'refused'): void {
    const watched = this.#watched.get(node);
    if (watched?.silentSinceMs === undefined) return;
    watched.refused = outcome === 'refused';
    const { nowMs } = this.#station;
    if (watched.refused) this.#judge(watched, watched.silentSinceMs);
    else if (nowMs - watched.askedMs < PATIENT_AFTER_MS) watched.silentSinceMs = nowMs;
  }

  #choose(): Set<string> {
    const own = placeOf(this.#station.source.node);
    const ring = this.#members
      .others()
      .map(({ node, state }) => ({ node, state, distance: (placeOf(node) - own) >>> 0 }))
      .toSorted((a, b) => a.distance - b.distance || (a.node < b.node ? -1 : 1));
    const suspects = ring.filter(({ state }) => state === 'suspect');
    const chosen = [...ring.slice(0, WATCHED), ...ring.slice(-WATCHED), ...suspects.slice(0, WATCHED)];
    return new Set(chosen.map(({ node }) => node));
  }

  #schedule(watched: Watched, ms: number): void {
    const { nowMs, timers } = this.#station;
    watched.cancelTimer();
    watched.dueMs = nowMs + ms;
    watched.cancelTimer = timers.after(ms, (dueMs) => {
      this.#beat(watched, dueMs, BEAT_MS);
      this.#beatTogether();
    });
  }

  /** Those who are well and due soon. */
  #beatTogether(): void {
    const { nowMs } = this.#station;
    for (const watched of this.#watched.values())
      if (watched.silentSinceMs === undefined && watched.dueMs - nowMs <= EARLY_MS)
        this.#beat(watched, nowMs, BEAT_MS + FOLLOW_MS);
  }

  #beat(watched: Watched, dueMs: number, nextMs: number): void {
    const { nowMs } = this.#station;
    const member = this.#members.get(watched.node);
    if (member === undefined) return;
    const sleptMs = nowMs - dueMs;
    if (watched.silentSinceMs === undefined) this.#begin(watched);
    else if (sleptMs > LATE_MS) watched.silentSinceMs = nowMs;
    else if (this.#judge(watched, watched.silentSinceMs)) return;
    this.#ping(watched, member);
    const silentMs = nowMs - watched.askedMs;
    const urgent = silentMs > 0 && silentMs < PATIENT_AFTER_MS;
    if (silentMs > 0 && nowMs >= watched.detourMs) {
      watched.detourMs = nowMs + (urgent ? DETOUR_EVERY_MS : PATIENT_AFTER_MS);
      this.#detour(watched, member);
    }
    this.#schedule(watched, urgent ? URGENT_BEAT_MS : nextMs);
  }

  #ping(watched: Watched, { endpoint, versions, state, node, incarnation }: Member): void {
    const ping = this.#station.ping(watched.seqNo, node);
    // A suspect is told, so that it can defend itself.
    const suspicion = { type: 'suspect', node, incarnation, from: this.#station.source.node } as const;
    this.#station.send(endpoint, state === 'suspect' ? [ping, suspicion] : [ping], versions);
  }

  #begin(watched: Watched): void {
    watched.silentSinceMs = this.#station.nowMs;
    watched.askedMs = this.#station.nowMs;
    watched.refused = false;
    // All questions of one silence have one number: any answer ends it.
    watched.seqNo = this.#station.ask({
      answered: () => {
        this.#members.hear(watched.node);
        watched.silentSinceMs = undefined;
      },
    });
  }

  #detour(watched: Watched, member: Member): void {
    const others = this.#members.others(watched.node).filter(({ state }) => state === 'alive');
    for (const helper of this.#station.pick(others, this.#station.config.indirectChecks)) {
      const ping = indirect(this.#station, member, watched.seqNo, false);
      this.#station.send(helper.endpoint, [ping], helper.versions);
    }
    this.#station.outlet.contact(member.endpoint, watched.node);
  }

  /** True where it was declared dead. */
  #judge(watched: Watched, silentSinceMs: number): boolean {
    const silentMs = this.#station.nowMs - silentSinceMs;
    const alone = this.#members.others(watched.node).length === 0;
    const trusted = alone || this.#members.heardOthersSince(silentSinceMs, watched.node);
    const expired = silentMs >= DEAD_AFTER_MS;
    // Silence counts while somebody else is heard: otherwise the first word after a cut would condemn all the others.
    if (expired && !trusted) watched.silentSinceMs = this.#station.nowMs;
    const dead = watched.refused
      ? this.#station.nowMs - watched.askedMs >= REFUSED_AFTER_MS
      : expired && trusted;
    const member = this.#members.get(watched.node);
    if (!dead || member === undefined) return false;
    const { node, incarnation, endpoint, versions } = member;
    const said = { type: 'dead', node, incarnation, from: this.#station.source.node } as const;
    this.#members.dead(said);
    // It may live after all: then it should be the first to know.
    this.#station.send(endpoint, [said], versions);
    return true;
  }
}

/** A place on the ring of 2^32, by FNV-1a: a rack whose nodes have names in a row does not watch itself. */
function placeOf(name: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 0x0100_0193);
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d) >>> 0;
}
