/** The receipt of a settled job: its hash, and where in the contract's storage that hash lies. */
import { AbiCoder, keccak256, ParamType } from 'ethers';
import type { Hex } from '../core/index.ts';
import { jobManagerAbi } from './abi.ts';
import { cidToBytes } from './cidBytes.ts';
import { exitReasons, type JobReceipt, jobStates } from './types.ts';

/** Storage slot of the mapping `receiptHash` in JobManager; part of the protocol, so that receipts can be proved. */
export const RECEIPT_SLOT = 0n;

/** Storage key of a job's receipt hash: keccak256(abi.encode(jobId, RECEIPT_SLOT)). */
export const receiptStorageKey = (jobId: bigint): Hex =>
  keccak256(AbiCoder.defaultAbiCoder().encode(['uint256', 'uint256'], [jobId, RECEIPT_SLOT])) as Hex;

/** keccak256(abi.encode(receipt)), as the contract computes it at settlement. */
export function hashReceipt(receipt: JobReceipt): Hex {
  const plain = {
    ...receipt,
    documentCid: cidToBytes(receipt.documentCid),
    modelCid: cidToBytes(receipt.modelCid),
    state: jobStates.indexOf(receipt.state),
    exit: exitReasons.indexOf(receipt.exit),
  };
  return keccak256(AbiCoder.defaultAbiCoder().encode([receiptType()], [plain])) as Hex;
}

function receiptType(): ParamType {
  const view = jobManagerAbi.find((item) => item.type === 'function' && item.name === 'jobReceipt');
  return ParamType.from((view as unknown as { outputs: [object] }).outputs[0]);
}
