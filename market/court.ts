/** TrainingCourt as typed calls: what auditors, workers and challengers read and send. Owns no decisions. */
import type { Hex } from '../core/index.ts';
import type { Contract } from './contract.ts';
import type { Audit, CourtCase, CourtParameters, OpenCase } from './courtTypes.ts';
import {
  decodeAudit,
  decodeCase,
  decodeCourtParameters,
  decodeOpenCases,
  decodeSelection,
} from './decodeCourt.ts';
import type { MinedTransaction } from './sender.ts';

export interface Court {
  readonly address: Hex;
  /** Throws `REVERTED` (`CourtUnknownTrace`), as the next one. */
  auditOf(traceId: bigint): Promise<Audit>;
  /** Whether a trace is audited and where; reverts while its beacon is not known. */
  selectionOf(traceId: bigint): Promise<{ selected: boolean; segments: number[] }>;
  caseOf(caseId: number): Promise<CourtCase>;
  caseCount(): Promise<number>;
  openCases(): Promise<OpenCase[]>;
  parameters(): Promise<CourtParameters>;
  /** Least stake of a worker, wei, for a slot with this pay. */
  lockFor(pay: bigint, fullAudit: boolean): Promise<bigint>;
  withdrawable(account: Hex): Promise<bigint>;
  drawAuditors(traceId: bigint): Promise<MinedTransaction>;
  commitAudit(traceId: bigint, commitment: Hex): Promise<MinedTransaction>;
  /** `digests` empty: no bundle was to be had. */
  revealAudit(traceId: bigint, digests: readonly Hex[], salt: Hex): Promise<MinedTransaction>;
  settleAudit(traceId: bigint): Promise<MinedTransaction>;
  /** `bond`: as the parameters say, wei. */
  challenge(traceId: bigint, segment: number, bond: bigint): Promise<MinedTransaction>;
  withdraw(): Promise<MinedTransaction>;
}

export type Send = (
  contract: Contract,
  call: string,
  args: readonly unknown[],
  value?: bigint,
) => Promise<MinedTransaction>;

export function createCourt(contract: Contract, send: Send): Court {
  const simple = (call: string) => (traceId: bigint) => send(contract, call, [traceId]);
  return {
    address: contract.address,
    auditOf: async (traceId) => decodeAudit(await contract.read('auditOf', [traceId])),
    selectionOf: async (traceId) => decodeSelection(await contract.read('selectionOf', [traceId])),
    caseOf: async (caseId) => decodeCase(await contract.read('caseOf', [caseId])),
    caseCount: async () => Number((await contract.read('caseCount'))[0]),
    openCases: async () => decodeOpenCases(await contract.read('openCases')),
    parameters: async () => decodeCourtParameters(await contract.read('parameters')),
    lockFor: async (pay, fullAudit) => (await contract.read('lockFor', [pay, fullAudit]))[0] as bigint,
    withdrawable: async (account) => (await contract.read('withdrawable', [account]))[0] as bigint,
    drawAuditors: simple('drawAuditors'),
    commitAudit: (traceId, commitment) => send(contract, 'commitAudit', [traceId, commitment]),
    revealAudit: (traceId, digests, salt) => send(contract, 'revealAudit', [traceId, digests, salt]),
    settleAudit: simple('settleAudit'),
    challenge: (traceId, segment, bond) => send(contract, 'challenge', [traceId, segment], bond),
    withdraw: () => send(contract, 'withdraw', []),
  };
}
