/** Follows the chain of a devnet by asking one of its nodes once a second; notices when it stands still. */
import { FedaiError } from '../../core/index.ts';
import { ask } from './ask.ts';
import type { Display } from './display.ts';

const POLL_MS = 1_000;
/** No block for this long on one machine means that the network is broken. */
const STALL_MS = 60_000;

export interface StatusWatch {
  stop(): void;
  /** Rejects with `CHAIN_STALLED`; never resolves. */
  stalled: Promise<never>;
}

export function watchStatus(rpc: string, display: Display): StatusWatch {
  let height = -1;
  let movedAt = performance.now();
  let fail: (error: FedaiError) => void = () => {};
  const stalled = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  stalled.catch(() => {});
  let isAsking = false;
  const timer = setInterval(async () => {
    if (isAsking) return;
    isAsking = true;
    const status = await askStatus(rpc);
    if (status && status.height !== height) {
      await tellWork(rpc, display, height, status.height);
      height = status.height;
      movedAt = performance.now();
      display.update({ type: 'chain', status });
    }
    if (performance.now() - movedAt > STALL_MS) {
      fail(
        new FedaiError(
          'CHAIN_STALLED',
          'the chain makes no blocks',
          { height, forSeconds: STALL_MS / 1000 },
          {
            remedy: 'run again with --keep-logs and read the validators’ logs',
          },
        ),
      );
    }
    isAsking = false;
  }, POLL_MS);
  return { stalled, stop: () => clearInterval(timer) };
}

interface ToldBlock {
  usefulWork: {
    taskId?: string;
    worker: string;
    segment: number;
    drawHeight: number;
    rank: number;
  } | null;
}

/** Tells of the blocks after `before` that carry a proof of useful work. */
async function tellWork(rpc: string, display: Display, before: number, now: number): Promise<void> {
  for (let height = Math.max(1, before + 1); height <= now; height++) {
    const block = await ask<ToldBlock>(rpc, 'eth_getBlockByNumber', [`0x${height.toString(16)}`, false]);
    const work = block?.usefulWork;
    if (work?.taskId === undefined) continue;
    const { worker, segment, drawHeight, rank } = work;
    const jobId = BigInt(work.taskId).toString();
    display.update({ type: 'work', block: { height, jobId, worker, segment, drawHeight, rank } });
  }
}

/** Undefined when the node does not answer in time: it may be busy. */
async function askStatus(rpc: string) {
  const status = await ask<{ height: number; finalityMs: number[]; peers: number }>(rpc, 'fedai_status');
  if (status === undefined) return undefined;
  return { height: status.height, finalityMs: status.finalityMs.at(-1) ?? 0, peers: status.peers };
}
