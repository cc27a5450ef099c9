/** The blocks proposed at one height: fetched from peers with time-out and retry, checked, kept to be served. */
import { FedaiError, fromHex, type Hex, sleep, toHex } from '../../core/index.ts';
import type { Block } from '../types.ts';
import { checkBlockRules } from './block-rules.ts';
import type { HeightContext } from './height.ts';
import type { BlockId } from './machine-state.ts';
import type { ConsensusOptions } from './types.ts';

export interface Candidates {
  /** Blocks kept. */
  readonly size: number;
  get(id: BlockId): Block | undefined;
  put(id: BlockId, block: Block): void;
  /** Fetches and checks in the background; `persistent` for a block that a quorum voted for. */
  fetch(id: BlockId, from: string | undefined, persistent: boolean): void;
}

export interface CandidatesDeps {
  options: ConsensusOptions;
  context: HeightContext;
  /** Runs calls to the application one after another. */
  serial: <T>(call: () => Promise<T>) => Promise<T>;
  isOpen: () => boolean;
  onBlock: (id: BlockId, block: Block, valid: boolean) => void;
}

/** A block of some MB on a slow link; the round's own timeout has passed long before. */
const FETCH_TIMEOUT_MS = 5000;
const FETCH_RETRY_MS = 250;
const MAX_FETCH_TRIES = 8;
/** One proposer a round, at most two proposals each: more is an attack. */
const MAX_FETCHES = 16;

export function createCandidates(deps: CandidatesDeps): Candidates {
  const blocks = new Map<BlockId, Block>();
  const underway = new Map<BlockId, Job>();
  return {
    get size() {
      return blocks.size;
    },
    get: (id) => blocks.get(id),
    put: (id, block) => void blocks.set(id, block),
    fetch(id, from, persistent) {
      if (blocks.has(id)) return;
      const running = underway.get(id);
      if (running !== undefined) {
        if (persistent) running.want();
        return;
      }
      if (underway.size >= MAX_FETCHES && !persistent) return;
      const job = newJob(persistent);
      underway.set(id, job);
      void obtain(deps, id, from, job)
        .then((found) => found && deps.isOpen() && deps.onBlock(id, found.block, found.valid))
        .finally(() => underway.delete(id));
    },
  };
}

interface Job {
  /** A quorum voted for the block. */
  persistent: boolean;
  want(): void;
  readonly wanted: Promise<void>;
}

function newJob(persistent: boolean): Job {
  const { promise, resolve } = Promise.withResolvers<void>();
  const job: Job = {
    persistent,
    wanted: promise,
    want() {
      job.persistent = true;
      resolve();
    },
  };
  if (persistent) resolve();
  return job;
}

/**
 * A block whose proof of work or verdict is not replayed here is as one that is not here: its round passes with a nil vote. What a
 * quorum voted for needs no proof of ours.
 */
async function untilProven({ options }: CandidatesDeps, block: Block, job: Job): Promise<void> {
  const { work, verdict } = block.section;
  if ((work === null && verdict === null) || options.work === undefined) return;
  const proved = options.work.proven(block).then((isRight) => (isRight ? undefined : job.wanted));
  await Promise.race([job.wanted, proved]);
}

async function obtain(
  deps: CandidatesDeps,
  id: BlockId,
  from: string | undefined,
  job: Job,
): Promise<{ block: Block; valid: boolean } | undefined> {
  const { log, clock } = deps.options;
  for (let tries = 1; deps.isOpen() && (job.persistent || tries <= MAX_FETCH_TRIES); tries++) {
    try {
      const block = await fetchWithin(deps, id, from);
      const checked = await deps.serial(() => checkBlock(deps, id, block));
      if (checked.valid) await untilProven(deps, block, job);
      return checked;
    } catch (cause) {
      log.debug('proposed block is not to be had yet', { height: deps.context.height, id, tries, cause });
      await sleep(FETCH_RETRY_MS * Math.min(tries, 4), undefined, clock);
    }
  }
  return undefined;
}

function fetchWithin({ options }: CandidatesDeps, id: BlockId, from: string | undefined): Promise<Block> {
  return new Promise((resolve, reject) => {
    const timer = options.clock.setTimer(FETCH_TIMEOUT_MS, () =>
      reject(new FedaiError('FETCH_TIMEOUT', 'peers did not send the block in time', { id })),
    );
    options.network
      .fetchBlock(fromHex(id), from)
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}

/** Throws only when the check could not be made. */
async function checkBlock(
  { options, context }: CandidatesDeps,
  id: BlockId,
  block: Block,
): Promise<{ block: Block; valid: boolean }> {
  if (blockId(block) !== id)
    throw new FedaiError('WRONG_BLOCK', 'peer sent another block', { got: blockId(block), expected: id });
  const { chainId, scheme, application, log } = options;
  const rules = checkBlockRules(block, { chainId, context, scheme });
  const check = rules.ok
    ? await application.checkBlock(block)
    : { valid: false as const, reason: rules.reason };
  if (!check.valid) log.warn('invalid block proposed', { height: context.height, id, reason: check.reason });
  return { block, valid: check.valid };
}

export const blockId = (block: Block): Hex => toHex(block.header.hash());
