/** A validator that starts: whom it believes, what it takes over, and when it signs again. Time and peers are in the test's hand. */
import { expect, it } from 'vitest';
import {
  type Answer,
  answerSignBytes,
  decodeQuestion,
  encodeAnswer,
} from '../../../chain/consensus/answers.ts';
import { Caution } from '../../../chain/consensus/caution.ts';
import type { SignedVote } from '../../../chain/consensus/index.ts';
import { createSigner } from '../../../chain/consensus/signer.ts';
import { FedaiError, sha256, silentLog, toHex, uintBytes } from '../../../core/index.ts';
import { type BlockCommit, encodeBitmap, type ValidatorSet, voteSignBytes } from '../../../light/index.ts';
import { cheapScheme as scheme } from '../../sim/support/cheap-scheme.ts';
import { createVirtualClock } from '../../sim/support/clock.ts';

const chainId = 77n;
const SELF = 3;
const secret = (n: number) => sha256(uintBytes(n, 4));
const set: ValidatorSet = Array.from({ length: 4 }, (_, n) => ({
  address: toHex(new Uint8Array(20).fill(n + 1)),
  blsPublicKey: scheme.publicKey(secret(n)),
  power: 1n,
}));
const hashOf = (height: number) => sha256(uintBytes(height, 8));

function commitOf(height: number, signers = [0, 1, 2]): BlockCommit {
  const blockHash = hashOf(height);
  const message = voteSignBytes({ chainId, type: 'precommit', height, round: 0, blockHash });
  const signature = scheme.aggregate(signers.map((n) => scheme.sign(message, secret(n))));
  return { height, round: 0, blockHash, bitmap: encodeBitmap(signers, 4), signature };
}

function ownVote(height: number, type: 'prevote' | 'precommit' = 'prevote', n = SELF): SignedVote {
  const content = { type, height, round: 0, blockHash: hashOf(height) };
  const signature = scheme.sign(voteSignBytes({ chainId, ...content }), secret(n));
  return { kind: 'vote', validator: SELF, signature, attempt: 0, ...content };
}

type Told = Partial<Answer> & { by?: number; nonce?: Uint8Array; chain?: bigint };

interface World {
  /** What each validator that can be reached says now. */
  told: Map<number, () => Told | Uint8Array>;
  asked: number;
  faults: unknown[];
  caution: Caution;
  signer: ReturnType<typeof createSigner>;
  after(ms: number): Promise<void>;
}

/** A validator whose last signature was at `signed`, started on `signed`'s parent. */
function started(signed: number, told: [number, () => Told | Uint8Array][]): World {
  const clock = createVirtualClock(0);
  let content: Uint8Array | undefined;
  const file = {
    read: () => content,
    write: (bytes: Uint8Array) => {
      content = bytes;
    },
  };
  const signer = createSigner({ chainId, secretKey: secret(SELF), scheme, file });
  signer.begin(false);
  if (signed > 0) {
    const { height, round, blockHash } = ownVote(signed, 'precommit');
    const signBytes = voteSignBytes({ chainId, type: 'precommit', height, round, blockHash });
    signer.sign({ height, round, step: 'precommit', signBytes, lock: { round: -1, id: null } });
  }
  const world: World = { told: new Map(told), asked: 0, faults: [], signer, caution: null as never, after };
  async function after(ms: number) {
    await clock.run(clock.now() + ms, () => false);
  }
  const witnesses = {
    async ask(question: Uint8Array, take: (answer: Uint8Array) => void) {
      world.asked += 1;
      for (const [validator, tell] of world.told) take(answerOf(validator, tell(), question));
    },
  };
  world.caution = new Caution({
    options: { chainId, clock, log: silentLog, scheme },
    ...{ witnesses, signer, set, self: SELF, ownHead: Math.max(0, signed - 1) },
    onSettled: () => undefined,
    onFault: (fault) => void world.faults.push(fault),
  });
  world.caution.start();
  return world;
}

function answerOf(validator: number, told: Told | Uint8Array, question: Uint8Array): Uint8Array {
  if (told instanceof Uint8Array) return told;
  const { by = validator, nonce = decodeQuestion(question).nonce, chain = chainId, ...said } = told;
  const height = said.height ?? 0;
  const commit = said.commit === undefined ? (height === 0 ? null : commitOf(height)) : said.commit;
  const answer: Answer = { validator, height, commit, messages: said.messages ?? [] };
  return encodeAnswer(answer, (body) => scheme.sign(answerSignBytes(chain, nonce, body), secret(by)));
}

const at = (height: number, more: Told = {}) => ({ height, ...more });

it('signs at once when a quorum is no further than its sign-state', async () => {
  const world = started(
    5,
    [0, 1, 2].map((n) => [n, () => at(4)]),
  );
  await world.after(200);
  expect(world.caution.signsFrom).toBe(0);
});

it('waits while too few answer, and asks again', async () => {
  const world = started(5, [[0, () => at(4)]]);
  await world.after(10_000);
  expect(world.caution.signsFrom).toBe(Number.POSITIVE_INFINITY);
  expect(world.asked).toBeGreaterThan(5);
  world.told.set(1, () => at(4));
  await world.after(3_000);
  expect(world.caution.signsFrom).toBe(0);
});

it.each<[string, () => Told | Uint8Array]>([
  ['of another key', () => at(4, { by: 0 })],
  ['over another question', () => at(4, { nonce: new Uint8Array(32) })],
  ['for another chain', () => at(4, { chain: 1n })],
  ['with a head that no commit proves', () => at(4, { commit: commitOf(3) })],
  ['with a commit of too few', () => at(4, { commit: commitOf(4, [0, 1]) })],
  ['with no proof at all', () => at(4, { commit: null })],
  ['that is garbage', () => Uint8Array.of(0xc3, 1, 2, 3)],
])('does not count an answer %s', async (_, lie) => {
  const world = started(5, [
    [0, () => at(4)],
    [1, lie],
    [2, lie],
  ]);
  await world.after(10_000);
  expect(world.caution.signsFrom).toBe(Number.POSITIVE_INFINITY);
});

it('is quiet up to two heights beyond the head when blocks were decided without its sign-state', async () => {
  const world = started(
    5,
    [0, 1, 2].map((n) => [n, () => at(9)]),
  );
  await world.after(200);
  expect(world.caution.signsFrom).toBe(12);
});

it('takes over what the others hold of it, and not what another signed in its name', async () => {
  const world = started(5, [
    [0, () => at(9, { messages: [ownVote(10), ownVote(10, 'precommit')] })],
    [1, () => at(9, { messages: [ownVote(11, 'prevote', 0)] })],
    [2, () => at(9)],
  ]);
  await world.after(200);
  expect(world.signer.signedHeight).toBe(10);
  const { height, round } = ownVote(10);
  const other = voteSignBytes({ chainId, type: 'precommit', height, round, blockHash: hashOf(1) });
  const request = { height, round, step: 'precommit' as const, lock: { round: -1, id: null } };
  expect(world.signer.sign({ ...request, signBytes: other })).toHaveProperty('refused');
  expect(world.faults).toEqual([]);
});

it('signs soon when the network stands still without it', async () => {
  const world = started(
    5,
    [0, 1].map((n) => [n, () => at(9)]),
  );
  await world.after(1_500);
  expect(world.caution.signsFrom).toBe(12);
  await world.after(5_000);
  expect(world.caution.signsFrom).toBe(0);
});

it('stays quiet while the network goes on, while too few answer, and after each own message', async () => {
  let head = 9;
  const moving = started(
    5,
    [0, 1].map((n) => [n, () => at(head++)]),
  );
  const alone = started(
    5,
    [0, 1].map((n) => [n, () => at(9)]),
  );
  const said = [ownVote(9)];
  const alive = started(
    5,
    [0, 1].map((n) => [n, () => at(9, { messages: said })]),
  );
  await Promise.all([moving, alone, alive].map((world) => world.after(1_200)));
  alone.told.delete(1);
  // What the original sends while this machine asks: always something later.
  for (const later of [ownVote(9, 'precommit'), ownVote(10), ownVote(10, 'precommit')]) {
    said.push(later);
    await alive.after(2_000);
  }
  await Promise.all([moving, alone].map((world) => world.after(8_000)));
  for (const world of [moving, alone, alive]) expect(world.caution.signsFrom).toBeGreaterThan(9);
  await alone.after(30_000);
  expect(alone.caution.signsFrom).toBe(0);
});

it.each<[string, (world: World) => void]>([
  ['answers in its name', (world) => world.told.set(SELF, () => at(9))],
  [
    'signed something else at its last step',
    (world) => {
      const content = { type: 'precommit', height: 5, round: 0, blockHash: hashOf(1) } as const;
      const signature = scheme.sign(voteSignBytes({ chainId, ...content }), secret(SELF));
      world.told.set(2, () => at(9, { messages: [{ ...ownVote(5), ...content, signature }] }));
    },
  ],
  [
    'votes at a height that it cannot have reached before',
    (world) => {
      world.told.set(2, () => at(9, { messages: [ownVote(20)] }));
    },
  ],
])('stops when another machine %s', async (_, happens) => {
  const world = started(
    5,
    [0, 1, 2].map((n) => [n, () => at(9)]),
  );
  await world.after(500);
  happens(world);
  await world.after(3_000);
  expect(world.faults).toHaveLength(1);
  expect((world.faults[0] as FedaiError).code).toBe('DOUBLE_KEY');
  expect(world.faults[0]).toBeInstanceOf(FedaiError);
});
