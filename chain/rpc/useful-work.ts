/** `usefulWork` and `courtVerdict` of block objects: the proof or verdict that a block carries, and the model of a job that it concludes. */
import { Interface } from 'ethers';
import { jobManagerAbi } from '../../contracts/generated/index.ts';
import { equalBytes, fromHex, type Hex, toHex } from '../../core/index.ts';
import type { VerdictSection, WorkSection } from '../../light/index.ts';
import type { ChainApplication } from '../application.ts';
import { bloomTester } from '../execution/index.ts';
import type { Block } from '../types.ts';
import { bundleText } from '../work/index.ts';
import { quantity } from './format.ts';

const jobManager = new Interface(jobManagerAbi);
const JOB_COMPLETED = fromHex(jobManager.getEvent('JobCompleted')!.topicHash);
const mayComplete = bloomTester(JOB_COMPLETED);

export const formatWork = (work: WorkSection) => ({
  taskId: quantity(work.jobId),
  /** Content id of the bundle: whoever has it can replay the segment. */
  workProof: bundleText(work),
  modelHash: toHex(work.modelHash),
  drawHeight: work.drawHeight,
  rank: work.rank,
  worker: toHex(work.worker),
  traceRoot: toHex(work.traceRoot),
  segment: work.segment,
  totalWeight: quantity(work.totalWeight),
  opener: toHex(work.opener),
});

export const formatVerdict = (verdict: VerdictSection) => ({
  caseId: verdict.caseId,
  taskId: quantity(verdict.jobId),
  worker: toHex(verdict.worker),
  traceRoot: toHex(verdict.traceRoot),
  segment: verdict.segment,
  guilty: verdict.guilty,
  digest: toHex(verdict.digest),
  /** Content id of the bundle: whoever has it can replay the segment. */
  workProof: bundleText(verdict),
});

/** What block objects tell beside what Ethereum's do; each null where there is nothing to tell. */
export const proofsOf = (application: ChainApplication, block: Block) => ({
  usefulWork: usefulWorkOf(application, block),
  courtVerdict: block.section.verdict === null ? null : formatVerdict(block.section.verdict),
});

/** Null for a block that neither carries a proof nor concludes a job. */
function usefulWorkOf(application: ChainApplication, block: Block) {
  const { work } = block.section;
  const finalModelHash = concludedModel(application, block);
  if (work === null && finalModelHash === null) return null;
  return { ...(work === null ? {} : formatWork(work)), finalModelHash };
}

/** The model that the last job to complete in this block came to. */
function concludedModel({ store, spec }: ChainApplication, { header }: Block): Hex | null {
  if (!mayComplete(header.logsBloom)) return null;
  const contract = fromHex(spec.contracts.jobManager, 20);
  const logs = (store.receipts(Number(header.number)) ?? []).flatMap((receipt) => receipt.logs);
  const log = logs.findLast(
    ({ address, topics }) =>
      equalBytes(address, contract) && topics[0] !== undefined && equalBytes(topics[0], JOB_COMPLETED),
  );
  if (log === undefined) return null;
  const [score] = jobManager
    .decodeEventLog('JobCompleted', log.data, log.topics.map(toHex))
    .slice(1) as unknown as [{ modelHash: Hex }];
  return score.modelHash;
}
