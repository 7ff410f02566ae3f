/**
 * The life of a process: parts start in order, work until a signal, and stop in reverse. A verb of the command line builds
 * its parts and calls runUntilSignalled; nothing else in the program listens to signals.
 */
import type { Clock, Log, Startable } from '../ports.ts';

export interface Part {
  /** For the log: `webhook`, `configuration`, … */
  readonly name: string;
  readonly part: Startable;
}

export interface LifecycleOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** Stopping all parts may take this long together; what hangs is abandoned. Default 20 s. */
  readonly stopTimeoutMs?: number;
  /** Called when all parts have started. */
  readonly onReady?: () => void;
  /** Called at the first signal, before any part is stopped. */
  readonly onStopping?: () => void;
  /** Where signals come from and how the process ends at once. Default: this process. */
  readonly process?: SignalSource;
}

/** The part of node:process used here. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  off(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  exit(code: number): unknown;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Starts the parts in order, waits for SIGTERM or SIGINT, and stops them in reverse; a signal during the start stops what
 * has begun. A second signal ends the process at once with code 130. Resolves with the exit code: 0, or 1 where a part could
 * not be stopped in time. Where a part cannot start, those before it are stopped and its error is thrown.
 */
export async function runUntilSignalled(parts: readonly Part[], options: LifecycleOptions): Promise<number> {
  const { process: source = process } = options;
  const signalled = Promise.withResolvers<'signalled'>();
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals > 1) source.exit(130);
    signalled.resolve('signalled');
  };
  for (const signal of SIGNALS) source.on(signal, onSignal);
  // A pending promise alone does not keep Node running; a part may have nothing but unref'd timers.
  const alive = setInterval(() => undefined, 1 << 30);
  const begun: Part[] = [];
  try {
    for (const entry of parts) {
      begun.unshift(entry);
      if ((await Promise.race([entry.part.start(), signalled.promise])) === 'signalled') break;
    }
    if (signals === 0) options.onReady?.();
    await signalled.promise;
    options.log.info('stopping');
    options.onStopping?.();
    return (await stopAll(begun, options)) ? 0 : 1;
  } catch (error) {
    await stopAll(begun, options);
    throw error;
  } finally {
    clearInterval(alive);
    for (const signal of SIGNALS) source.off(signal, onSignal);
  }
}

/** True where every part stopped in time. One that fails or hangs does not keep the others from being stopped. */
async function stopAll(parts: readonly Part[], options: LifecycleOptions): Promise<boolean> {
  const { log, clock, stopTimeoutMs = 20_000 } = options;
  const late = Promise.withResolvers<'late'>();
  const cancel = clock.after(stopTimeoutMs, () => late.resolve('late'));
  let clean = true;
  for (const { name, part } of parts) {
    try {
      if ((await Promise.race([part.stop(), late.promise])) === 'late') {
        log.error('a part did not stop in time and is abandoned', { part: name, stopTimeoutMs });
        clean = false;
      }
    } catch (error) {
      log.error('a part failed to stop', { part: name, error });
      clean = false;
    }
  }
  cancel();
  return clean;
}
