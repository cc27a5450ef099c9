/**
 * Bundles that are being fetched and replayed: a bounded number at a time, so that what strangers announce takes bounded
 * memory, and shared out so that they cannot crowd out whoever has the right one.
 */

import type { Standing } from './target.ts';

export interface Attempt {
  /** Given up for another, or its target is closed. */
  readonly signal: AbortSignal;
  /** The bundle is here: it is replayed, whatever comes after it. */
  fetched(): void;
  /** The reference kernel decides, which may take long: it makes room for others. */
  doubted(): void;
}

export interface AttemptName {
  readonly key: string;
  readonly bundle: string;
  /** Who announced it; absent when a proposal waits for it, which is never given up for another. */
  readonly from?: string | undefined;
  /** Makes room only for its like or more. */
  readonly standing?: Standing;
}

export interface Attempts<Result> {
  /** Joins the attempt under way or starts one; undefined where there is no room for it now. */
  join(
    name: AttemptName,
    start: (attempt: Attempt) => Promise<Result | undefined>,
  ): Promise<Result | undefined>;
  /** Gives up the attempts of other keys. */
  keepOnly(keys: ReadonlySet<string>): void;
}

/** Bundles of 32 MiB at most: half a GiB, and as much again while others are given up. */
const MAX_UNDERWAY = 16;

interface Running<Result> {
  readonly key: string;
  readonly bundle: string;
  from: string | undefined;
  standing: Standing;
  stage: 'fetching' | 'replaying' | 'judging';
  readonly abort: AbortController;
  readonly result: Promise<Result | undefined>;
}

export function createAttempts<Result>(): Attempts<Result> {
  const running = new Set<Running<Result>>();
  return {
    join({ key, bundle, from, standing = 0 }, start) {
      const known = [...running].find((one) => one.key === key && one.bundle === bundle);
      if (known !== undefined) {
        if (from === undefined) known.from = undefined;
        if (standing > known.standing) known.standing = standing;
        return known.result;
      }
      if (from !== undefined && !makeRoom(running, key, from, standing)) return Promise.resolve(undefined);
      const abort = new AbortController();
      const { promise: result, resolve, reject } = Promise.withResolvers<Result | undefined>();
      const one: Running<Result> = { key, bundle, from, standing, stage: 'fetching', abort, result };
      running.add(one);
      const enter = (stage: 'replaying' | 'judging') => () => {
        one.stage = stage;
      };
      start({ signal: abort.signal, fetched: enter('replaying'), doubted: enter('judging') })
        .finally(() => running.delete(one))
        .then(resolve, reject);
      return result;
    },
    keepOnly(keys) {
      for (const one of running) if (!keys.has(one.key)) one.abort.abort();
    },
  };
}

/**
 * False: what this target needs is found already but for the reference's word, or no other attempt can be given up. One of
 * the least standing, and among these of who has the most, makes room, by chance: who announces fast pushes out his own, and
 * holds no place for long.
 */
function makeRoom<Result>(
  running: ReadonlySet<Running<Result>>,
  key: string,
  from: string,
  standing: Standing,
): boolean {
  const all = [...running];
  if (all.some((one) => one.key === key && one.stage === 'judging')) return false;
  const announced = all.filter(({ from: by, stage }) => by !== undefined && stage !== 'judging');
  const light = announced.filter(({ abort }) => !abort.signal.aborted);
  if (light.length < MAX_UNDERWAY) return true;
  // What was given up holds its memory until it has ended.
  if (announced.length - light.length >= MAX_UNDERWAY) return false;
  const fetching = light.filter(({ stage }) => stage === 'fetching');
  const least = Math.min(...fetching.map((one) => one.standing));
  if (least > standing) return false;
  const victim = crowd(
    fetching.filter((one) => one.standing === least),
    from,
  );
  victim?.abort.abort();
  return victim !== undefined;
}

/** One of those who have the most under way, the newcomer himself when he is among them. */
function crowd<Result>(given: readonly Running<Result>[], from: string): Running<Result> | undefined {
  const bySource = Map.groupBy(given, (one) => one.from!);
  const most = Math.max(0, ...[...bySource.values()].map(({ length }) => length));
  const isCrowding = (bySource.get(from)?.length ?? 0) === most;
  const crowding = given.filter((one) =>
    isCrowding && most > 1 ? one.from === from : bySource.get(one.from!)!.length === most,
  );
  return crowding[Math.floor(Math.random() * crowding.length)];
}
