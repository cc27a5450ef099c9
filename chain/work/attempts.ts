/**
 * Bundles that are being fetched and replayed: a bounded number at a time, so that what strangers announce takes bounded
 * memory, and shared out so that they cannot crowd out whoever has the right one.
 */

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
  /** A proposal waits for it: never given up for another. */
  readonly isWanted: boolean;
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

/** Bundles of 32 MiB at most: half a GiB. */
const MAX_UNDERWAY = 16;

interface Running<Result> {
  readonly key: string;
  readonly bundle: string;
  isWanted: boolean;
  stage: 'fetching' | 'replaying' | 'judging';
  readonly abort: AbortController;
  readonly result: Promise<Result | undefined>;
}

export function createAttempts<Result>(): Attempts<Result> {
  const running = new Set<Running<Result>>();
  return {
    join({ key, bundle, isWanted }, start) {
      const known = [...running].find((one) => one.key === key && one.bundle === bundle);
      if (known !== undefined) {
        known.isWanted ||= isWanted;
        return known.result;
      }
      if (!isWanted && !makeRoom(running, key)) return Promise.resolve(undefined);
      const abort = new AbortController();
      const { promise: result, resolve, reject } = Promise.withResolvers<Result | undefined>();
      const one: Running<Result> = { key, bundle, isWanted, stage: 'fetching', abort, result };
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

/** False: this target has as much as the others, or what it needs is found already but for the reference's word. */
function makeRoom<Result>(running: ReadonlySet<Running<Result>>, key: string): boolean {
  const all = [...running];
  if (all.some((one) => one.key === key && one.stage === 'judging')) return false;
  const light = all.filter((one) => one.stage !== 'judging' && !one.isWanted && !one.abort.signal.aborted);
  if (light.length < MAX_UNDERWAY) return true;
  const byKey = Map.groupBy(light, (one) => one.key);
  const own = byKey.get(key) ?? [];
  const crowd = [...byKey.values()].reduce((most, one) => (one.length > most.length ? one : most), own);
  const fetching = crowd.filter(({ stage }) => stage === 'fetching');
  if (crowd.length < 2 || fetching.length === 0) return false;
  // By chance: who announces fast pushes out as many of his own.
  fetching[Math.floor(Math.random() * fetching.length)]!.abort.abort();
  return true;
}
