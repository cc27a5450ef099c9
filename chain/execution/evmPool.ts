/** ethereumjs machines for reuse: building one costs more than running a small call, and each serves one call at a time. */
import type { Common } from '@ethereumjs/common';
import { createEVM, type EVM } from '@ethereumjs/evm';
import { createVM, type VM } from '@ethereumjs/vm';
import { FedaiError } from '../../core/index.ts';
import { mclBls } from './bls12381.ts';
import { mclBn254 } from './bn254.ts';
import { OverlayState } from './overlay.ts';
import type { StateDb } from './stateDb.ts';
import { EMPTY_ROOT } from './trie.ts';
import type { BlockHashes } from './types.ts';

export interface Machine {
  readonly vm: VM;
  readonly evm: EVM;
  readonly state: OverlayState;
}

/** Idle machines kept; calls beyond that build their own and drop it. */
const IDLE_MACHINES = 8;

export interface EvmPool {
  /** Runs `work` on a machine whose state starts at `root`. */
  use<T>(root: Uint8Array, work: (machine: Machine) => Promise<T>): Promise<T>;
}

export function createEvmPool(common: Common, db: StateDb, hashes: BlockHashes): EvmPool {
  const idle: Machine[] = [];
  return {
    async use(root, work) {
      const machine = idle.pop() ?? (await createMachine(common.copy(), db, hashes));
      machine.state.reset(root);
      machine.evm.journal.cleanJournal();
      // A machine whose work threw may be inside checkpoints or a call, so only those that finished are used again.
      const result = await work(machine);
      if (idle.length < IDLE_MACHINES) idle.push(machine);
      return result;
    },
  };
}

async function createMachine(common: Common, db: StateDb, hashes: BlockHashes): Promise<Machine> {
  const state = new OverlayState(db, EMPTY_ROOT);
  const blockchain = {
    getBlock: async (height: number) => ({ hash: () => hashes(height) }),
    putBlock: async () => {},
    shallowCopy: () => blockchain,
  };
  const evm = (await createEVM({ common, stateManager: state, blockchain, bls: mclBls })) as EVM;
  useFastPairings(evm);
  await keepJumpAnalysis(evm);
  const vm = await createVM({ common, stateManager: state, evm });
  return { vm, evm, state };
}

/**
 * createEVM ignores its documented option for bn254 (10.1.3), so the field is set, and shown to be the one in use. That for
 * BLS12-381 it heeds; portable code in its place would let one block of pairings stall validators for minutes.
 */
function useFastPairings(evm: EVM): void {
  const inner = evm as unknown as { _bn254?: unknown; _bls?: unknown };
  if (inner._bn254 === undefined) {
    throw new FedaiError('INVARIANT', 'the EVM keeps its bn254 library somewhere else than expected');
  }
  if (inner._bls !== mclBls) throw new FedaiError('INVARIANT', 'the EVM does not use the BLS library given');
  inner._bn254 = mclBn254;
}

interface Interpreter {
  _getValidJumpDestinations(code: Uint8Array): object;
}
/** Of contract code, as long as the array lives. The code of one fork: all machines of this process run the same. */
const analyses = new WeakMap<Uint8Array, object>();
const patched = new WeakSet<Interpreter>();

/**
 * ethereumjs (10.1.3) looks for the jump destinations of a contract anew in every call frame, which takes longer than most
 * calls. What it finds depends on the code alone, and `StateDb` hands out one array for it.
 */
async function keepJumpAnalysis(evm: EVM): Promise<void> {
  const { runState } = await evm.runCode({ code: new Uint8Array(1), gasLimit: 1n });
  const prototype: Interpreter = Object.getPrototypeOf(runState?.interpreter ?? null);
  if (patched.has(prototype)) return;
  const analyse = prototype?._getValidJumpDestinations;
  if (typeof analyse !== 'function') {
    throw new FedaiError('INVARIANT', 'the EVM analyses code somewhere else than expected');
  }
  prototype._getValidJumpDestinations = function (code) {
    const known = analyses.get(code) ?? analyse.call(this, code);
    analyses.set(code, known);
    return known;
  };
  patched.add(prototype);
}
