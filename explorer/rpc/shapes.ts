/** What the chain node answers, as the pages use it. A node may be broken or somebody else's, so every answer is checked. */
import { z } from 'zod';
import { FedaiError, type Hex } from '../../core/index.ts';

const hex = z
  .string()
  .regex(/^0x[0-9a-fA-F]*$/)
  .transform((text) => text.toLowerCase() as Hex);
const big = z
  .string()
  .regex(/^0x[0-9a-f]{1,64}$/i)
  .transform(BigInt);
const small = z
  .string()
  .regex(/^0x[0-9a-f]{1,13}$/i)
  .transform(Number);
const count = z.int().min(0);
/** Content ids are shown and fetched; their form is checked again where they are. */
const cid = z.string().max(128);

const workSchema = z.object({
  taskId: big,
  workProof: cid,
  modelHash: hex,
  drawHeight: count,
  rank: count,
  worker: hex,
  traceRoot: hex,
  segment: count,
  totalWeight: big,
  opener: hex,
});
export type Work = z.infer<typeof workSchema>;

const usefulWork = z
  .object({ taskId: z.string().optional(), finalModelHash: hex.nullable() })
  .loose()
  .nullable()
  .optional()
  .transform((told) => ({
    work: told?.taskId === undefined ? null : workSchema.parse(told),
    finalModelHash: told?.finalModelHash ?? null,
  }));

const verdictSchema = z.object({
  caseId: count,
  taskId: big,
  worker: hex,
  traceRoot: hex,
  segment: count,
  guilty: z.boolean(),
  workProof: cid,
});
export type Verdict = z.infer<typeof verdictSchema>;

const head = z.object({
  number: small,
  hash: hex,
  parentHash: hex,
  mixHash: hex,
  miner: hex,
  stateRoot: hex,
  extraData: hex,
  gasUsed: big,
  gasLimit: big,
  timestamp: small,
  baseFeePerGas: big,
  usefulWork,
  courtVerdict: verdictSchema.nullable().default(null),
});
export const headSchema = head;
export type Head = z.infer<typeof head>;

export const transactionSchema = z.object({
  hash: hex,
  from: hex,
  to: hex.nullable(),
  value: big,
  input: hex,
  nonce: small,
  gas: big,
  gasPrice: big,
  type: small,
  blockNumber: small.nullable(),
  transactionIndex: small.nullable(),
});
export type Transaction = z.infer<typeof transactionSchema>;

export const blockSchema = head.extend({
  size: small,
  transactions: z.array(transactionSchema),
});
export type Block = z.infer<typeof blockSchema>;

/** A block with the mere hashes of its transactions: what lists of blocks show. */
export const glanceSchema = head.extend({ size: small, transactions: z.array(hex) });
export type Glance = z.infer<typeof glanceSchema>;

export const logSchema = z.object({
  address: hex,
  topics: z.array(hex).max(4),
  data: hex,
  blockNumber: small,
  transactionHash: hex,
  logIndex: small,
});
export type Log = z.infer<typeof logSchema>;

export const receiptSchema = z.object({
  status: small,
  gasUsed: big,
  effectiveGasPrice: big,
  contractAddress: hex.nullable(),
  logs: z.array(logSchema),
});
export type Receipt = z.infer<typeof receiptSchema>;

export const statusSchema = z.object({
  chainId: count,
  name: z.string().max(200),
  height: count,
  contracts: z.record(z.string(), hex.nullable()),
  finalityMs: z.array(z.number()).max(1_000).default([]),
  finalityHeights: z.array(count).max(1_000).default([]),
  peerId: z.string().max(128).default(''),
  peers: count.default(0),
  syncing: z.boolean().default(false),
  bestKnownHeight: count.default(0),
  pool: z.object({ transactions: count }).default({ transactions: 0 }),
  /** Limits of replays; null on chains without useful work. */
  work: z.object({ maxReplayGas: count, maxBundleBytes: count }).nullable().default(null),
  /** Absent where the node takes no content. */
  acceptsContent: z
    .object({ maxBlockBytes: count, maxTotalBytes: count, keptMs: count, token: z.boolean() })
    .optional(),
});
export type Status = z.infer<typeof statusSchema>;

export const peersSchema = z
  .array(
    z.object({
      peerId: z.string().max(128),
      chainNode: z.boolean(),
      height: count.nullable(),
      version: z.string().max(64).nullable(),
      direction: z.enum(['inbound', 'outbound']),
      connectedSeconds: count,
    }),
  )
  .max(1_000);
export type Peers = z.infer<typeof peersSchema>;

export const validatorsSchema = z.array(z.object({ address: hex, blsPublicKey: hex, power: big })).max(1024);
export type Validators = z.infer<typeof validatorsSchema>;

export const commitSchema = z.object({
  section: z.object({ round: count }),
  commit: z.object({ height: count, round: count, bitmap: hex, signature: hex }).nullable(),
});
export type Commit = z.infer<typeof commitSchema>;

export const traceSchema = z.object({
  id: big,
  taskId: big,
  worker: hex,
  round: count,
  slot: count,
  segments: count,
  height: count,
  weight: big,
  upTo: big,
  fate: z.enum(['committed', 'drawn', 'opened', 'void', 'faulty']),
  traceRoot: hex,
  audit: z
    .object({
      state: z.string().max(32),
      fullAudit: z.boolean(),
      segments: z.array(count).max(1_024),
      auditors: z.array(z.object({ account: hex, digests: z.array(hex).max(1_024).nullable() })).max(64),
    })
    .nullable()
    .optional(),
  case: z
    .object({ caseId: count, segment: count, state: z.string().max(32), challenger: hex.nullable() })
    .nullable()
    .optional(),
});
export type Trace = z.infer<typeof traceSchema>;

export const drawSchema = z.object({
  height: count,
  totalWeight: big,
  pool: big,
  settled: z.boolean(),
  ranks: z
    .array(z.object({ segment: count, opener: hex.nullable(), proposer: hex.nullable(), trace: traceSchema }))
    .max(64),
});
export type Draw = z.infer<typeof drawSchema>;

/** Throws `BAD_ANSWER`. */
export function checked<T>(schema: z.ZodType<T>, value: unknown, method: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new FedaiError(
    'BAD_ANSWER',
    `the node's answer to ${method} is not as it should be`,
    { method, at: parsed.error.issues[0]?.path.join('.') },
    { remedy: 'Ask another chain node, or update this one.' },
  );
}
