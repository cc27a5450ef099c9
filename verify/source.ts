/** What re-executing a block's proof needs, asked of one RPC endpoint. Nothing that it says is believed before it is checked. */
import { z } from 'zod';
import { FedaiError, fromHex, type Hex, toHex, uintBytes } from '../core/index.ts';
import type { ReplayLimits } from '../job/index.ts';
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

const address = account.transform((text) => text as Hex);
/** What a chain-spec file says for certain. */
const termsSchema = z.object({
  contracts: z.object({
    jobManager: address,
    usefulWork: address.optional(),
    trainingCourt: address.optional(),
  }),
  work: z
    .object({
      everyBlocks: count.min(1),
      maxReplayGas: count.min(1),
      maxBundleBytes: count.min(1),
      formats: z.record(z.string(), count).optional(),
    })
    .nullable(),
});

const nodes = z.array(z.string().regex(/^0x([0-9a-f]{2})*$/)).max(65);
const stateProofSchema = z.object({
  accountProof: nodes,
  storageProof: z.array(z.object({ proof: nodes })).max(1024),
});

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

/** Of a chain whose blocks carry proofs of work. */
export interface WorkTerms {
  contracts: { usefulWork: Hex; jobManager: Hex; trainingCourt: Hex };
  limits: ReplayLimits;
}

export interface StateProof {
  accountProof: readonly Hex[];
  /** Of each slot that was asked for, in that order. */
  storageProof: readonly (readonly Hex[])[];
}

const NO_CONTRACT: Hex = `0x${'00'.repeat(20)}`;

/** Also of a chain-spec file's. */
export function termsOf({ contracts, work }: z.infer<typeof termsSchema>): WorkTerms | null {
  const { jobManager, usefulWork, trainingCourt = NO_CONTRACT } = contracts;
  if (work === null || usefulWork === undefined) return null;
  const { maxReplayGas, maxBundleBytes, formats } = work;
  return {
    contracts: { usefulWork, jobManager, trainingCourt },
    limits: { maxReplayGas, maxBundleBytes, formats },
  };
}

export interface WorkSource {
  chainId(): Promise<bigint>;
  height(): Promise<number>;
  header(height: number): Promise<HeaderEvidence>;
  validators(height: number): Promise<ValidatorSet>;
  /** Contracts and limits; null where blocks carry no proofs of work. */
  terms(): Promise<WorkTerms | null>;
  /** EIP-1186, as of a block. */
  stateProof(address: Hex, slots: readonly bigint[], height: number): Promise<StateProof>;
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
    terms: async () => termsOf(await ask(termsSchema, 'fedai_status')),
    async stateProof(contract, slots, height) {
      const keys = slots.map((slot) => toHex(uintBytes(slot, 32)));
      const told = await ask(stateProofSchema, 'eth_getProof', contract, keys, `0x${height.toString(16)}`);
      return {
        accountProof: told.accountProof as Hex[],
        storageProof: told.storageProof.map(({ proof }) => proof as Hex[]),
      };
    },
    block: (height) => ask(blockSchema.nullable(), 'eth_getBlockByNumber', `0x${height.toString(16)}`, false),
  };
}
