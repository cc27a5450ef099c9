/** Reads the validator set that Staking's state holds. */
import type { BlockHeader } from '@ethereumjs/block';
import type { Common } from '@ethereumjs/common';
import { Interface } from 'ethers';
import { FedaiError, fromHex, type Hex } from '../../core/index.ts';
import type { ValidatorSet } from '../../light/index.ts';
import { createExecution, type StateDb } from '../execution/index.ts';

const staking = new Interface([
  'function validators() view returns (tuple(address account, bytes blsPublicKey, uint256 stake)[])',
]);
const READ_GAS = 100_000_000n;
const NOBODY: Hex = `0x${'00'.repeat(20)}`;

/** The set in Staking's order, or undefined when the state has no such contract. Throws `BAD_STAKING`. */
export async function readValidators(
  header: BlockHeader,
  state: StateDb,
  common: Common,
  contract: Hex,
): Promise<ValidatorSet | undefined> {
  const execution = createExecution({
    common,
    state,
    system: { beaconHistory: null, usefulWork: null, court: null },
    blockHashes: () => new Uint8Array(32),
  });
  const outcome = await execution.call(header, {
    from: NOBODY,
    to: contract,
    data: fromHex(staking.encodeFunctionData('validators')),
    value: 0n,
    gasLimit: READ_GAS,
    gasPrice: 0n,
  });
  if (outcome.failure !== undefined) {
    throw new FedaiError('BAD_STAKING', 'Staking does not tell its validators', { failure: outcome.failure });
  }
  if (outcome.output.length === 0) return undefined;
  const [rows] = staking.decodeFunctionResult('validators', outcome.output);
  return (rows as { account: string; blsPublicKey: string; stake: bigint }[]).map((row) => ({
    address: row.account.toLowerCase() as Hex,
    blsPublicKey: fromHex(row.blsPublicKey, 48),
    power: row.stake,
  }));
}
