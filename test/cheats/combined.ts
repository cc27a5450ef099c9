/** Cheats that combine what a party of workers, evaluators, validators and a client can do, each against a rule of its own. */
import { auditorsPart } from '../../market/index.ts';
import { fullCourt } from './cheats.ts';
import { accountOf, auditSeed, drawByStake } from './stakeDraw.ts';
import type { Party, Strategy } from './strategy.ts';
import { TRAIN } from './terms.ts';
import type { World } from './world.ts';

const third: Party = { workers: 3, evaluators: 2, validators: 3 };
const all = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Whether every auditor of the trace is the party's: then they may say what they like. */
const areOwn = (world: World, traceId: number): boolean =>
  world.court.audits[traceId]!.auditors.every(({ account }) => world.isOwn(account));

/**
 * Skips all; withholds reveals so that fewer of its traces are audited by others; its auditors stamp where both are its own and
 * are silent else.
 */
export function cartel(): Strategy {
  let seen: World;
  return {
    ...{ name: 'cartel of workers, auditors and proposers', party: third },
    skips: ({ job }) => all(job.segments),
    wish: (world) => {
      seen = world;
      return (height) => {
        const due = world.court.audits.filter(
          ({ drawFrom, trace }) => drawFrom === height && world.isOwn(trace.worker),
        );
        if (due.length === 0) return null;
        return (beacon) => -due.filter((audit) => world.court.isSelected(audit, beacon)).length;
      };
    },
    audits: ({ trace, own }, segments) => {
      if (!own) return 'replay';
      return areOwn(seen, trace.id) ? segments.map((segment) => `stamp ${trace.id} ${segment}`) : 'silent';
    },
  };
}

/** Skips, and fills the court before others come: with accusations of itself, and with those of its own drawn auditors, which wait. */
export function barrister(): Strategy {
  const flood = fullCourt();
  return {
    ...flood,
    ...{ name: 'lazy, with auditors of its own before a busy court', party: { ...third, validators: 0 } },
    onAudit(audit, truth, world) {
      flood.onAudit?.(audit, truth, world);
      if (!truth.own) return;
      for (const { account } of audit.auditors) {
        for (const segment of audit.segments) {
          if (world.isOwn(account) && truth.valid[segment]!) world.challenge(audit, segment, account);
        }
      }
    },
    audits: ({ trace, own, valid }, segments) =>
      own && segments.some((segment) => !valid[segment]!) ? [`stamp ${trace.id}`] : 'replay',
  };
}

/** Honest work, shown only when a proposer of its own can take it, or when the window is about to close. */
export function hoarder(): Strategy {
  let seen: World;
  return {
    ...{ name: 'hoarder of bundles for its own proposers', party: { ...third, evaluators: 0 } },
    onBlock(world) {
      seen = world;
    },
    opens(_truth, _segment, proposer) {
      const { interval } = seen.setting.terms.work;
      return seen.ownValidator(proposer) || seen.height % interval >= interval / 2;
    },
  };
}

/**
 * Its own client, worker and auditor: posts jobs whose audits it can draw itself, timed to blocks that choose among many beacons,
 * so that its own auditors are paid what the traces of all have brought. Executing again costs them nothing.
 */
export function auditFarmer(segments = 1, tail = 3): Strategy {
  const client = accountOf('party', 0);
  return {
    ...{ name: `farmer of audits, ${segments} segments a round`, party: third },
    wish: (world) => {
      const { terms, evaluators } = world.setting;
      const candidates = all(evaluators).map((i) => ({ account: accountOf('evaluator', i), stake: 1n }));
      return (height) => {
        const due = world.court.audits.filter(
          ({ drawFrom, trace }) => drawFrom === height && world.isOwn(trace.worker),
        );
        if (due.length === 0) return null;
        return (beacon) =>
          due
            .filter((audit) => world.court.isSelected(audit, beacon))
            .map(({ trace }) => auditSeed(terms.chainId, trace.id, beacon))
            .flatMap((seed) => drawByStake(seed, candidates, terms.court.auditors))
            .filter(world.isOwn).length;
      };
    },
    onBlock(world) {
      const { height, court, setting } = world;
      const drawFrom = height + setting.terms.work.drawDelay;
      if (court.pool < TRAIN || world.ledger.traces.length > 2 * setting.rounds * setting.slots) return;
      if (world.chain.tailOf(drawFrom, world.ownValidator) < tail) return;
      const own = world.workers.filter(world.isOwn).slice(0, 1);
      // Its trace is due all that the pool of audits holds.
      const part = auditorsPart(setting.terms.jobs, { provable: true, fullAudit: false, segments });
      const reward = (court.pool * BigInt(setting.terms.court.rateBps)) / BigInt(part);
      const job = world.post(client, own, 1, reward, segments);
      for (const slot of own.keys()) world.commit(job, 0, slot, { free: true });
    },
    audits: ({ trace, own }, segments_) =>
      own ? segments_.map((segment) => `true ${trace.id} ${segment}`) : 'replay',
  };
}

export const COMBINED: readonly (() => Strategy)[] = [
  ...[cartel, barrister, hoarder],
  ...[() => auditFarmer(), () => auditFarmer(20), () => auditFarmer(60), () => auditFarmer(60, 4)],
];
