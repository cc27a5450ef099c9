/**
 * What a part needs in order to be measured: counters, gauges that are read when asked for, and histograms. Names and
 * labels are constants of the program: never an address, a peer, a job or anything else that strangers make up.
 */

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  /** Adds 1 or `amount`. */
  add(labels?: Labels, amount?: number): void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

export interface HistogramOptions {
  /** Upper bounds, ascending; by default those of a duration in seconds. */
  buckets?: readonly number[];
  labels?: readonly string[];
}

/** The same name again answers the same instrument. */
export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  /** `read` is called whenever somebody asks; an undefined value is left out. */
  gauge(name: string, help: string, read: () => number | undefined): void;
  /** One value for each of a fixed few values of one label. */
  gauges(name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void;
  histogram(name: string, help: string, options?: HistogramOptions): Histogram;
}

const nothing = { add() {}, observe() {} };

/** Measures nothing; what parts use when nobody wants to know. */
export const noMetrics: Metrics = {
  counter: () => nothing,
  gauge() {},
  gauges() {},
  histogram: () => nothing,
};
