/** When is a process of a devnet of use again? A validator when a block carries its vote, a worker when it has trained, an evaluator when it is enrolled, the client when it serves its job. */
import { fromHex, sleep } from '../../core/index.ts';
import type { JsonEvent } from '../output.ts';
import { ask } from './ask.ts';
import type { Display } from './display.ts';
import type { Fleet } from './fleet.ts';
import type { Layout, Party } from './layout.ts';
import type { Network } from './network.ts';

export interface RecoveryWatch {
  /** Call before the process starts. Answers false when the signal aborts first, or nothing is left to be of use for. */
  recovered(party: Party, signal: AbortSignal): Promise<boolean>;
  close(): void;
}

export interface RecoveryInput {
  layout: Layout;
  fleet: Fleet;
  network: Network;
  display: Display;
}

const POLL_MS = 200;

export function createRecoveryWatch({ layout, fleet, network, display }: RecoveryInput): RecoveryWatch {
  const validators = layout.parties.filter(({ role }) => role === 'validator');
  const rpcOf = new Map(validators.map(({ name }, i) => [name, network.rpcs[i]!]));
  const waiting = new Map<string, (event: JsonEvent) => void>();
  const unhear = fleet.onEvent((name, event) => waiting.get(name)?.(event));
  const isTraining = () => display.state().job?.state === 'Training';

  /** Whether the process prints an event of this name before the signal aborts. */
  const event = (name: string, wanted: string, signal: AbortSignal) =>
    new Promise<boolean>((resolve) => {
      const end = (outcome: boolean) => {
        signal.removeEventListener('abort', abort);
        waiting.delete(name);
        resolve(outcome);
      };
      const abort = () => end(false);
      waiting.set(name, (one) => one.event === wanted && end(true));
      signal.addEventListener('abort', abort, { once: true });
    });

  /** Its own commits tell: one that it took from a peer may lack its vote, one that it helped to reach has it. */
  async function votes(party: Party, signal: AbortSignal): Promise<boolean> {
    const index = validators.indexOf(party);
    const other = validators.find((one) => one !== party && fleet.running(one.name)) ?? party;
    let height: number | undefined;
    while (!signal.aborted) {
      height ??= (await ask<{ height: number }>(rpcOf.get(other.name)!, 'fedai_status'))?.height;
      if (height !== undefined) {
        const bitmap = await commitBitmap(rpcOf.get(party.name)!, height + 1);
        if (bitmap !== undefined && hasBit(bitmap, index)) return true;
        if (bitmap !== undefined) height += 1;
      }
      await sleep(POLL_MS, signal).catch(() => {});
    }
    return false;
  }

  return {
    async recovered(party, signal) {
      if (party.role === 'validator') return votes(party, signal);
      if (party.role === 'evaluator') return event(party.name, 'ready', signal);
      if (party.role === 'client') return event(party.name, 'posted', signal);
      if (!isTraining()) return false;
      const over = new AbortController();
      const timer = setInterval(() => isTraining() || over.abort(), POLL_MS);
      const trained = await event(party.name, 'trained', AbortSignal.any([signal, over.signal]));
      clearInterval(timer);
      return trained;
    },
    close: unhear,
  };
}

const hasBit = (bitmap: Uint8Array, index: number): boolean =>
  ((bitmap[index >> 3] ?? 0) >> (index & 7)) % 2 === 1;

async function commitBitmap(rpc: string, height: number): Promise<Uint8Array | undefined> {
  const answer = await ask<{ commit: { bitmap: string } | null }>(rpc, 'fedai_getCommit', [height]);
  return answer?.commit ? fromHex(answer.commit.bitmap) : undefined;
}
