import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeAnswer, encodeQuestion } from '../../../chain/consensus/answers.ts';
import {
  blsScheme,
  type Consensus,
  type ConsensusMessage,
  createConsensus,
  decodeConsensusMessage,
  encodeConsensusMessage,
  type SignedVote,
  selectProposer,
  type WorkProofs,
} from '../../../chain/consensus/index.ts';
import { proposalSignBytes } from '../../../chain/consensus/messages.ts';
import type { Block } from '../../../chain/types.ts';
import { FedaiError, sha256, silentLog, toHex, uintBytes, type Verdict } from '../../../core/index.ts';
import { type ValidatorSet, type VerdictSection, verifyHeader, voteSignBytes } from '../../../light/index.ts';
import { createVirtualClock } from '../../sim/support/clock.ts';
import { createDisk } from '../../sim/support/disk.ts';
import { codec, createLedger, GENESIS_SECONDS } from '../../sim/support/ledger.ts';

const chainId = 4242n;
const timing = {
  blockTimeMs: 1000,
  proposeTimeoutMs: 2000,
  prevoteTimeoutMs: 1000,
  precommitTimeoutMs: 1000,
  timeoutDeltaMs: 500,
};
const startMs = (GENESIS_SECONDS + 10) * 1000;
const secret = (n: number) => Uint8Array.from(sha256(uintBytes(n + 1, 4)), (byte, i) => (i === 0 ? 1 : byte));
const setOf = (count: number): ValidatorSet =>
  Array.from({ length: count }, (_, n) => ({
    address: toHex(new Uint8Array(20).fill(n + 1)),
    blsPublicKey: blsScheme.publicKey(secret(n)),
    power: 10n,
  }));

type Handler = (message: ConsensusMessage, from: string) => Promise<Verdict>;

interface Extra {
  work?: WorkProofs;
  /** What a peer has when it is asked. */
  served?: Block;
}

/** One chain node alone with its peers' messages in the test's hand. */
function createNode(set: ValidatorSet, validator: number | null, atMs = startMs, extra: Extra = {}) {
  const clock = createVirtualClock(atMs);
  const life = {
    alive: true,
    operationsLeft: Number.POSITIVE_INFINITY,
    lastTakesEffect: true,
    onDeath: () => undefined,
  };
  const ledger = createLedger(set);
  const sent: ConsensusMessage[] = [];
  const built: Block[] = [];
  let handler: Handler = async () => ({ verdict: 'ignore', reason: 'not started' });
  const consensus = createConsensus({
    chainId,
    timing,
    epochBlocks: 10,
    application: ledger.application(life, {
      onBuild: (block) => void built.push(block),
      onCommit: () => undefined,
    }),
    network: {
      broadcast: (message) => void sent.push(message),
      fetchBlock: async () => {
        if (extra.served === undefined) throw new FedaiError('NOT_FOUND', 'alone');
        return extra.served;
      },
      onMessage: (given) => {
        handler = given;
      },
    },
    history: ledger.history,
    codec,
    storage: createDisk().storage(life),
    secretKey: validator === null ? null : secret(validator),
    scheme: blsScheme,
    clock,
    log: silentLog,
    ...(extra.work && { work: extra.work }),
  });
  /** Delivers over the wire form and lets time pass until the verdict is there. */
  const deliver = async (message: ConsensusMessage, from = 'peer'): Promise<Verdict> => {
    let answer: Verdict | undefined;
    void handler(decodeConsensusMessage(encodeConsensusMessage(message)), from).then((verdict) => {
      answer = verdict;
    });
    await clock.run(clock.now() + 100, () => answer !== undefined);
    await new Promise((resolve) => setImmediate(resolve));
    return answer!;
  };
  return {
    clock,
    ledger,
    sent,
    built,
    consensus,
    deliver,
    handle: (message: ConsensusMessage, from: string) => handler(message, from),
  };
}

function voteOf(validator: number, change: Partial<SignedVote> = {}): SignedVote {
  const content = { type: 'prevote', height: 1, round: 0, blockHash: null, ...change } as const;
  const signature = blsScheme.sign(voteSignBytes({ chainId, ...content }), secret(validator));
  return { kind: 'vote', validator, signature, attempt: 0, ...content };
}

const hash = (n: number) => new Uint8Array(32).fill(n);

describe('messages of peers', () => {
  const set = setOf(4);
  let node: ReturnType<typeof createNode>;
  beforeEach(async () => {
    node = createNode(set, 0);
    await node.consensus.start();
  });
  afterEach(() => node.consensus.stop());

  it('are accepted once when the signature holds', async () => {
    expect(await node.deliver(voteOf(1))).toEqual({ verdict: 'accept' });
    expect(await node.deliver(voteOf(1))).toMatchObject({ verdict: 'ignore' });
    expect(await node.deliver({ ...voteOf(1), attempt: 5 })).toEqual({ verdict: 'accept' });
    expect(await node.deliver({ ...voteOf(1), attempt: 6 })).toMatchObject({ verdict: 'ignore' });
  });

  it('are rejected when forged, by a stranger, or not a proposal of this height and proposer', async () => {
    expect(await node.deliver({ ...voteOf(1), validator: 2 })).toMatchObject({ verdict: 'reject' });
    expect(await node.deliver({ ...voteOf(1), validator: 9 })).toMatchObject({ verdict: 'reject' });
    expect(await node.deliver({ ...voteOf(1), signature: new Uint8Array(96) })).toMatchObject({
      verdict: 'reject',
    });
    const solo = await proposalOfSolo();
    const genesisBeacon = await node.ledger.history.beaconAt(0);
    const wrongSigner = (selectProposer(set, genesisBeacon, 1, 0) + 1) % 4;
    const signBytes = proposalSignBytes(chainId, solo, sha256(solo.header));
    const forged = { ...solo, signature: blsScheme.sign(signBytes, secret(wrongSigner)) };
    expect(await node.deliver(forged)).toMatchObject({ verdict: 'reject' });
    expect(await node.deliver({ ...solo, round: 3 })).toMatchObject({ verdict: 'reject' });
    expect(await node.deliver({ ...solo, header: solo.header.subarray(1) })).toMatchObject({
      verdict: 'reject',
    });
    expect(await node.deliver({ ...solo, section: new Uint8Array(3) })).toMatchObject({ verdict: 'reject' });
    expect(node.consensus.evidence()).toEqual([]);
  });

  it('of other heights are ignored, and one far ahead asks for catch-up', async () => {
    const behind: number[] = [];
    node.consensus.onBehind((height) => behind.push(height));
    expect(await node.deliver(voteOf(1, { height: 0 }))).toMatchObject({ verdict: 'ignore' });
    expect(await node.deliver(voteOf(1, { height: 9 }))).toMatchObject({ verdict: 'ignore' });
    await node.clock.run(node.clock.now() + 600, () => behind.length > 0);
    expect(behind).toEqual([9]);
  });

  it('of the next height are told to the validator that sent them, when it starts again', async () => {
    const ahead = voteOf(1, { height: 2, type: 'precommit', blockHash: hash(7) });
    const forged = { ...voteOf(1, { height: 2 }), signature: voteOf(2).signature };
    for (const message of [forged, ahead, voteOf(1)]) await node.deliver(message);
    const question = { nonce: new Uint8Array(32).fill(5), publicKey: set[1]!.blsPublicKey };
    const { answer } = decodeAnswer(await node.consensus.answer(encodeQuestion(question)));
    expect(answer.messages.map(({ height, signature }) => [height, toHex(signature)])).toEqual([
      [1, toHex(voteOf(1).signature)],
      [2, toHex(ahead.signature)],
    ]);
  });

  it('that contradict each other are kept as evidence, once', async () => {
    for (const n of [1, 2, 3]) await node.deliver(voteOf(1, { type: 'precommit', blockHash: hash(n) }));
    const [proof, ...more] = node.consensus.evidence();
    expect(more).toEqual([]);
    expect(proof).toMatchObject({
      validator: 1,
      first: { blockHash: hash(1) },
      second: { blockHash: hash(2) },
    });
  });

  it('that are known are rejected all the same when something was altered on the way', async () => {
    await node.deliver(voteOf(1));
    const altered = { ...voteOf(1), signature: voteOf(2).signature, attempt: 7 };
    expect(await node.deliver(altered)).toMatchObject({ verdict: 'reject' });
    const solo = await proposalOfSolo();
    expect(await node.deliver({ ...solo, parentCommit: new Uint8Array(40) })).toEqual({
      verdict: 'reject',
      reason: 'parent commit is not the section’s',
    });
  });

  it('of an equivocator are counted twice, and then only for what a third of the power voted', async () => {
    for (const n of [1, 2])
      expect(await node.deliver(voteOf(1, { blockHash: hash(n) }))).toEqual({ verdict: 'accept' });
    const held = () => node.consensus.held().messages;
    const before = held();
    for (const n of [3, 4, 5])
      expect(await node.deliver(voteOf(1, { blockHash: hash(n) }))).toMatchObject({ verdict: 'ignore' });
    expect(held()).toBe(before);
    // With 2 and 3 on its side, the vote for 4 may be one of a quorum that others saw.
    for (const validator of [2, 3]) await node.deliver(voteOf(validator, { blockHash: hash(4) }));
    expect(await node.deliver(voteOf(1, { blockHash: hash(4) }))).toEqual({ verdict: 'accept' });
    expect(await node.deliver(voteOf(1, { blockHash: hash(5) }))).toMatchObject({ verdict: 'ignore' });
  });

  it('of one flooding peer are dropped, those of others are not', async () => {
    const flood = Array.from({ length: 200 }, (_, round) =>
      node.handle({ ...voteOf(1), round, signature: new Uint8Array(96).fill(1) }, 'flooder'),
    );
    const other = node.handle(voteOf(2), 'peer');
    const answers = Promise.all(flood);
    let done = false;
    void Promise.all([answers, other]).then(() => {
      done = true;
    });
    await node.clock.run(node.clock.now() + 1000, () => done);
    const counts = (await answers).map((one) => one.verdict);
    expect(counts.filter((verdict) => verdict === 'reject').length).toBe(128);
    expect(counts.filter((verdict) => verdict === 'ignore').length).toBe(72);
    expect(await other).toEqual({ verdict: 'accept' });
  });

  it('are sent again while the height stalls', async () => {
    await node.clock.run(node.clock.now() + 5000, () => false);
    const again = node.sent.filter((message) => message.attempt > 0);
    expect(again.some((message) => message.kind === 'vote' && message.type === 'prevote')).toBe(true);
  });
});

async function proposalOfSolo(atMs = startMs) {
  const solo = createNode(setOf(1), 0, atMs);
  await solo.consensus.start();
  await solo.clock.run(atMs + 500, () => solo.sent.length > 0);
  await solo.consensus.stop();
  return solo.sent.find((message) => message.kind === 'proposal')!;
}

describe('a proposal with a verdict', () => {
  const set = setOf(4);
  const verdict: VerdictSection = {
    ...{ caseId: 3, jobId: 1n, worker: new Uint8Array(20), traceRoot: hash(1), segment: 2 },
    ...{ guilty: true, digest: hash(2), bundle: new Uint8Array(36) },
  };
  const carrying = (proven: boolean): WorkProofs => ({
    choose: async () => ({ work: null, verdict }),
    proven: async () => proven,
  });

  /** What another validator prevotes in round 0 when its own replay says `proven`. */
  const prevoted = async (proven: boolean) => {
    const probe = createNode(set, null);
    const proposer = selectProposer(set, await probe.ledger.history.beaconAt(0), 1, 0);
    const author = createNode(set, proposer, startMs, { work: carrying(true) });
    await author.consensus.start();
    await author.clock.run(startMs + 500, () => author.sent.length > 1);
    await author.consensus.stop();
    const [block] = author.built;
    const served = { work: carrying(proven), served: block! };
    const other = createNode(set, (proposer + 1) % 4, startMs, served);
    await other.consensus.start();
    const proposal = author.sent.find((message) => message.kind === 'proposal')!;
    expect(await other.deliver(proposal)).toEqual({ verdict: 'accept' });
    const vote = () => other.sent.find((message) => message.kind === 'vote' && message.type === 'prevote');
    await other.clock.run(startMs + 5_000, () => vote() !== undefined);
    await other.consensus.stop();
    expect(block!.section.verdict).toEqual(verdict);
    const found = vote() as SignedVote;
    return found.blockHash === null ? null : toHex(found.blockHash) === toHex(block!.header.hash());
  };

  it('is prevoted by who has replayed the case to the same end', async () => {
    expect(await prevoted(true)).toBe(true);
  });

  it('is prevoted nil by who found otherwise', async () => {
    expect(await prevoted(false)).toBe(null);
  });
});

describe('time of proposals', () => {
  const heard = async (builtAtMs: number, atMs: number) => {
    const node = createNode(setOf(1), null, atMs);
    await node.consensus.start();
    const verdict = await node.deliver(await proposalOfSolo(builtAtMs));
    await node.consensus.stop();
    return verdict;
  };

  it('from the future is held back', async () => {
    expect(await heard(startMs + 9_000, startMs)).toEqual({ verdict: 'accept' });
    expect(await heard(startMs + 60_000, startMs)).toMatchObject({ verdict: 'ignore' });
  });

  it('is never held back one second after the parent, so that fast chains go on', async () => {
    const longBefore = (GENESIS_SECONDS - 60) * 1000;
    expect(await heard(longBefore, longBefore)).toEqual({ verdict: 'accept' });
  });
});

describe('decided blocks', () => {
  const set = setOf(1);
  const decideThree = async () => {
    const solo = createNode(set, 0);
    const finality: (number | null)[] = [];
    solo.consensus.onDecided(({ finalityMs }) => finality.push(finalityMs));
    await solo.consensus.start();
    await solo.clock.run(startMs + 60_000, () => solo.ledger.blocks.length >= 3);
    await solo.consensus.stop();
    return { blocks: solo.ledger.blocks, finality, tookMs: solo.clock.now() - startMs };
  };

  it('come at the block time, with commits that a light client accepts', async () => {
    const { blocks, finality, tookMs } = await decideThree();
    expect(finality.length).toBeGreaterThanOrEqual(2);
    expect(tookMs).toBeGreaterThanOrEqual(2000);
    for (const { block, commit } of blocks) {
      const headerRlp = block.header.serialize();
      expect(verifyHeader({ chainId, set, headerRlp, section: block.section, commit }).ok).toBe(true);
    }
  });

  it('go on when the clock is set back', async () => {
    const solo = createNode(set, 0);
    await solo.consensus.start();
    await solo.clock.run(startMs + 60_000, () => solo.ledger.blocks.length >= 1);
    const { now } = solo.clock;
    solo.clock.now = () => now() - 3_600_000;
    expect(await solo.clock.run(now() + 10_000, () => solo.ledger.blocks.length >= 4)).toBe(true);
    await solo.consensus.stop();
  });

  it('are followed without a key, and refused when the commit or the block lies', async () => {
    const { blocks } = await decideThree();
    const follower = createNode(set, null);
    const seen: number[] = [];
    const consensus: Consensus = follower.consensus;
    consensus.onDecided(({ height }) => seen.push(height));
    await consensus.start();
    const [one, two] = blocks;
    expect(await consensus.applyDecided(two!.block, two!.commit)).toBe(false);
    const forged = { ...one!.commit, signature: two!.commit.signature };
    await expect(consensus.applyDecided(one!.block, forged)).rejects.toThrow(/signature/);
    const otherSection = { ...one!.block, section: { ...one!.block.section, round: 1 } };
    await expect(consensus.applyDecided(otherSection, one!.commit)).rejects.toThrow(/section/);
    expect(await consensus.applyDecided(one!.block, one!.commit)).toBe(true);
    expect(await consensus.applyDecided(two!.block, two!.commit)).toBe(true);
    expect(seen).toEqual([1, 2]);
    expect(follower.sent).toEqual([]);
    expect(consensus.status()?.validator).toBe(false);
    await consensus.stop();
  });
});
