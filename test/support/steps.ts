/**
 * How much work a piece of code is, counted instead of timed: how often V8 runs each block of the modules of src/ while it is done.
 * The number is the same on every machine and every run.
 */
import { Session } from 'node:inspector/promises';

const SOURCES = new URL('../../src/', import.meta.url).href;

export class StepCounter {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /** Modules whose steps are to count are imported afterwards. */
  static async start(): Promise<StepCounter> {
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return new StepCounter(session);
  }

  /** Blocks of src/ that `work` runs. */
  async count(work: () => void): Promise<number> {
    // Taking the counts sets them back to nothing.
    await this.#session.post('Profiler.takePreciseCoverage');
    work();
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    return result
      .filter(({ url }) => url.startsWith(SOURCES))
      .flatMap(({ functions }) => functions)
      .flatMap(({ ranges }) => ranges)
      .reduce((steps, { count }) => steps + count, 0);
  }

  stop(): void {
    this.#session.disconnect();
  }
}
