export type { WorkerEvent } from './context.ts';
export { checkOffer, DEFAULT_MAX_ROUND_MACS, type OfferLimits } from './offer.ts';
export { createWorker, type WorkerOptions } from './worker.ts';
