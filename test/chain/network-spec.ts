/** A chain spec for tests of the network: validators and balances, no contracts. */

import type { ChainSpec } from '../../chain/index.ts';
import { blsPublicKey } from '../../core/bls/index.ts';
import { type Hex, sha256, toHex, utf8 } from '../../core/index.ts';

export interface TestValidator {
  secretKey: Uint8Array;
  address: Hex;
}

const ETHER = 10n ** 18n;

export function testValidators(count: number): TestValidator[] {
  return Array.from({ length: count }, (_, index) => {
    const secretKey = sha256(utf8(`validator ${index}`));
    // Below the group order, which begins 0x73.
    secretKey[0]! &= 0x3f;
    return { secretKey, address: toHex(sha256(utf8(`address ${index}`)).subarray(0, 20)) };
  });
}

const NOBODY = `0x${'00'.repeat(19)}aa` as Hex;

export function testSpec(
  validators: readonly TestValidator[],
  rich: readonly Hex[],
  blockTimeMs = 1_000,
): ChainSpec {
  return {
    format: 'fedai-chain/1',
    name: 'test',
    chainId: 31_338,
    genesisTimeMs: Date.now() - 600_000,
    gasLimit: 30_000_000,
    baseFeePerGas: '1000000000',
    consensus: {
      blockTimeMs,
      proposeTimeoutMs: 2_000,
      prevoteTimeoutMs: 1_000,
      precommitTimeoutMs: 1_000,
      timeoutDeltaMs: 500,
    },
    epochBlocks: 600,
    alloc: Object.fromEntries(rich.map((address) => [address, { balance: (100n * ETHER).toString() }])),
    contracts: {
      staking: NOBODY,
      jobManager: NOBODY,
      workerRegistry: NOBODY,
      governor: NOBODY,
      timelock: NOBODY,
      beaconHistory: NOBODY,
    },
    validators: validators.map(({ secretKey, address }) => ({
      address,
      blsPublicKey: toHex(blsPublicKey(secretKey)),
      power: '1000',
    })),
    bootstrap: [],
  };
}
