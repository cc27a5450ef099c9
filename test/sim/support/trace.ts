/** All that happened in a run, in order, as one hash: two runs of a seed must agree in it. */
import { createHash } from 'node:crypto';

export interface Trace {
  add(event: string): void;
  /** Hex of SHA-256 over all events. */
  hash(): string;
  readonly events: number;
}

export function createTrace(): Trace {
  const hash = createHash('sha256');
  let events = 0;
  return {
    add(event) {
      events++;
      hash.update(`${event}\n`);
    },
    hash: () => hash.copy().digest('hex'),
    get events() {
      return events;
    },
  };
}
