/** When the neighbours are told unasked: at once, and again for five seconds, since nobody acknowledges (MetalLB announcer.go). */
import type { Clock, PacketIo } from '../ports.ts';

const AGAIN_EVERY_MS = 1100;
const FOR_MS = 5000;

export class GratuitousBursts {
  readonly #clock: Clock;
  readonly #packets: PacketIo;
  /** Address -> when its burst ends. */
  readonly #untilMs = new Map<string, number>();
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, packets: PacketIo) {
    this.#clock = clock;
    this.#packets = packets;
  }

  /** Begins a burst for each address; one that has a burst already is told at once too, and longer. */
  begin(addresses: readonly string[]): void {
    if (addresses.length === 0) return;
    for (const address of addresses) this.#untilMs.set(address, this.#clock.monotonicMs() + FOR_MS);
    this.#packets.announce(addresses);
    this.#cancelTimer ??= this.#clock.after(AGAIN_EVERY_MS, () => this.#again());
  }

  end(address: string): void {
    this.#untilMs.delete(address);
  }

  stop(): void {
    this.#untilMs.clear();
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #again(): void {
    this.#cancelTimer = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const [address, untilMs] of this.#untilMs) if (untilMs < nowMs) this.#untilMs.delete(address);
    if (this.#untilMs.size === 0) return;
    this.#packets.announce([...this.#untilMs.keys()]);
    this.#cancelTimer = this.#clock.after(AGAIN_EVERY_MS, () => this.#again());
  }
}
