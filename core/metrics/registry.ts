/** Metrics in Prometheus' form, by prom-client: one registry, with those of the Node process beside our own. */
import prom from 'prom-client';
import type { Labels, Metrics } from './face.ts';

export interface MetricsRegistry {
  readonly metrics: Metrics;
  readonly contentType: string;
  /** Everything in Prometheus' text format. */
  text(): Promise<string>;
}

/** From a write to disk up to a round of training, seconds. */
const DURATIONS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];

export function createMetricsRegistry(): MetricsRegistry {
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry });
  const once = <T>(name: string, create: () => T): T =>
    (registry.getSingleMetric(name) as T | undefined) ?? create();
  const common = (name: string, help: string) => ({ name, help, registers: [registry] });
  const metrics: Metrics = {
    counter(name, help, labels = []) {
      const labelNames = [...labels];
      const counter = once(name, () => new prom.Counter({ ...common(name, help), labelNames }));
      return { add: (given: Labels = {}, amount = 1) => counter.inc(given, amount) };
    },
    gauge(name, help, read) {
      const collect = (gauge: prom.Gauge) => {
        gauge.reset();
        const value = read();
        if (value === undefined) gauge.remove();
        else gauge.set(value);
      };
      once(name, () => gaugeOf(common(name, help), [], collect));
    },
    gauges(name, help, label, read) {
      const collect = (gauge: prom.Gauge) => {
        gauge.reset();
        for (const [of, value] of Object.entries(read())) gauge.set({ [label]: of }, value);
      };
      once(name, () => gaugeOf(common(name, help), [label], collect));
    },
    histogram(name, help, { buckets = DURATIONS, labels = [] } = {}) {
      const options = { buckets: [...buckets], labelNames: [...labels] };
      const histogram = once(name, () => new prom.Histogram({ ...common(name, help), ...options }));
      return { observe: (value, given = {}) => histogram.observe(given, value) };
    },
  };
  return { metrics, contentType: registry.contentType, text: () => registry.metrics() };
}

function gaugeOf(
  options: { name: string; help: string; registers: prom.Registry[] },
  labelNames: string[],
  collect: (gauge: prom.Gauge) => void,
): prom.Gauge {
  return new prom.Gauge({
    ...options,
    labelNames,
    collect() {
      collect(this);
    },
  });
}
