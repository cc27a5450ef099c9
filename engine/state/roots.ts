/** Hashes of weights and states: SHA-256 Merkle roots over fixed-size tensor chunks, so that a slice can be opened. */
import { concatBytes, merkleLeaf, merkleRoot, sha256, uintBytes, utf8 } from '../../core/index.ts';
import { type Model, modelBytes } from '../model.ts';
import { tensorBytes } from './encode.ts';
import type { TrainState } from './state.ts';

/** 16 384 values: small enough to put one chunk into a dispute, large enough that paths stay short. */
export const CHUNK_BYTES = 65_536;

export interface StateRoots {
  readonly weightsRoot: Uint8Array;
  readonly optimiserRoot: Uint8Array;
  readonly counter: number;
  readonly stateRoot: Uint8Array;
}

function tensorLeaves(tensors: readonly Int32Array[]): Uint8Array[] {
  return tensors.flatMap((tensor) => {
    const bytes = tensorBytes(tensor);
    const chunks = Math.ceil(bytes.length / CHUNK_BYTES);
    return Array.from({ length: chunks }, (_, i) =>
      merkleLeaf(bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)),
    );
  });
}

/** Root over the canonical model document and the chunks of each tensor in order: the model's hash. */
export const modelHash = (model: Model, weights: readonly Int32Array[]): Uint8Array =>
  merkleRoot([merkleLeaf(modelBytes(model)), ...tensorLeaves(weights)]);

/** SHA-256("fedai-state/1" ‖ weightsRoot ‖ optimiserRoot ‖ counter u64be). */
export function hashState(weightsRoot: Uint8Array, optimiserRoot: Uint8Array, counter: number): Uint8Array {
  return sha256(concatBytes(utf8('fedai-state/1'), weightsRoot, optimiserRoot, uintBytes(counter, 8)));
}

export function stateRoots(model: Model, state: TrainState): StateRoots {
  const weightsRoot = modelHash(model, state.weights);
  const optimiserRoot = merkleRoot(tensorLeaves(state.velocity));
  return {
    weightsRoot,
    optimiserRoot,
    counter: state.counter,
    stateRoot: hashState(weightsRoot, optimiserRoot, state.counter),
  };
}
