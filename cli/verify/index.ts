/** `job verify`: proves a settled job from chain spec, RPC and job id alone, and says so line by line. */
import { createEngine } from '../../engine/index.ts';
import { readChainFile } from '../chainFile.ts';
import type { Output } from '../output.ts';
import { checkJob } from './checks.ts';
import { rpcSource } from './source.ts';
import { readTrusted } from './trusted.ts';

export { type Check, checkJob } from './checks.ts';
export { type EvidenceSource, rpcSource } from './source.ts';
export { readTrusted, type Trusted, trustedOf } from './trusted.ts';

export interface VerifyOptions {
  /** Path of the chain-spec file. */
  chainSpec: string;
  rpc: string;
  jobId: bigint;
  signal: AbortSignal;
  output: Output;
}

/** Whether every check holds. Throws the transient error of the source when evidence is out of reach. */
export async function verifyJob({ chainSpec, rpc, jobId, signal, output }: VerifyOptions): Promise<boolean> {
  const trusted = await readTrusted(chainSpec);
  const { contracts } = await readChainFile(chainSpec);
  const given = { source: rpcSource(rpc, contracts, signal), trusted, jobId, engine: await createEngine() };
  let verified = false;
  let outOfReach: unknown;
  for await (const { name, ok, detail, fault } of checkJob(given, signal)) {
    verified = ok;
    outOfReach = fault;
    const text = `${name}: ${detail}`;
    output.event({ event: 'check', name, ok, text }, `${ok ? '✓' : '✗'} ${text}`);
  }
  const verdict = verified ? `job ${jobId} is verified` : `job ${jobId} is NOT verified`;
  output.event({ event: 'verified', id: jobId.toString(), ok: verified }, verdict);
  if (outOfReach !== undefined) throw outOfReach;
  return verified;
}
