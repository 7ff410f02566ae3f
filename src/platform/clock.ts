/**
 * platform/ is the machine seen from the rest of the program: time, logging, metrics, HTTP servers, the life cycle of a
 * process, files, sockets and the native addon. Each npm package has one door here (pino: log.ts, the metrics client:
 * metrics.ts, express: http.ts, yaml: yaml.ts), so that everything else is written against ports.ts. Nothing here decides
 * anything about addresses. What must always hold: whatever is opened here is closed by the stop() that goes with it.
 *
 * This file is the only reader of the real time.
 */
import type { Clock } from '../ports.ts';

/** The computer's own clock and timers. Timers never keep the process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
