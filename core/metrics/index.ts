export { type LoopWatch, watchLoop } from './loop.ts';
export { createMetricsRegistry, type MetricsRegistry } from './registry.ts';
export { type Check, createMetricsServer, type MetricsServer, type MetricsServerOptions } from './server.ts';
