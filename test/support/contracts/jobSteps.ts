/** The steps of a job as its parties take them, against a World. */
import { AbiCoder, concat, keccak256, sha256, toBeHex, toUtf8Bytes, zeroPadValue } from 'ethers';
import { fromHex, type Hex, merkleLeaf, merkleTree, toHex } from '../../../core/index.ts';
import { type Account, call, passDraw, TEST_KEY, WORKER_STAKE, type World } from './world.ts';

export const VERDICT = { Score: 1, BadKey: 2, BadSet: 3 } as const;
export const STATE = { None: 0, Open: 1, Training: 2, Evaluating: 3, Completed: 4, Failed: 5, Cancelled: 6 };
export const EXIT = {
  None: 0,
  TooFewWorkers: 1,
  WorkersAbsent: 2,
  ResultAbsent: 3,
  EvaluatorsAbsent: 4,
  TestKeyAbsent: 5,
  NoAgreement: 6,
  BadTestSet: 7,
  ClientCancelled: 8,
};
export const PHASE = { None: 0, Draw: 1, Keys: 2, Commit: 3, Reveal: 4 };

export const bytes32 = (label: string): Hex => sha256(toUtf8Bytes(label)) as Hex;
const MODEL = { weightsRoot: bytes32('weights'), optimiserRoot: bytes32('optimiser'), counter: 40n };
export const MODEL_HASH = MODEL.weightsRoot;
export const FINAL_STATE = sha256(
  concat([
    toUtf8Bytes('fedai-state/1'),
    MODEL.weightsRoot,
    MODEL.optimiserRoot,
    zeroPadValue(toBeHex(MODEL.counter), 8),
  ]),
) as Hex;

export interface Score {
  correct: number;
  total: number;
  outputsRoot: Hex;
  modelHash: Hex;
  verdict: number;
}
export const GOOD_SCORE: Score = {
  correct: 1_960,
  total: 2_000,
  outputsRoot: bytes32('outputs'),
  modelHash: MODEL_HASH,
  verdict: VERDICT.Score,
};
const complaint = (verdict: number): Score => ({
  correct: 0,
  total: 0,
  outputsRoot: `0x${'00'.repeat(32)}`,
  modelHash: MODEL_HASH,
  verdict,
});
export const BAD_KEY = complaint(VERDICT.BadKey);
export const BAD_SET = complaint(VERDICT.BadSet);

export const jobPost = (overrides: Record<string, unknown> = {}) => ({
  documentCid: toUtf8Bytes('bafkreidocument'),
  documentHash: bytes32('document'),
  workers: 3,
  evaluators: 3,
  rounds: 4,
  mode: 1,
  minimumBands: 1,
  targetScorePpm: 970_000,
  testKeyCommitment: sha256(TEST_KEY),
  testRoot: bytes32('test set'),
  workerStake: WORKER_STAKE,
  deadlines: {
    volunteerBlocks: 12,
    roundBlocks: 20,
    resultBlocks: 20,
    keyBlocks: 20,
    commitBlocks: 20,
    revealBlocks: 20,
  },
  segments: 3,
  provable: false,
  fullAudit: false,
  ...overrides,
});

/** An amount that no share divides evenly. */
export const REWARD = 1_000_000_000_000_000_007n;

export async function post(world: World, overrides = {}, value = REWARD): Promise<bigint> {
  await call(world.jobs, world.client, 'postJob', jobPost(overrides), { value });
  return world.jobs.jobCount!();
}

export async function volunteer(world: World, jobId: bigint, workers: Account[]): Promise<void> {
  for (const worker of workers) await call(world.jobs, worker, 'assignWorker', jobId);
}

/** Draws the slots; the assigned workers in slot order. */
export async function closeAssignment(world: World, jobId: bigint): Promise<Account[]> {
  await passDraw(world, jobId);
  await call(world.jobs, world.outsider, 'closeAssignment', jobId);
  return byAddress(world.workers, await world.jobs.workersOf!(jobId));
}

export function byAddress(accounts: Account[], addresses: string[]): Account[] {
  return addresses.map((address) => accounts.find((account) => account.address === address)!);
}

const ROUND_CLAIM = {
  RoundClaim: [
    { name: 'jobId', type: 'uint256' },
    { name: 'round', type: 'uint32' },
    { name: 'stateRoot', type: 'bytes32' },
    { name: 'stateCid', type: 'bytes' },
    { name: 'contributors', type: 'uint256' },
    { name: 'loss', type: 'int64' },
  ],
};
const SCORE = {
  Score: [
    { name: 'jobId', type: 'uint256' },
    { name: 'correct', type: 'uint32' },
    { name: 'total', type: 'uint32' },
    { name: 'outputsRoot', type: 'bytes32' },
    { name: 'modelHash', type: 'bytes32' },
    { name: 'verdict', type: 'uint8' },
  ],
};

async function domain(world: World) {
  const { chainId } = await world.ethers.provider.getNetwork();
  return { name: 'fedai', version: '1', chainId, verifyingContract: world.addresses.jobManager };
}

export const roundClaim = (round: number, contributors: bigint, stateRoot = bytes32(`state ${round}`)) => ({
  stateRoot,
  stateCid: toUtf8Bytes(`bafkreistate${round}`),
  contributors,
  loss: -12_345n,
});

export async function signRound(
  world: World,
  jobId: bigint,
  round: number,
  claim: ReturnType<typeof roundClaim>,
  signers: Account[],
): Promise<string[]> {
  const value = { jobId, round, ...claim };
  const typedDomain = await domain(world);
  return Promise.all(signers.map(({ signer }) => signer.signTypedData(typedDomain, ROUND_CLAIM, value)));
}

/** The state that a round starts from. */
export const stateBefore = (round: number): Hex =>
  bytes32(round === 0 ? 'first state' : `state ${round - 1}`);

/** A slot's trace of a round: states at the borders of its segments. */
export function traceClaim(round: number, slot: number, segments = 3, startRoot = stateBefore(round)) {
  const inside = Array.from({ length: segments }, (_, i) => bytes32(`state of ${round}, ${slot}, ${i}`));
  const tree = merkleTree([startRoot, ...inside].map((root) => merkleLeaf(fromHex(root))));
  const path = (leaf: number) => tree.path(leaf).map((node) => toHex(node));
  return {
    traceRoot: toHex(tree.root),
    startRoot,
    startPath: path(0),
    endRoot: inside.at(-1)!,
    endPath: path(segments),
  };
}

/** Commits the traces of the slots in `bitmap`. */
export async function commitTraces(
  world: World,
  jobId: bigint,
  slots: Account[],
  round: number,
  { bitmap = 0b111n, segments = 3 } = {},
): Promise<void> {
  for (const [slot, worker] of slots.entries()) {
    if ((bitmap >> BigInt(slot)) % 2n === 0n) continue;
    await call(world.jobs, worker, 'commitTrace', jobId, round, traceClaim(round, slot, segments));
  }
}

/** What the traces of `bitmap` in rounds 0 to `rounds` - 1 of `planned` make due of a part of the escrow. */
export function dueOf(
  part: bigint,
  rounds: bigint,
  { bitmap = 0b111n, workers = 3n, planned = 4n } = {},
): bigint {
  const units = planned * workers;
  let sum = 0n;
  for (let unit = 0n; unit < rounds * workers; unit++) {
    if ((bitmap >> (unit % workers)) % 2n === 1n) sum += (part * (unit + 1n)) / units - (part * unit) / units;
  }
  return sum;
}

/** Fixes `count` rounds of `planned`, from `first`, each with the traces of the given contributors. */
export async function fixRounds(
  world: World,
  jobId: bigint,
  slots: Account[],
  count: number,
  { first = 0, planned = 4, contributors = 0b111n } = {},
): Promise<void> {
  for (let round = first; round < first + count; round++) {
    const claim = roundClaim(round, contributors, round + 1 === planned ? FINAL_STATE : undefined);
    const signatures = await signRound(world, jobId, round, claim, slots.slice(0, (slots.length >> 1) + 1));
    await call(world.jobs, slots[0]!, 'commitRound', jobId, round, claim, signatures);
    await commitTraces(world, jobId, slots, round, { bitmap: contributors });
  }
}

export async function submitResult(world: World, jobId: bigint, worker: Account): Promise<void> {
  const result = { ...MODEL, modelCid: toUtf8Bytes('bafkreimodel'), claimedPpm: 981_000 };
  await call(world.jobs, worker, 'submitResult', jobId, result);
}

/** Draws evaluators; the drawn in draw order. */
export async function drawEvaluators(world: World, jobId: bigint): Promise<Account[]> {
  await passDraw(world, jobId);
  await call(world.jobs, world.outsider, 'drawEvaluators', jobId);
  return byAddress([...world.evaluators, ...world.workers], await world.jobs.evaluatorsOf!(jobId));
}

export async function deliverTestKeys(world: World, jobId: bigint, evaluators: Account[]): Promise<void> {
  for (const { address } of evaluators) {
    await call(world.jobs, world.client, 'deliverTestKey', jobId, address, '0x5678');
  }
}

export const salt = bytes32('salt');

export function scoreCommitment(jobId: bigint, evaluator: Hex, score: Score): string {
  const type = 'tuple(uint32 correct,uint32 total,bytes32 outputsRoot,bytes32 modelHash,uint8 verdict)';
  return keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ['uint256', 'address', type, 'bytes32'],
      [jobId, evaluator, score, salt],
    ),
  );
}

export async function commitScores(world: World, jobId: bigint, scores: Map<Account, Score>): Promise<void> {
  for (const [evaluator, score] of scores) {
    const commitment = scoreCommitment(jobId, evaluator.address, score);
    await call(world.jobs, evaluator, 'commitScore', jobId, commitment);
  }
}

export async function signScore(
  world: World,
  jobId: bigint,
  evaluator: Account,
  score: Score,
): Promise<string> {
  return evaluator.signer.signTypedData(await domain(world), SCORE, { jobId, ...score });
}

export async function revealScores(world: World, jobId: bigint, scores: Map<Account, Score>): Promise<void> {
  for (const [evaluator, score] of scores) {
    const signature = await signScore(world, jobId, evaluator, score);
    await call(world.jobs, evaluator, 'revealScore', jobId, score, salt, signature);
  }
}

/** From post to a started training. */
export async function startTraining(world: World, overrides = {}, value = REWARD) {
  const jobId = await post(world, overrides, value);
  await volunteer(world, jobId, world.workers);
  return { jobId, slots: await closeAssignment(world, jobId) };
}

/** From post to evaluators drawn and holding their keys. */
export async function startEvaluation(world: World, overrides = {}) {
  const { jobId, slots } = await startTraining(world, overrides);
  await fixRounds(world, jobId, slots, 4);
  await submitResult(world, jobId, slots[1]!);
  const evaluators = await drawEvaluators(world, jobId);
  await deliverTestKeys(world, jobId, evaluators);
  return { jobId, slots, evaluators };
}

/** All of `evaluators` commit and reveal the scores in order. */
export async function evaluate(world: World, jobId: bigint, evaluators: Account[], scores: Score[]) {
  const chosen = new Map(evaluators.slice(0, scores.length).map((account, i) => [account, scores[i]!]));
  await commitScores(world, jobId, chosen);
  await revealScores(world, jobId, chosen);
}
