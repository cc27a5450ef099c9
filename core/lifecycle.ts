/** What every long-lived part looks like from outside. */
export interface Service {
  start(): Promise<void>;
  /** Idempotent; resolves when nothing of the service runs any more. */
  stop(): Promise<void>;
}
