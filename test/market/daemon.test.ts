import { expect, test } from 'vitest';
import { type Hex, silentLog, utf8 } from '../../core/index.ts';
import { createMarketDaemon, type Job, type Market } from '../../market/index.ts';
import { until } from '../storage/until.ts';

const account: Hex = '0x1111111111111111111111111111111111111111';

interface World {
  file: Uint8Array | undefined;
  settled: Set<bigint>;
  unfinished: Set<bigint>;
  /** Ids as handed over, by the height at which they were. */
  seen: Map<number, bigint[]>;
}

/** A daemon over a chain of three jobs that lives in these variables. */
function daemonOf(world: World) {
  let height = 0;
  const market = {
    account,
    height: async () => ++height,
    jobCount: async () => 3n,
    job: async (id: bigint) =>
      ({ id, state: world.settled.has(id) ? 'Completed' : 'Training', deadline: 0 }) as Job,
    events: async () => [],
    stakeOf: async () => 0n,
    nodeOf: async () => ({ roles: 0 }),
    register: async () => {},
    withdrawable: async () => 0n,
  };
  return createMarketDaemon({
    log: silentLog,
    pollMs: 1,
    cursor: {
      read: async () => world.file,
      async write(bytes) {
        world.file = bytes;
      },
    },
    open: async () => ({
      market: market as unknown as Market,
      wish: async () => ({
        roles: 1,
        bands: 0,
        readerKey: new Uint8Array(32),
        peerId: new Uint8Array(1),
        stake: 0n,
      }),
      onJobs: async (jobs, at) =>
        void world.seen.set(
          at,
          jobs.map(({ id }) => id),
        ),
      unfinished: () => world.unfinished,
      close: async () => {},
    }),
  });
}

async function firstJobs(world: World): Promise<bigint[]> {
  const daemon = daemonOf(world);
  await daemon.start();
  await until(() => world.seen.size > 2, 1);
  await daemon.stop();
  return world.seen.values().next().value!;
}

const world = (change: Partial<World>): World => ({
  file: undefined,
  settled: new Set(),
  unfinished: new Set(),
  seen: new Map(),
  ...change,
});
const cursor = (id: number): Uint8Array => utf8(`{"firstUnsettled":"${id}"}`);

test('a job that is settled is left behind only when nothing is left to do for it', async () => {
  const waiting = world({ settled: new Set([1n, 2n]), unfinished: new Set([2n]) });
  expect(await firstJobs(waiting)).toEqual([1n, 2n, 3n]);
  expect(waiting.file).toEqual(cursor(2));
  const done = world({ settled: new Set([1n, 2n]), file: cursor(2) });
  expect(await firstJobs(done)).toEqual([2n, 3n]);
  expect(done.file).toEqual(cursor(3));
});

test('a damaged file of settled jobs costs a second look, nothing else', async () => {
  for (const damage of [
    '',
    '{',
    'null',
    '{"firstUnsettled":"-1"}',
    `{"firstUnsettled":"${'9'.repeat(2_000)}"}`,
  ]) {
    const damaged = world({ settled: new Set([1n]), file: utf8(damage) });
    expect(await firstJobs(damaged)).toEqual([1n, 2n, 3n]);
    expect(damaged.file).toEqual(cursor(2));
  }
});
