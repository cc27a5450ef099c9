/**
 * What a party that is no chain node needs of the chain-spec file: which chain, which contracts, whom to ask first. The
 * chain nodes' own reader checks the whole file; this one loads none of their code.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { FedaiError, type Hex, parseJson } from '../core/index.ts';

/** Genesis code and storage of the contracts take 300 KB; wallets may be many. */
const MAX_SPEC_BYTES = 64 * 2 ** 20;

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .transform((text) => text as Hex);
const schema = z.object({
  format: z.literal('fedai-chain/1'),
  name: z.string(),
  chainId: z.int().min(1),
  contracts: z.object({
    staking: address,
    jobManager: address,
    workerRegistry: address,
    beaconHistory: address,
    usefulWork: address.optional(),
    trainingCourt: address.optional(),
  }),
  work: z
    .object({
      maxReplayGas: z.int().min(1),
      maxBundleBytes: z.int().min(1),
      formats: z.record(z.string(), z.int().min(0)).optional(),
    })
    .optional(),
  /** In Staking's order; `power` is stake in wei. */
  validators: z.array(z.object({ address, power: z.string() })),
  bootstrap: z.array(z.string()),
});
export type ChainFile = z.infer<typeof schema>;

/** Throws `NO_CHAIN_SPEC`, `BAD_JSON` or `BAD_CHAIN_SPEC`. */
export async function readChainFile(path: string): Promise<ChainFile> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new FedaiError(
      'NO_CHAIN_SPEC',
      'cannot read the chain-spec file',
      { path },
      {
        cause,
        remedy: 'give the network’s chain-spec file with --chain-spec, or make one with `fedai chain spec`',
      },
    );
  });
  const parsed = schema.safeParse(parseJson(bytes, MAX_SPEC_BYTES));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new FedaiError(
    'BAD_CHAIN_SPEC',
    'not a chain-spec file',
    { path, at: issue?.path.join('.') },
    {
      cause: issue?.message,
      remedy: 'get the chain-spec file of the network again',
    },
  );
}
