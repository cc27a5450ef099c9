/** Watches a simulated run from above and notes the first breach of what consensus promises. */

import { decodeEvidence } from '../../../chain/consensus/evidence.ts';
import type { ConsensusMessage, Evidence } from '../../../chain/consensus/index.ts';
import { proposalBlockHash, proposalSignBytes } from '../../../chain/consensus/messages.ts';
import type { Block } from '../../../chain/types.ts';
import { FedaiError, type Hex, toHex, type Verdict } from '../../../core/index.ts';
import { type BlockCommit, decodeBitmap, voteSignBytes } from '../../../light/index.ts';
import { PENALTY } from '../../../net/index.ts';
import { CHAIN_ID, type Node, type Packet, type World } from './node.ts';

export interface Judge {
  /** Somebody made this block; `valid` is what its maker knows. */
  built(block: Block, valid: boolean): void;
  committed(node: Node, block: Block, commit: BlockCommit): void;
  /** First sending by its own signer. */
  sent(node: Node, message: ConsensusMessage): void;
  /** What `to` answered to what `from` handed it, be it its own or passed on. */
  answered(from: Node, to: Node, packet: Packet, answer: Verdict): void;
  penalised(by: Node, peer: string, points: number, reason: string): void;
  /** Consensus stopped itself although the disk did not fail. */
  fault(node: Node, cause: unknown): void;
  /** A process of `node` is up again. */
  started(node: Node): void;
  /** Looks at what the nodes hold in memory and on disk. */
  inspect(): void;
  /** At the end: the proofs of equivocation that were found, all right and none missing. */
  weighEvidence(): number;
  /** The first breach, if any: inside callbacks a throw could be swallowed. */
  breach(): FedaiError | undefined;
}

/** Beyond a proposer's clock being ahead of all others by this much, a block waits. As in chain/consensus/intake.ts. */
const MAX_CLOCK_DRIFT_MS = 10_000;
/** Rounds that consensus counts ahead of its own; as in chain/consensus/run.ts. */
const ROUNDS_AHEAD = 64;
/** Per validator and round: proposals, prevotes and precommits, two of each and those of a quorum's value. */
const MESSAGES_PER_SLOT = 8;

export function createJudge(world: () => World): Judge {
  const built = new Map<Hex, boolean>();
  const decided = new Map<number, Hex>();
  const signed = new Map<string, string>();
  /** Greatest height that a node has ever committed. */
  const reached = new Map<Node, number>();
  const blamed = createEquivocations(world);
  let breach: FedaiError | undefined;
  const fail = (code: string, message: string, data: Record<string, unknown>) => {
    breach ??= new FedaiError(code, message, data);
  };
  return {
    breach: () => breach,
    built: (block, valid) => void built.set(toHex(block.header.hash()), valid),
    committed(node, block, commit) {
      const hash = toHex(block.header.hash());
      const height = Number(block.header.number);
      const data = { node: node.name, height, hash };
      world().trace.add(`${world().clock.now()} ${node.name} commits ${height} ${hash}`);
      if (!node.honest) return;
      const other = decided.get(height) ?? hash;
      decided.set(height, hash);
      reached.set(node, Math.max(height, reached.get(node) ?? 0));
      if (other !== hash) fail('FORK', 'two blocks at one height', { ...data, other });
      if (!built.has(hash)) fail('INVENTED', 'nobody proposed this block', data);
      if (built.get(hash) === false) fail('INVALID', 'a block that breaks a rule is decided', data);
      const reason = commitFault(world(), block, commit);
      if (reason !== undefined) fail('BAD_COMMIT', reason, data);
      if (isFromTheFuture(world(), node, block)) fail('FUTURE', 'a block from the future is decided', data);
    },
    sent(node, message) {
      if (!node.honest) return;
      const what = message.kind === 'vote' ? message.type : 'proposal';
      const slot = `${node.name}/${what}/${message.height}/${message.round}`;
      const content = toHex(message.signature);
      const other = signed.get(slot) ?? content;
      signed.set(slot, content);
      if (other !== content) fail('DOUBLE_SIGNED', 'two signatures at one step', { slot });
    },
    answered(from, to, packet, answer) {
      if (!to.honest) return;
      if (from.honest && answer.verdict === 'reject')
        fail('BLAMED', 'what an honest node passed on was rejected', {
          from: from.name,
          to: to.name,
          reason: answer.reason,
          message: packet.message && { ...packet.message, header: undefined },
        });
      if (answer.verdict === 'accept' && packet.message) blamed.accepted(to, packet.message);
    },
    penalised(by, peer, points, reason) {
      const target = world().nodes.find(({ name }) => name === peer);
      // A network that loses messages makes an honest node look slow.
      if (by.honest && target?.honest && points > PENALTY.slow)
        fail('BLAMED', 'an honest node was penalised', { by: by.name, peer, points, reason });
    },
    fault: (node, cause) => fail('FAULT', 'consensus stopped itself', { node: node.name, cause: `${cause}` }),
    started(node) {
      const before = reached.get(node) ?? 0;
      const height = node.ledger.head.height;
      const run = node.consensus?.status()?.height ?? before + 1;
      if (node.honest && (height < before || run < before + 1))
        fail('WENT_BACK', 'a committed block is gone', { node: node.name, before, height, run });
    },
    inspect() {
      for (const node of world().nodes.filter(({ honest }) => honest)) {
        const { consensus } = node;
        const status = consensus?.status();
        if (consensus === undefined || status === undefined) continue;
        const held = consensus.held();
        const rounds = status.round + ROUNDS_AHEAD + 1;
        const data = { node: node.name, round: status.round, ...held, wal: node.disk.walRecords() };
        if (held.messages > rounds * world().set.length * MESSAGES_PER_SLOT || held.blocks > 4 * rounds)
          fail('MEMORY', 'more is kept than one height can need', data);
        // Besides: the start, and of each round three timeouts and a value. Who only watches has the log of its last life.
        if (status.validator && data.wal > held.messages + held.blocks + 8 * (status.round + 2) + 64)
          fail('LOG', 'the write-ahead log grows beyond what is kept', data);
      }
    },
    weighEvidence: () => blamed.weigh(fail),
  };
}

function commitFault({ set, scheme }: World, block: Block, commit: BlockCommit): string | undefined {
  const blockHash = block.header.hash();
  const height = Number(block.header.number);
  if (commit.height !== height || toHex(commit.blockHash) !== toHex(blockHash)) return 'of another block';
  const signers = (decodeBitmap(commit.bitmap, set.length) ?? []).map((index) => set[index]!);
  const power = signers.reduce((sum, one) => sum + one.power, 0n);
  const total = set.reduce((sum, one) => sum + one.power, 0n);
  if (3n * power <= 2n * total) return 'too few signers';
  const { round } = commit;
  const message = voteSignBytes({ chainId: CHAIN_ID, type: 'precommit', height, round, blockHash });
  const keys = signers.map((one) => one.blsPublicKey);
  return scheme.verifyAggregate(message, keys, commit.signature) ? undefined : 'wrong signature';
}

/** No sane clock has ever shown a time from which this block's is within bounds. */
function isFromTheFuture({ nodes, schedule }: World, node: Node, block: Block): boolean {
  const height = Number(block.header.number);
  const parent = node.ledger.store.block(height - 1)!.header.timestamp;
  if (block.header.timestamp === parent + 1n) return false;
  const sane = nodes.filter(({ honest, validator }) => honest && validator !== schedule.wildClockNode);
  const latest = Math.max(...sane.map(({ time }) => time.highest()));
  return Number(block.header.timestamp) * 1000 > latest + MAX_CLOCK_DRIFT_MS;
}

interface Equivocations {
  accepted(to: Node, message: ConsensusMessage): void;
  weigh(fail: (code: string, message: string, data: Record<string, unknown>) => void): number;
}

const stepOf = (message: ConsensusMessage): string =>
  `${message.height}/${message.kind === 'vote' ? message.type : 'proposal'}`;

const contentOf = (message: ConsensusMessage): string =>
  message.kind === 'vote'
    ? message.blockHash === null
      ? 'nil'
      : toHex(message.blockHash)
    : `${toHex(proposalBlockHash(message))}/${message.validRound}`;

const guiltyOf = ({ nodes }: World): number | undefined => nodes.find(({ honest }) => !honest)?.validator;

/** Remembers who contradicted himself towards whom, and compares it with the evidence on the nodes' disks. */
function createEquivocations(world: () => World): Equivocations {
  /** By life and slot: the content accepted first. */
  const first = new Map<unknown, Map<string, string>>();
  const expected = new Set<string>();
  return {
    accepted(to, message) {
      const guilty = guiltyOf(world());
      if (guilty === undefined || (message.kind === 'vote' && message.validator !== guilty)) return;
      const status = to.consensus?.status();
      const isCounted =
        status?.height === message.height &&
        status.step !== 'decided' &&
        to.ledger.head.height + 1 === message.height &&
        message.round <= status.round + ROUNDS_AHEAD;
      const author = message.kind === 'vote' ? message.validator : null;
      if (!isCounted) return;
      const slots = first.get(to.life) ?? new Map<string, string>();
      first.set(to.life, slots);
      const slot = `${stepOf(message)}/${message.round}/${author}`;
      const before = slots.get(slot);
      if (before === undefined) slots.set(slot, contentOf(message));
      else if (before !== contentOf(message)) expected.add(`${stepOf(message)}`);
    },
    weigh(fail) {
      const { nodes, scheme, set } = world();
      const guilty = guiltyOf(world());
      const found = new Set<string>();
      let count = 0;
      for (const node of nodes.filter(({ honest }) => honest)) {
        for (const evidence of node.disk.evidence().map(decodeEvidence)) {
          count++;
          const reason = evidenceFault(evidence, set, scheme, guilty);
          if (reason !== undefined) fail('FALSE_EVIDENCE', reason, { node: node.name });
          found.add(stepOf(evidence.first));
        }
      }
      for (const step of expected)
        if (!found.has(step)) fail('NO_EVIDENCE', 'a contradiction left no proof', { step });
      return count;
    },
  };
}

function evidenceFault(
  { validator, first, second }: Evidence,
  set: World['set'],
  scheme: World['scheme'],
  guilty: number | undefined,
): string | undefined {
  if (validator !== guilty) return `validator ${validator} is honest`;
  if (stepOf(first) !== stepOf(second) || first.round !== second.round) return 'of two steps';
  if (contentOf(first) === contentOf(second)) return 'no contradiction';
  for (const one of [first, second]) {
    const message =
      one.kind === 'vote'
        ? voteSignBytes({ chainId: CHAIN_ID, ...one })
        : proposalSignBytes(CHAIN_ID, one, proposalBlockHash(one));
    const publicKey = set[validator]!.blsPublicKey;
    if (!scheme.verify({ message, publicKey, signature: one.signature })) return 'a signature is wrong';
  }
  return undefined;
}
