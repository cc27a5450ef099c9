/** What re-executing a block's proof needs, asked of one RPC endpoint. Nothing that it says is believed before it is checked. */
import { z } from 'zod';
import { FedaiError, fromHex, type Hex } from '../core/index.ts';
import {
  type BlockCommit,
  type ConsensusSection,
  decodeCommit,
  decodeSection,
  type ValidatorSet,
} from '../light/index.ts';
import type { RpcTransport } from '../market/index.ts';

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const account = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const quantity = z
  .string()
  .regex(/^0x[0-9a-f]{1,64}$/)
  .transform(BigInt);
const count = z.int().min(0);

const traceSchema = z.object({
  id: quantity,
  height: count,
  weight: quantity,
  upTo: quantity,
  segments: count.min(1),
  traceRoot: hash,
});
export type ToldTrace = z.infer<typeof traceSchema>;

const proofSchema = z.object({
  drawHeight: count,
  round: count,
  slot: count,
  segments: count.min(1),
  traceId: quantity,
  seed: hash,
  documentHash: hash,
  postedAt: count,
  limits: z.object({
    everyBlocks: count.min(1),
    maxReplayGas: count.min(1),
    maxBundleBytes: count.min(1),
    formats: z.record(z.string(), count).optional(),
  }),
  draw: z.object({ ranks: z.array(z.object({ segment: count, trace: traceSchema })).max(64) }),
});
export type ToldProof = z.infer<typeof proofSchema>;

const verdictSchema = z.object({
  caseId: count,
  round: count,
  slot: count,
  segments: count.min(1),
  seed: hash,
  documentHash: hash,
  postedAt: count,
  limits: proofSchema.shape.limits,
});
export type ToldVerdict = z.infer<typeof verdictSchema>;

const commitSchema = z.object({ header: z.string(), sectionRlp: z.string(), commitRlp: z.string() });
const validatorsSchema = z
  .array(z.object({ address: account, blsPublicKey: z.string(), power: quantity }))
  .min(1)
  .max(1024);
const blockSchema = z.object({
  timestamp: quantity,
  usefulWork: z
    .object({
      taskId: quantity.optional(),
      worker: account.optional(),
      segment: count.optional(),
      drawHeight: count.optional(),
      rank: count.optional(),
      workProof: z.string().max(128).optional(),
      modelHash: hash.optional(),
      finalModelHash: hash.nullable(),
    })
    .nullable(),
});
export type ToldBlock = z.infer<typeof blockSchema>;

export interface HeaderEvidence {
  headerRlp: Uint8Array;
  section: ConsensusSection;
  commit: BlockCommit;
}

export interface WorkSource {
  chainId(): Promise<bigint>;
  height(): Promise<number>;
  header(height: number): Promise<HeaderEvidence>;
  validators(height: number): Promise<ValidatorSet>;
  /** Null for a block without a proof. */
  proof(height: number): Promise<ToldProof | null>;
  /** Null for a block without a verdict. */
  verdict(height: number): Promise<ToldVerdict | null>;
  /** Null where there are no more. */
  trace(id: bigint): Promise<ToldTrace | null>;
  block(height: number): Promise<ToldBlock | null>;
}

export function workSource(transport: RpcTransport, signal: AbortSignal): WorkSource {
  const ask = async <T>(schema: z.ZodType<T>, method: string, ...params: unknown[]): Promise<T> => {
    const parsed = schema.safeParse(await transport.request(method, params, signal));
    if (parsed.success) return parsed.data;
    const at = parsed.error.issues[0]?.path.map(String).join('.') || 'the answer';
    throw new FedaiError('BAD_ANSWER', `${method}: ${at} is not as it should be`, { method, at });
  };
  return {
    chainId: () => ask(quantity, 'eth_chainId'),
    height: async () => Number(await ask(quantity, 'eth_blockNumber')),
    async header(height) {
      const told = await ask(commitSchema, 'fedai_getCommit', height);
      return {
        headerRlp: fromHex(told.header),
        section: decodeSection(fromHex(told.sectionRlp)),
        commit: decodeCommit(fromHex(told.commitRlp)),
      };
    },
    async validators(height) {
      const told = await ask(validatorsSchema, 'fedai_getValidators', height);
      return told.map(({ address, blsPublicKey, power }) => ({
        address: address as Hex,
        blsPublicKey: fromHex(blsPublicKey, 48),
        power,
      }));
    },
    proof: (height) => ask(proofSchema.nullable(), 'fedai_getWorkProof', height),
    verdict: (height) => ask(verdictSchema.nullable(), 'fedai_getCourtVerdict', height),
    trace: (id) => ask(traceSchema.nullable(), 'fedai_getTrace', `0x${id.toString(16)}`),
    block: (height) => ask(blockSchema.nullable(), 'eth_getBlockByNumber', `0x${height.toString(16)}`, false),
  };
}
