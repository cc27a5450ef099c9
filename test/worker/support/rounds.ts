/**
 * Several workers' round machines over many rounds in virtual time, with a chain that fixes the first valid claim of each
 * round, and workers that are killed, paused or cut off. Arithmetic is replaced by names of its results.
 */
import { type Hex, type SeededRandom, sha256, toHex, utf8 } from '../../../core/index.ts';
import { newRound, stepRound } from '../../../worker/round.ts';
import { majorityOf } from '../../../worker/roundRules.ts';
import {
  type Claim,
  claimKey,
  type RoundEffect,
  type RoundEvent,
  type RoundState,
} from '../../../worker/roundTypes.ts';

export type FaultKind = 'kill' | 'revive' | 'pause' | 'resume' | 'cut' | 'mend';

export interface Fault {
  atMs: number;
  slot: number;
  kind: FaultKind;
}

export interface Scenario {
  workers: number;
  faults: readonly Fault[];
  untilMs: number;
  trainMs?: number;
  random?: SeededRandom;
}

/** A round as the chain fixed it. */
export interface Fixed {
  claim: Claim;
  atMs: number;
}

export const TIMEOUT_MS = 8_000;
const ATTEMPT_MS = 2_000;
const PATIENCE_MS = 1_000;
const TICK_MS = 200;
const REPEAT_MS = 1_000;
const BLOCK_MS = 500;
const FETCH_FAILS_MS = 3_000;

const hashOf = (text: string): Hex => toHex(sha256(utf8(text)));
const GENESIS = hashOf('initial state');
/** Training is deterministic: the end state follows from what it started from. */
const endOf = (agreed: Hex, slot: number): Hex => hashOf(`${agreed} trained by ${slot}`);

/** The one mean of these slots' end states. */
export function meanOf(agreed: Hex, round: number, contributors: readonly number[]): Claim {
  const ends = contributors.map((slot) => endOf(agreed, slot));
  const stateRoot = hashOf(`mean ${ends.join()}`);
  return { round, stateRoot, stateCid: `cid ${stateRoot}`, contributors: [...contributors], lossQ16: 7 };
}

/** Whether every fixed claim is the mean of what its contributors make of the one before it. */
export function isChain(fixed: readonly Fixed[]): boolean {
  let agreed = GENESIS;
  return fixed.every(({ claim }, round) => {
    const honest = meanOf(agreed, round, claim.contributors);
    agreed = claim.stateRoot;
    return claimKey(honest) === claimKey(claim);
  });
}

interface Node {
  slot: number;
  machine: RoundState | undefined;
  agreed: Hex;
  /** What other workers can fetch from it. */
  holds: Set<Hex>;
  outbox: Map<string, RoundEvent>;
  alive: boolean;
  cut: boolean;
  /** What happens to a paused process happens when it wakes. */
  asleep: (() => void)[] | undefined;
  /** Grows with each life and round: what an earlier one began has no effect any more. */
  epoch: number;
}

export function runRounds({ workers, faults, untilMs, trainMs = 600, random }: Scenario): Fixed[] {
  const queue: { atMs: number; order: number; run: () => void }[] = [];
  const fixed: Fixed[] = [];
  let nowMs = 0;
  let order = 0;
  const nodes = Array.from(
    { length: workers },
    (_, slot): Node => ({
      slot,
      machine: undefined,
      agreed: GENESIS,
      holds: new Set(),
      outbox: new Map(),
      alive: true,
      cut: false,
      asleep: undefined,
      epoch: 0,
    }),
  );
  const delay = () => 10 + (random?.below(150) ?? 0);
  const later = (ms: number, run: () => void) => void queue.push({ atMs: nowMs + ms, order: order++, run });
  /** Of a node: lost with its life, late while it is paused. */
  const within = (node: Node, ms: number, run: () => void): void => {
    const { epoch } = node;
    const due = () => {
      if (!node.alive || node.epoch !== epoch) return;
      if (node.asleep !== undefined) node.asleep.push(due);
      else run();
    };
    later(ms, due);
  };
  const linked = (a: Node, b: Node) => a.alive && b.alive && !a.cut && !b.cut;

  const feed = (node: Node, event: RoundEvent): void => {
    if (node.machine === undefined) return;
    const step = stepRound(node.machine, event);
    node.machine = step.state;
    for (const effect of step.effects) perform(node, effect);
  };
  const broadcast = (from: Node, round: number, event: RoundEvent): void => {
    for (const to of nodes) {
      if (to === from || !linked(from, to) || (random?.chance(5, 100) ?? false)) continue;
      within(to, delay(), () => to.machine?.parameters.round === round && feed(to, event));
    }
  };
  const fetchFrom = (node: Node, owner: Node, stateRoot: Hex): void => {
    const answers = linked(node, owner) && owner.asleep === undefined && owner.holds.has(stateRoot);
    within(node, answers ? delay() : FETCH_FAILS_MS, () => {
      if (answers) node.holds.add(stateRoot);
      feed(node, answers ? { type: 'held', stateRoot } : { type: 'fetchFailed', stateRoot });
    });
  };
  const perform = (node: Node, effect: RoundEffect): void => {
    const { slot, machine } = node;
    const { round } = machine!.parameters;
    switch (effect.type) {
      case 'train': {
        const contribution = { slot, stateRoot: endOf(node.agreed, slot), lossQ16: 7, peerId: `${slot}` };
        within(node, trainMs + (random?.below(trainMs) ?? 0), () => {
          node.holds.add(contribution.stateRoot);
          feed(node, { type: 'trained', contribution });
        });
        return;
      }
      case 'publishContribution':
        say(node, 'contribution', { type: 'contribution', contribution: effect.contribution });
        return;
      case 'fetch':
        fetchFrom(node, nodes[effect.contribution.slot]!, effect.contribution.stateRoot);
        return;
      case 'average': {
        const claim = meanOf(
          node.agreed,
          round,
          effect.contributors.map((entry) => entry.slot),
        );
        within(node, delay(), () => feed(node, { type: 'averaged', claim }));
        return;
      }
      case 'attest': {
        const signature = hashOf(`${slot} ${claimKey(effect.claim)}`);
        const event: RoundEvent = { type: 'claim', slot, claim: effect.claim, signature };
        feed(node, event);
        say(node, claimKey(effect.claim), event);
        return;
      }
      case 'submit':
        if (!node.cut) commit(node, effect.claim, effect.signatures.length);
    }
  };
  const say = (node: Node, key: string, event: RoundEvent): void => {
    node.outbox.set(key, event);
    broadcast(node, node.machine!.parameters.round, event);
  };
  /** In the next block, if the round is still open; the submitter may be dead by then. */
  const commit = (node: Node, claim: Claim, signatures: number): void =>
    later(BLOCK_MS - (nowMs % BLOCK_MS), () => {
      if (claim.round === fixed.length && signatures >= majorityOf(workers))
        fixed.push({ claim, atMs: nowMs });
      else within(node, delay(), () => feed(node, { type: 'submitFailed' }));
    });
  /** As a worker does at each height: whatever it made of a round itself, it goes on from what the chain fixed. */
  const look = (node: Node): void => {
    if (node.cut || (node.machine !== undefined && node.machine.parameters.round === fixed.length)) return;
    node.epoch++;
    node.agreed = fixed.at(-1)?.claim.stateRoot ?? GENESIS;
    node.outbox.clear();
    node.holds.clear();
    node.machine = newRound({
      round: fixed.length,
      slot: node.slot,
      workers,
      roundTimeoutMs: TIMEOUT_MS,
      attemptMs: ATTEMPT_MS,
      submitPatienceMs: PATIENCE_MS,
    });
    feed(node, { type: 'started', nowMs });
    every(node, TICK_MS, () => feed(node, { type: 'tick', nowMs }));
    every(node, REPEAT_MS, () => {
      for (const event of node.outbox.values()) broadcast(node, node.machine!.parameters.round, event);
    });
  };
  const every = (node: Node, ms: number, run: () => void): void =>
    within(node, ms, () => {
      run();
      every(node, ms, run);
    });
  const watch = (node: Node): void => {
    if (node.alive && node.asleep === undefined) look(node);
    later(BLOCK_MS / 2, () => watch(node));
  };
  const strike = ({ slot, kind }: Fault): void => {
    const node = nodes[slot]!;
    if (kind === 'kill') {
      Object.assign(node, { alive: false, machine: undefined, asleep: undefined, epoch: node.epoch + 1 });
      node.holds.clear();
      node.outbox.clear();
    } else if (kind === 'revive') node.alive = true;
    else if (kind === 'pause') node.asleep ??= [];
    else if (kind === 'resume') {
      const due = node.asleep ?? [];
      node.asleep = undefined;
      for (const run of due) run();
    } else node.cut = kind === 'cut';
  };
  for (const fault of faults) later(fault.atMs, () => strike(fault));
  nodes.forEach(watch);
  while (queue.length > 0) {
    queue.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    const next = queue.shift()!;
    if (next.atMs > untilMs) break;
    nowMs = next.atMs;
    next.run();
  }
  return fixed;
}
