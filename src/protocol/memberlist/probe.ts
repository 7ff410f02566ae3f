/**
 * One member after the other is asked whether it is there, in random order: directly, then through others and over TCP, and
 * who is not reached in a whole interval is suspected (state.go probe and probeNode). The interval grows with one's own
 * unhealth. Also the other side of it: asking on behalf of others.
 */
import type { Endpoint } from './endpoint.ts';
import { endpointOf } from './endpoint.ts';
import type { Member, Members } from './members.ts';
import type { IndirectPing, Message } from './message.ts';
import type { Station } from './station.ts';

/** Versions since which a member answers pings over TCP, and says so when it was asked to ask in vain. */
const STREAM_PINGS_SINCE = 3;
const NACKS_SINCE = 4;
/** How many questions of others are under way at most. */
const MOST_RELAYS = 1024;

export class Prober {
  readonly #station: Station;
  readonly #members: Members;
  #order: string[] = [];
  #relays = 0;

  constructor(station: Station, members: Members) {
    this.#station = station;
    this.#members = members;
  }

  start(): void {
    this.#after(this.#station.outlet.random() * this.#station.config.probeIntervalMs);
  }

  /** Asks `ping.target` for somebody, and tells the answer, or that there is none where that is wanted. */
  relay(ping: IndirectPing, from: Endpoint): void {
    if (this.#relays >= MOST_RELAYS || !isIp(ping.target)) return;
    this.#relays += 1;
    const station = this.#station;
    const answerTo = ping.source === undefined ? from : endpointOf(ping.source.address, ping.source.port);
    let answered = false;
    const seqNo = station.ask({
      answered: () => {
        answered = true;
        station.send(answerTo, [{ type: 'ack', seqNo: ping.seqNo }]);
      },
    });
    const port = ping.port === 0 ? station.source.port : ping.port;
    station.send(endpointOf(ping.target, port), [station.ping(seqNo, ping.node)]);
    station.timers.after(station.config.probeTimeoutMs, () => {
      this.#relays -= 1;
      station.waiting.delete(seqNo);
      if (!answered && ping.nack) station.send(answerTo, [{ type: 'nack', seqNo: ping.seqNo }]);
    });
  }

  #after(ms: number): void {
    this.#station.timers.after(ms, () => this.#probeNext());
  }

  #probeNext(): void {
    const target = this.#next();
    if (target !== undefined && !this.#isHeard(target)) this.#probe(target);
    else {
      if (target !== undefined) this.#station.feel(-1);
      this.#after(this.#station.config.probeIntervalMs);
    }
  }

  /** Whom the watch has heard in the time in which an answer is due has answered already. */
  #isHeard({ node, state }: Member): boolean {
    const { nowMs, config } = this.#station;
    return state === 'alive' && this.#members.heardSince(nowMs - config.probeTimeoutMs, node);
  }

  #next(): Member | undefined {
    for (let rounds = 0; rounds < 2; rounds += 1) {
      for (let name = this.#order.pop(); name !== undefined; name = this.#order.pop()) {
        const member = this.#members.get(name);
        if (member?.state === 'alive' || member?.state === 'suspect') return member;
      }
      this.#members.reap();
      const names = this.#members.others().map(({ node }) => node);
      this.#order = this.#station.pick(names, names.length);
    }
    return undefined;
  }

  #probe(target: Member): void {
    const station = this.#station;
    const { config, timers } = station;
    const scaledMs = config.probeIntervalMs * (station.unhealth + 1);
    const startedMs = station.nowMs;
    let denied = 0;
    let expected: number | undefined;
    let reached: 'datagram' | 'stream' | undefined;
    const finish = (): void => {
      cancelAsking();
      cancelEnd();
      station.waiting.delete(seqNo);
      station.waiting.delete(streamSeqNo);
      if (reached === 'stream') station.outlet.note({ kind: 'streamOnly', node: target.node, by: '' });
      if (reached !== undefined) station.feel(-1);
      else this.#fail(target, (expected ?? 0) === 0 ? 1 : (expected ?? 0) - denied);
      this.#after(Math.max(0, startedMs + config.probeIntervalMs - station.nowMs));
    };
    const seqNo = station.ask({
      answered: () => {
        this.#members.hear(target.node);
        reached = 'datagram';
        finish();
      },
      denied: () => (denied += 1),
    });
    // Over TCP the answer counts only once the time is up: a member that UDP reaches as well is better known so.
    const streamSeqNo = station.ask({ answered: () => (reached = 'stream') });
    const cancelAsking = timers.after(config.probeTimeoutMs, () => {
      expected = this.#askOthers(target, seqNo);
      const streams = !config.disableTcpPings && (target.versions[1] ?? 0) >= STREAM_PINGS_SINCE;
      const leftMs = startedMs + scaledMs - station.nowMs;
      if (streams && leftMs > 0)
        station.outlet.pingByStream(target.endpoint, station.ping(streamSeqNo, target.node), leftMs);
    });
    const cancelEnd = timers.after(scaledMs, finish);
    const { node, incarnation } = target;
    const suspicion: Message = { type: 'suspect', node, incarnation, from: station.source.node };
    // A suspect is told, so that it can defend itself at once.
    const messages = target.state === 'suspect' ? [suspicion] : [];
    station.send(target.endpoint, [station.ping(seqNo, node), ...messages], target.versions);
  }

  /** Returns how many should say something in any case. */
  #askOthers(target: Member, seqNo: number): number {
    const others = this.#members.others(target.node).filter(({ state }) => state === 'alive');
    let expected = 0;
    for (const helper of this.#station.pick(others, this.#station.config.indirectChecks)) {
      const nack = (helper.versions[1] ?? 0) >= NACKS_SINCE;
      if (nack) expected += 1;
      this.#station.send(helper.endpoint, [indirect(this.#station, target, seqNo, nack)], helper.versions);
    }
    return expected;
  }

  #fail(target: Member, missing: number): void {
    this.#station.feel(missing);
    const { node, incarnation } = target;
    this.#members.suspect({ type: 'suspect', node, incarnation, from: this.#station.source.node });
  }
}

/** Asks somebody to ask `target`; the answer comes as if to `seqNo`. */
export function indirect(station: Station, target: Member, seqNo: number, nack: boolean): IndirectPing {
  const { address, port, node } = target;
  return { type: 'indirectPing', seqNo, target: address, port, node, nack, source: station.source };
}

function isIp({ length }: Uint8Array): boolean {
  return length === 4 || length === 16;
}
