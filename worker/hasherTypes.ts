/** Messages between the daemon and its hashing thread. */

export interface HasherRequest {
  id: number;
  /** Canonical bytes of a state. */
  state: Uint8Array;
}

export type HasherAnswer = { id: number; root: Uint8Array } | { id: number; fault: string };
