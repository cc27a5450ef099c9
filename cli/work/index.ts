/** `work verify` and `work list`: what sealed a block, executed again from public data. */
import { createEngine } from '../../engine/index.ts';
import { httpTransport } from '../../market/index.ts';
import { gatewayStore } from '../../storage/index.ts';
import { checkWork, type WorkGiven, workSource } from '../../verify/index.ts';
import { firstUrl } from '../options.ts';
import type { Output } from '../output.ts';
import { readTrusted } from '../verify/index.ts';

export interface WorkAccess {
  /** Path of the chain-spec file; without it the RPC is believed what stands there. */
  chainSpec?: string;
  rpc: string;
  signal: AbortSignal;
  output: Output;
}

/** Whether every check of every block holds. Throws the transient error of the source when evidence is out of reach. */
export async function verifyWork(
  { chainSpec, rpc, signal, output }: WorkAccess,
  heights: readonly number[],
): Promise<boolean> {
  const given = {
    source: workSource(httpTransport(rpc), signal),
    content: gatewayStore(firstUrl(rpc)),
    engine: await createEngine(),
    trusted: chainSpec === undefined ? undefined : await readTrusted(chainSpec),
  };
  let all = true;
  for (const height of heights) all = (await verifyOne({ ...given, height }, signal, output)) && all;
  return all;
}

async function verifyOne(given: WorkGiven, signal: AbortSignal, output: Output): Promise<boolean> {
  const { height } = given;
  let verified = false;
  let outOfReach: unknown;
  for await (const { name, ok, detail, fault } of checkWork(given, signal)) {
    verified = ok;
    outOfReach = fault;
    const text = `${name}: ${detail}`;
    output.event({ event: 'check', height, name, ok, text }, `${ok ? '✓' : '✗'} ${text}`);
  }
  const basis =
    given.trusted === undefined
      ? 'the RPC was believed who the validators, which the contracts and what the limits are: give --chain-spec'
      : 'by the chain spec alone, nothing was believed';
  const verdict = `what block ${height} carries is ${verified ? `verified; ${basis}` : 'NOT verified'}`;
  output.event({ event: 'verified', height, ok: verified }, verdict);
  if (outOfReach !== undefined) throw outOfReach;
  return verified;
}

/** The latest work blocks, newest first. */
export async function listWork(
  { rpc, signal, output }: WorkAccess,
  limit: number,
  lookBack: number,
): Promise<void> {
  const source = workSource(httpTransport(rpc), signal);
  const head = await source.height();
  let found = 0;
  for (let height = head; height > Math.max(0, head - lookBack) && found < limit; height--) {
    signal.throwIfAborted();
    const work = (await source.block(height))?.usefulWork;
    if (work?.workProof === undefined) continue;
    found += 1;
    output.event(
      { event: 'work', height, ...work, taskId: work.taskId?.toString() },
      `${String(height).padStart(8)}  job ${work.taskId}  segment ${work.segment}  rank ${work.rank} of draw ${work.drawHeight}  worker ${work.worker}`,
    );
  }
  if (found === 0) output.progress(`no work blocks among the last ${Math.min(head, lookBack)}`);
}
