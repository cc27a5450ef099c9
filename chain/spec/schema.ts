/** The chain-spec file `fedai-chain/1`: everything that all chain nodes of one network must agree on, and nothing else. */
import { z } from 'zod';
import { FedaiError, type Hex } from '../../core/index.ts';

const hex = (bytes?: number) =>
  z
    .string()
    .regex(bytes === undefined ? /^0x(?:[0-9a-fA-F]{2})*$/ : new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`), {
      message: bytes === undefined ? 'expected 0x-prefixed hex' : `expected 0x and ${bytes} bytes of hex`,
    })
    .transform((text) => text as Hex);

/** Wei as a decimal string: JSON numbers lose digits. */
const wei = z.string().regex(/^\d{1,78}$/, { message: 'expected wei as a decimal string' });
const milliseconds = z.int().min(1).max(600_000);

const consensusSchema = z.strictObject({
  /** A height lasts at least this long. */
  blockTimeMs: milliseconds,
  proposeTimeoutMs: milliseconds,
  prevoteTimeoutMs: milliseconds,
  precommitTimeoutMs: milliseconds,
  /** Added to each time-out per round. */
  timeoutDeltaMs: z.int().min(0).max(60_000),
});

const workSchema = z.strictObject({
  /** Work heights are its multiples, as UsefulWork's parameters say. */
  everyBlocks: z.int().min(1).max(100_000),
  /** Most that replaying one segment may cost; prices in job/segments.ts. */
  maxReplayGas: z.int().min(1),
  maxBundleBytes: z
    .int()
    .min(1)
    .max(32 * 2 ** 20),
  /** Block from which jobs may use a numeric format; those not named are in force from genesis. */
  formats: z.record(z.string().regex(/^[a-z0-9]{1,16}@\d{1,4}$/), z.int().min(0)).optional(),
});

const allocSchema = z.strictObject({
  balance: wei,
  nonce: z.int().min(0).optional(),
  code: hex().optional(),
  storage: z.record(hex(32), hex(32)).optional(),
});

export const chainSpecSchema = z.strictObject({
  format: z.literal('fedai-chain/1'),
  name: z.string().min(1).max(64),
  /** EIP-155; kept below 2^31 so that every wallet takes it. */
  chainId: z.int().min(1).max(0x7fff_ffff),
  genesisTimeMs: z.int().min(0),
  gasLimit: z.int().min(5_000_000).max(60_000_000),
  /** Of the genesis block; EIP-1559 moves it from there. */
  baseFeePerGas: wei,
  consensus: consensusSchema,
  epochBlocks: z.int().min(1),
  alloc: z.record(hex(20), allocSchema),
  contracts: z.strictObject({
    staking: hex(20),
    jobManager: hex(20),
    workerRegistry: hex(20),
    governor: hex(20),
    timelock: hex(20),
    beaconHistory: hex(20),
    /** Absent where blocks carry no proofs of useful work. */
    usefulWork: hex(20).optional(),
    /** Absent where traces are not audited. */
    trainingCourt: hex(20).optional(),
  }),
  /** Proofs of useful work; there when `contracts.usefulWork` is. */
  work: workSchema.optional(),
  /** As Staking's genesis state says; repeated so that a light client needs no EVM. */
  validators: z
    .array(z.strictObject({ address: hex(20), blsPublicKey: hex(48), power: wei }))
    .min(1)
    .max(1024),
  /** Multiaddresses of peers to ask first. May differ between copies: it is not part of the genesis hash. */
  bootstrap: z.array(z.string()),
});

export type ChainSpec = z.infer<typeof chainSpecSchema>;
export type ContractAddresses = ChainSpec['contracts'];
export type ConsensusTiming = ChainSpec['consensus'];
export type WorkLimits = NonNullable<ChainSpec['work']>;

/** Throws `BAD_CHAIN_SPEC`, naming the first field that is wrong. */
export function parseChainSpec(value: unknown): ChainSpec {
  const parsed = chainSpecSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const at = issue === undefined || issue.path.length === 0 ? 'the document' : issue.path.join('.');
  throw new FedaiError(
    'BAD_CHAIN_SPEC',
    `chain spec: ${at}: ${issue?.message ?? 'invalid'}`,
    { at, faults: parsed.error.issues.length },
    {
      cause: parsed.error,
      remedy: 'get the chain-spec file of the network again, or make one with `fedai chain spec`',
    },
  );
}
