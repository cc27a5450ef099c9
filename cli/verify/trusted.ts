/** What verification trusts: chain id, contracts, limits and validator set of the chain-spec file, and nothing else. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { FedaiError, fromHex, type Hex, parseJson } from '../../core/index.ts';
import { type TrustedChain, termsOf } from '../../verify/index.ts';

export interface Trusted extends TrustedChain {
  jobManager: Hex;
}

const hex = (bytes: number) =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`))
    .transform((text) => text as Hex);
const schema = z.object({
  format: z.literal('fedai-chain/1'),
  chainId: z.int().min(1),
  contracts: z.object({
    jobManager: hex(20),
    usefulWork: hex(20).optional(),
    trainingCourt: hex(20).optional(),
  }),
  work: z
    .object({ everyBlocks: z.int().min(1), maxReplayGas: z.int().min(1), maxBundleBytes: z.int().min(1) })
    .nullable()
    .default(null),
  validators: z
    .array(z.object({ address: hex(20), blsPublicKey: hex(48), power: z.string().regex(/^\d{1,78}$/) }))
    .min(1),
});
/** As the reader of whole chain specs: genesis code takes 300 KB, wallets may be many. */
const MAX_SPEC_BYTES = 64 * 2 ** 20;

/** Throws `NO_CHAIN_SPEC`, `BAD_JSON` or `BAD_CHAIN_SPEC`. */
export async function readTrusted(path: string): Promise<Trusted> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new FedaiError(
      'NO_CHAIN_SPEC',
      'cannot read the chain-spec file',
      { path },
      { cause, remedy: 'give the network’s chain-spec file with --chain-spec' },
    );
  });
  return trustedOf(parseJson(bytes, MAX_SPEC_BYTES));
}

export function trustedOf(spec: unknown): Trusted {
  const parsed = schema.safeParse(spec);
  if (!parsed.success) {
    throw new FedaiError(
      'BAD_CHAIN_SPEC',
      'not a chain-spec file',
      { at: parsed.error.issues[0]?.path.join('.') },
      { remedy: 'get the chain-spec file of the network again' },
    );
  }
  const { chainId, contracts, validators, work } = parsed.data;
  return {
    chainId: BigInt(chainId),
    jobManager: contracts.jobManager,
    work: termsOf({ contracts, work }),
    validators: validators.map(({ address, blsPublicKey, power }) => ({
      address,
      blsPublicKey: fromHex(blsPublicKey),
      power: BigInt(power),
    })),
  };
}
