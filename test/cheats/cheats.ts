/** The thirteen cheats as strategies, each as strong as the rules leave it. What each hopes for stands beside it. */
import type { AuditEntry } from './court.ts';
import { accountOf } from './stakeDraw.ts';
import type { Party, Strategy } from './strategy.ts';
import type { Truth, World } from './world.ts';

const worker: Party = { workers: 1, evaluators: 0, validators: 0 };
const third: Party = { workers: 3, evaluators: 2, validators: 3 };

const all = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Skips `percent` of its segments. */
export const lazy = (percent = 30, party = worker): Strategy => ({
  ...{ name: 'lazy', party },
  skips: ({ job }, { random }) => all(job.segments).filter(() => random.chance(percent, 100)),
});

/** Computes nothing: the states are random. */
export const inventor: Strategy = { name: 'inventor', party: worker, skips: ({ job }) => all(job.segments) };

/** Claims another last state than the one it computed, for one segment's work. */
export const wrongEnd: Strategy = {
  ...{ name: 'wrong end', party: worker },
  skips: ({ job }) => [job.segments - 1],
};

/** Skips, and shows nothing of what it skipped to anybody. */
export const silent: Strategy = {
  ...lazy(),
  ...{ name: 'silent when drawn badly' },
  servesAuditors: ({ valid }, segment) => valid[segment]!,
  servesCourt: ({ valid }, segment) => valid[segment]!,
};

/** Commits another slot's states as its own: of other batches, so that every segment is wrong for its slot. */
export const copier: Strategy = { ...inventor, name: 'copier' };

/** Three identities, one computation: whoever comes second in a job's round copies the first. */
export const sybil: Strategy = {
  ...{ name: 'sybil', party: { workers: 3, evaluators: 0, validators: 0 } },
  skips: ({ job, slot, worker: account }, { isOwn }) =>
    job.workers.findIndex(isOwn) === slot && isOwn(account) ? [] : all(job.segments),
};

/** Worth of a beacon before a work height: what it makes the party's of the pool. */
export const drawWish =
  (world: World) =>
  (height: number): ((beacon: Uint8Array) => number) | null => {
    const { terms } = world.setting;
    if ((height + 1) % terms.work.interval !== 0) return null;
    return (beacon) => {
      const { drawn, from } = world.ledger.foresee(height + 1, beacon);
      const best = drawn[0];
      return best !== undefined && world.truths[from + best.index]!.own ? 1 : 0;
    };
  };

/** An honest worker with validators that withholds reveals to have its own traces drawn. */
export const biaser: Strategy = {
  ...{ name: 'beacon-biasing proposer', party: { workers: 3, evaluators: 0, validators: 3 } },
  wish: drawWish,
};

interface SelfDealing {
  /** Blocks in a row before a draw that must be its own for it to post; zero: it posts always. */
  readonly tail?: number;
  readonly rewardOf?: (world: World) => bigint;
  readonly unprovable?: boolean;
  readonly bias?: boolean;
}

/** Client, worker, evaluator and proposer in one: posts jobs that cost nothing to compute and hopes for the pools of others. */
export function selfDealer({
  tail = 0,
  rewardOf,
  unprovable = false,
  bias = true,
}: SelfDealing = {}): Strategy {
  const client = accountOf('party', 0);
  return {
    ...{ name: unprovable ? 'slow-document poster' : 'self-dealer', party: third },
    ...(bias && { wish: drawWish }),
    onBlock(world) {
      const { interval, drawDelay } = world.setting.terms.work;
      const draw = world.height + drawDelay + 1;
      // The last block whose commitments the draw covers.
      if (draw % interval !== 0 || world.ledger.traces.length > world.setting.rounds * world.setting.slots)
        return;
      if (tail > 0 && world.chain.tailOf(draw - 1, world.ownValidator) < tail) return;
      const own = world.workers.filter(world.isOwn);
      const job = world.post(client, own, 1, rewardOf?.(world) ?? world.setting.reward / 10n);
      for (const slot of own.keys()) world.commit(job, 0, slot, { free: true, unprovable });
    },
  };
}

/** Leaves out what others have opened, so that a rank of its own is the best. */
export const censor: Strategy = { name: 'censor', party: third, censors: ({ own }) => !own };

/** Has computed everything and shows nothing. */
export const withholder: Strategy = {
  ...{ name: 'bundle withholder', party: worker },
  opens: () => false,
  servesAuditors: () => false,
  servesCourt: () => false,
};

/** Brings others to court for nothing and keeps their answers out of its blocks, for a reporter's share of their locks. */
export const falseAccuser: Strategy = {
  ...{ name: 'false accuser', party: third },
  censors: ({ own }) => !own,
  onBlock(world) {
    const trace = world.ledger.traces.at(-1);
    if (trace === undefined || trace.height !== world.height || world.isOwn(trace.worker)) return;
    world.challenge(world.court.audits[trace.id]!, 0, accountOf('party', 0));
  },
};

/** Auditors that replay nothing and agree on an answer that all of them know. */
export const rubberStamper: Strategy = {
  ...{ name: 'rubber-stamping auditor', party: { workers: 0, evaluators: 2, validators: 0 } },
  audits: ({ trace }, segments) => segments.map((segment) => `stamp ${trace.id} ${segment}`),
};

export const slowPoster: Strategy = selfDealer({ unprovable: true });

export const CHEATS: readonly (() => Strategy)[] = [
  ...[() => lazy(), () => inventor, () => wrongEnd, () => silent, () => copier, () => sybil],
  ...[
    () => selfDealer(),
    () => biaser,
    () => censor,
    () => withholder,
    () => falseAccuser,
    () => rubberStamper,
  ],
  () => selfDealer({ unprovable: true }),
];

/** Skips everything in jobs of one round, and withholds reveals that would have it audited. */
export const biasedLazy: Strategy = {
  ...inventor,
  ...{ name: 'lazy, biasing the draw of audits', party: { workers: 1, evaluators: 0, validators: 3 } },
  wish: (world) => (height) => {
    const { drawDelay } = world.setting.terms.work;
    const audits = world.court.audits.filter(
      ({ drawFrom, trace }) => drawFrom === height && world.isOwn(trace.worker),
    );
    if (audits.length === 0 || drawDelay === 0) return null;
    return (beacon) => -audits.filter((audit) => world.court.isSelected(audit, beacon)).length;
  },
};

/** Skips everything; where it is audited it accuses itself first, and so gets the reporter's share of its own lock. */
export const selfReporter: Strategy = {
  ...inventor,
  name: 'lazy, reporting itself',
  onAudit(audit, { own }, world) {
    if (own) world.challenge(audit, 0, accountOf('party', 0));
  },
};

/** Skips one segment; where that is audited it accuses itself of another, right one, so that nobody else can accuse it in time. */
export const shielder: Strategy = {
  ...{ name: 'lazy, shielded by its own accusation', party: worker },
  skips: ({ job }) => all(job.segments).slice(1),
  onAudit(audit, { own }, world) {
    if (own) world.challenge(audit, 0, accountOf('party', 0));
  },
  servesCourt: ({ valid }, segment, left) => valid[segment]! && left <= 0,
};

/** Skips three segments of ten; where one of those is audited it keeps the court full of accusations of itself that it can answer. */
export function fullCourt(): Strategy {
  const shielded: AuditEntry[] = [];
  return {
    ...{ name: 'lazy, behind a busy court', party: worker },
    skips: ({ job }) => all(job.segments).slice(Math.floor(job.segments * 0.7)),
    onAudit(audit, { own, valid }) {
      if (own && audit.segments.some((segment) => !valid[segment]!)) shielded.push(audit);
    },
    onBlock(world) {
      const { court, height } = world;
      for (const audit of shielded.filter(({ challengeUntil }) => height <= challengeUntil)) {
        for (const [segment, isRight] of world.truthOf(audit.trace).valid.entries()) {
          if (court.open.length >= world.setting.terms.court.maxOpen) return;
          if (isRight) world.challenge(audit, segment, accountOf('party', 0));
        }
      }
    },
    // Early enough for a verdict on each, one in two blocks.
    servesCourt: ({ valid }, segment, left) => valid[segment]! && left <= 60,
  };
}

export const isBad = ({ valid }: Truth): boolean => valid.includes(false);
