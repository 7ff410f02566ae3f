/**
 * The one door to the Prometheus client. Every meter has its own registry (two in one process never mix). What a program
 * measures is declared as data in metric-names.ts and given to createMeter; using a name or label that was not declared
 * throws, so a typing error is found by the first test that runs the line.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from '@prometheus-io/client';
import type { Meter } from '../ports.ts';

export interface MetricDeclaration {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels?: readonly string[];
  /** Upper bounds in seconds, histograms only. */
  readonly buckets?: readonly number[];
}

/** A Meter whose numbers can be read in Prometheus' text format. */
export interface ExposedMeter extends Meter {
  readonly contentType: string;
  /** Everything measured so far, in exposition format 0.0.4. */
  expose(): Promise<string>;
}

type Metric = Counter<string> | Gauge<string> | Histogram<string>;

/** How often the event loop's delay is sampled. The client's own 10 ms would wake an idle process a hundred times a second. */
const EVENT_LOOP_PRECISION_MS = 1000;
/** How often the share of time that the event loop is busy goes into its statistics; that too wakes an idle process. */
const EVENT_LOOP_UTILIZATION_EVERY_MS = 10_000;

/** Those of the delay that contain the time from one sample to the next, which is all that Node measures. */
const DELAY_STATISTICS = ['min', 'max', 'mean', 'p50', 'p90', 'p99'];
/** More than Node records, which is an hour. */
const LONGEST_DELAY_SECONDS = 86_400;

/** `process` adds the client's default metrics of the process (CPU, memory, event loop delay, file descriptors). */
export function createMeter(
  declarations: readonly MetricDeclaration[],
  options: { process?: boolean } = {},
): ExposedMeter {
  const registry = new Registry();
  const metrics = new Map(
    declarations.map((declaration) => [declaration.name, build(declaration, registry)]),
  );
  if (options.process === true) {
    collectDefaultMetrics({
      register: registry,
      eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS,
      eventLoopUtilizationTimeout: EVENT_LOOP_UTILIZATION_EVERY_MS,
    });
    for (const statistic of DELAY_STATISTICS)
      lessPrecision(registry, `nodejs_eventloop_lag_${statistic}_seconds`, EVENT_LOOP_PRECISION_MS / 1000);
    lessPrecision(registry, 'nodejs_eventloop_lag_stddev_seconds', 0);
  }

  function find<T extends Metric>(name: string, type: new (configuration: never) => T): T {
    const metric = metrics.get(name);
    if (!(metric instanceof type)) throw new Error(`metric ${name} is not declared as a ${type.name}`);
    return metric;
  }

  return {
    count: (name, labels = {}, by = 1) => find<Counter<string>>(name, Counter).inc(labels, by),
    set: (name, labels, value) => find<Gauge<string>>(name, Gauge).set(labels, value),
    remove: (name, labels) => find<Gauge<string>>(name, Gauge).remove(labels),
    observe: (name, labels, seconds) => find<Histogram<string>>(name, Histogram).observe(labels, seconds),
    contentType: registry.contentType,
    expose: () => registry.metrics(),
  };
}

/**
 * Takes away what a sample would have without any delay. The client sets these values whenever they are read. A reading soon after
 * another finds no sample, for which Node has NaN, 0 and the greatest number there is: then they stay what they were.
 */
function lessPrecision(registry: Registry, name: string, precisionSeconds: number): void {
  const gauge = registry.getSingleMetric(name);
  if (!(gauge instanceof Gauge)) throw new Error(`the client has no metric ${name}`);
  const set = gauge.set.bind(gauge) as (labels: object, seconds: number) => void;
  Object.assign(gauge, {
    set: (labels: object, seconds: number) => {
      // Timers come up to a millisecond early.
      if (seconds < precisionSeconds / 2 || seconds > LONGEST_DELAY_SECONDS || Number.isNaN(seconds)) return;
      set(labels, Math.max(0, seconds - precisionSeconds));
    },
  });
}

function build(declaration: MetricDeclaration, registry: Registry): Metric {
  const { name, help, labels = [], buckets } = declaration;
  const common = { name, help, labelNames: labels, registers: [registry] };
  if (declaration.type === 'counter') return new Counter(common);
  if (declaration.type === 'gauge') return new Gauge(common);
  return new Histogram(buckets === undefined ? common : { ...common, buckets: [...buckets] });
}
