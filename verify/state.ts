/**
 * What the contracts had in their storage at a block, each word proven under that block's state root: traces, the terms of
 * draws, jobs, cases. Believes nothing that it is told.
 */
import { storage } from '../contracts/generated/index.ts';
import { equalBytes, fromHex, type Hex, toHex, uintBytes } from '../core/index.ts';
import {
  fieldIn,
  type HeaderFields,
  listSlot,
  mappingSlot,
  type StorageField,
  verifyAccountProof,
  verifyStorageProof,
} from '../light/index.ts';
import { demand } from './check.ts';
import type { WorkSource } from './source.ts';

export interface ProvenTrace {
  worker: Hex;
  jobId: bigint;
  round: number;
  slot: number;
  segments: number;
  height: number;
  weight: bigint;
  root: Uint8Array;
}

/** What a draw at the next block starts from. */
export interface ProvenTerms {
  interval: number;
  drawDelay: number;
  ranks: number;
  firstUndrawn: bigint;
  traceCount: bigint;
}

export interface ProvenState {
  terms(): Promise<ProvenTerms>;
  /** Traces number `from` to before number `to`. */
  traces(from: bigint, to: bigint): Promise<ProvenTrace[]>;
  job(jobId: bigint): Promise<{ seed: Uint8Array; documentHash: Uint8Array; postedAt: number }>;
  courtCase(caseId: number): Promise<{ traceId: bigint; segment: number; state: number; digest: Uint8Array }>;
}

/** Addresses of the contracts; zero for those that a chain has not. */
export interface ProvenContracts {
  usefulWork: Hex;
  jobManager: Hex;
  trainingCourt: Hex;
}

interface Table {
  readonly slot: bigint;
  readonly words: bigint;
  readonly fields: Readonly<Record<string, StorageField>>;
}

/** Of one `eth_getProof`. */
const MAX_SLOTS = 512;

/** `header`: a verified one. */
export function provenState(
  source: WorkSource,
  { number: height, stateRoot }: HeaderFields,
  contracts: ProvenContracts,
): ProvenState {
  const words = async (address: Hex, slots: readonly bigint[]): Promise<Map<bigint, bigint>> => {
    const found = new Map<bigint, bigint>();
    for (let at = 0; at < slots.length; at += MAX_SLOTS) {
      const keys = slots.slice(at, at + MAX_SLOTS);
      const { accountProof, storageProof } = await source.stateProof(address, keys, height);
      const account = verifyAccountProof(stateRoot, address, accountProof);
      demand(account !== null, `block ${height} has no contract at ${address}`);
      demand(storageProof.length === keys.length, 'the RPC proves other slots than it was asked for');
      for (const [i, key] of keys.entries())
        found.set(key, verifyStorageProof(account.storageRoot, uintBytes(key, 32), storageProof[i]!));
    }
    return found;
  };
  /** Some fields of elements that begin at these slots. */
  const read = async <Name extends string>(
    address: Hex,
    { fields }: Table & { fields: Readonly<Record<Name, StorageField>> },
    starts: readonly bigint[],
    names: readonly Name[],
  ): Promise<Record<Name, bigint>[]> => {
    const slots = starts.flatMap((start) => names.map((name) => start + fields[name][0]));
    const found = await words(address, [...new Set(slots)]);
    const valueAt = (start: bigint, name: Name) => fieldIn(found.get(start + fields[name][0])!, fields[name]);
    return starts.map(
      (start) =>
        Object.fromEntries(names.map((name) => [name, valueAt(start, name)])) as Record<Name, bigint>,
    );
  };
  const { usefulWork, jobManager, trainingCourt } = contracts;
  return {
    async terms() {
      const { parameters, firstUndrawn, traces } = storage.usefulWork;
      const [terms] = await read(
        usefulWork,
        parameters,
        [parameters.slot],
        ['interval', 'drawDelay', 'ranks'],
      );
      const [first] = await read(usefulWork, firstUndrawn, [firstUndrawn.slot], ['value']);
      const count = (await words(usefulWork, [traces.slot])).get(traces.slot)!;
      return { ...numbers(terms!), firstUndrawn: first!.value, traceCount: count };
    },
    async traces(from, to) {
      const { traces } = storage.usefulWork;
      const starts = Array.from({ length: Number(to - from) }, (_, i) =>
        listSlot(traces.slot, from + BigInt(i), traces.words),
      );
      const rows = await read(usefulWork, traces, starts, TRACE_FIELDS);
      return rows.map(({ worker, jobId, weight, root, ...rest }) => ({
        ...numbers(rest),
        ...{ worker: toHex(uintBytes(worker, 20)), jobId, weight, root: uintBytes(root, 32) },
      }));
    },
    async job(jobId) {
      const { jobs } = storage.jobManager;
      const names = ['seed', 'post.documentHash', 'postedAt'] as const;
      const [job] = await read(jobManager, jobs, [mappingSlot(jobs.slot, jobId)], names);
      return {
        seed: uintBytes(job!.seed, 32),
        documentHash: uintBytes(job!['post.documentHash'], 32),
        postedAt: Number(job!.postedAt),
      };
    },
    async courtCase(caseId) {
      const { cases } = storage.trainingCourt;
      const names = ['traceId', 'segment', 'state', 'digest'] as const;
      const [one] = await read(trainingCourt, cases, [mappingSlot(cases.slot, BigInt(caseId))], names);
      const { traceId, digest, ...rest } = one!;
      return { ...numbers(rest), traceId, digest: uintBytes(digest, 32) };
    },
  };
}

const TRACE_FIELDS = [
  ...(['worker', 'jobId', 'round', 'slot', 'segments', 'height', 'weight', 'root'] as const),
] as const;

const numbers = <Name extends string>(fields: Record<Name, bigint>): Record<Name, number> =>
  Object.fromEntries(Object.entries<bigint>(fields).map(([name, value]) => [name, Number(value)])) as Record<
    Name,
    number
  >;

/** A trace against what a header says of it. */
export function demandSame(
  trace: Pick<ProvenTrace, 'worker' | 'jobId' | 'root'>,
  said: { worker: Uint8Array; jobId: bigint; traceRoot: Uint8Array },
): void {
  demand(equalBytes(trace.root, said.traceRoot), 'the contracts have another trace than the header');
  demand(trace.jobId === said.jobId, 'the trace is of another job than the header says');
  demand(equalBytes(fromHex(trace.worker, 20), said.worker), 'the trace is of another worker');
}
