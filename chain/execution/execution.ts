/** The production state machine: ethereumjs at Prague over our own state. Owns no storage and no rules of consensus. */
import type { Common } from '@ethereumjs/common';
import { FedaiError } from '../../core/index.ts';
import { decodeTransaction, runBlock } from './blockRunner.ts';
import { callKey, createCallMemory } from './callMemory.ts';
import { runCall, searchGas } from './calls.ts';
import { createEvmPool } from './evmPool.ts';
import type { StateDb } from './stateDb.ts';
import type { SystemContracts } from './systemCalls.ts';
import type { BlockHashes, Execution } from './types.ts';

export interface ExecutionOptions {
  readonly common: Common;
  readonly state: StateDb;
  readonly system: SystemContracts;
  readonly blockHashes: BlockHashes;
}

export function createExecution(options: ExecutionOptions): Execution {
  const { common, state, system } = options;
  const pool = createEvmPool(common, state, options.blockHashes);
  const memory = createCallMemory();
  const build: Execution['build'] = async (environment, parentRoot, candidates) => {
    try {
      return await pool.use(parentRoot, (machine) =>
        runBlock(machine, environment, candidates, { common, system, strict: false }),
      );
    } catch (error) {
      if (!(error instanceof FedaiError) || error.code !== 'TX_UNRUNNABLE') throw error;
      // It left a machine in the middle of a call: start over on another one, or no block would ever be made.
      const { tx } = error.data;
      return await build(
        environment,
        parentRoot,
        candidates.filter((one) => one !== tx),
      );
    }
  };
  return {
    build,
    replay: (environment, parentRoot, transactions) => {
      const decoded = transactions.map((raw) => decodeInBlock(raw, common));
      return pool.use(parentRoot, (machine) =>
        runBlock(machine, environment, decoded, { common, system, strict: true }),
      );
    },
    call: (header, request) =>
      memory.remember(callKey(header.hash(), request), () => runCall(pool, header, request, common)),
    knownCall: (header, request) => memory.recall(callKey(header.hash(), request)),
    estimateGas: (header, request) => searchGas(pool, header, request, common),
    committed: (writes) => state.committed(writes),
  };
}

function decodeInBlock(raw: Uint8Array, common: Common) {
  try {
    return decodeTransaction(raw, common);
  } catch (cause) {
    if (!(cause instanceof FedaiError)) throw cause;
    throw new FedaiError('INVALID_BLOCK', cause.message, {}, { cause });
  }
}
