/**
 * Kills a devnet's processes with SIGKILL while its job runs, revives them, and measures when each is of use again.
 * Victims, delays and order come from a seed; when they strike depends on the machine. Owns no process.
 */
import { type SeededRandom, seededRandom, sleep, utf8 } from '../../core/index.ts';
import type { Display } from './display.ts';
import type { Fleet } from './fleet.ts';
import type { Layout, Party } from './layout.ts';
import type { Network } from './network.ts';
import { createRecoveryWatch, type RecoveryWatch } from './recovery.ts';

export interface ChaosOptions {
  /** Of the processes of a role that are dead or coming back at any time, 0 to 1. */
  share: number;
  seed: number;
}

export interface Recovery {
  name: string;
  role: Party['role'];
  /** From the kill to the new process. */
  downSeconds: number;
  /** From the new process to its first vote in a block, trained share enrolment or return to its job; null if the job ended before. */
  recoverySeconds: number | null;
}

export interface Chaos {
  /** Revives who is dead and resolves with everything that was measured. */
  stop(): Promise<Recovery[]>;
}

export interface ChaosInput {
  layout: Layout;
  fleet: Fleet;
  network: Network;
  display: Display;
  options: ChaosOptions;
}

/** A power cut is rarely over at once, and a training round should be able to pass a dead worker by. */
const DOWN_MS = { least: 500, most: 5_000 };
/** A machine that came back stays up for a while. */
const UP_MS = { least: 1_000, most: 6_000 };
/** There is but one client, and whole phases wait for it. */
const CLIENT_UP_MS = { least: 10_000, most: 30_000 };
/** Who is not of use after this long is told as lost, and another may be killed. */
const PATIENCE_MS = 60_000;
const REVIVALS = 5;
const POLL_MS = 250;
const ROLES = ['validator', 'worker', 'evaluator', 'client'] as const;

/** How many of `count` processes may be down at once: the share, at least one; a third of the stake must never be. */
export function mostDown(role: Party['role'], count: number, share: number): number {
  if (share <= 0) return 0;
  const most = Math.max(1, Math.floor(share * count));
  return role === 'validator' ? Math.min(most, Math.floor((count - 1) / 3)) : most;
}

export function startChaos(input: ChaosInput): Chaos {
  const { layout, options } = input;
  const stopping = new AbortController();
  const watch = createRecoveryWatch(input);
  const recoveries: Recovery[] = [];
  const lanes = ROLES.flatMap((role) => {
    const parties = layout.parties.filter((party) => party.role === role);
    const busy = new Set<Party>();
    const count = mostDown(role, parties.length, options.share);
    return Array.from({ length: count }, (_, lane) =>
      runLane({
        ...input,
        parties,
        busy,
        watch,
        recoveries,
        random: seededRandom(utf8(`fedai-chaos/1 ${options.seed} ${role} ${lane}`)),
        signal: stopping.signal,
      }),
    );
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all(lanes);
      watch.close();
      return recoveries;
    },
  };
}

interface Lane extends ChaosInput {
  parties: readonly Party[];
  /** Down or recovering, in any lane of the role. */
  busy: Set<Party>;
  watch: RecoveryWatch;
  recoveries: Recovery[];
  random: SeededRandom;
  signal: AbortSignal;
}

const between = (random: SeededRandom, { least, most }: { least: number; most: number }): number =>
  least + random.below(most - least + 1);

async function runLane(lane: Lane): Promise<void> {
  const { parties, busy, random, signal } = lane;
  const pause = (milliseconds: number) => sleep(milliseconds, signal).catch(() => {});
  // With as many workers as slots, one that is dead when volunteers are counted would leave too few for the job.
  while (!signal.aborted && !hasStarted(lane.display)) await pause(POLL_MS);
  const up = parties[0]?.role === 'client' ? CLIENT_UP_MS : UP_MS;
  await pause(between(random, up));
  while (!signal.aborted) {
    const idle = parties.filter((party) => !busy.has(party));
    const victim = random.pick(idle.length > 0 ? idle : parties);
    const downMs = between(random, DOWN_MS);
    if (lane.fleet.running(victim.name)) {
      busy.add(victim);
      await killAndRevive(lane, victim, () => pause(downMs));
      busy.delete(victim);
    }
    await pause(between(random, up));
  }
}

const hasStarted = (display: Display): boolean =>
  ['Training', 'Evaluating'].includes(display.state().job?.state ?? '');

async function killAndRevive(lane: Lane, victim: Party, wait: () => Promise<void>): Promise<void> {
  const { fleet, display, recoveries, watch, signal } = lane;
  const { name, role } = victim;
  const tell = (action: string, fields: Record<string, unknown>, text: string) =>
    display.update({ type: 'chaos', event: { event: 'chaos', action, name, ...fields }, text });
  const killedAt = performance.now();
  await fleet.kill(name);
  tell('killed', {}, `killed ${name}`);
  await wait();
  const revivedAt = performance.now();
  const downSeconds = seconds(revivedAt - killedAt);
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const recovered = watch.recovered(victim, AbortSignal.any([signal, patience]));
  await revive(lane, name);
  tell('revived', { downSeconds }, `revived ${name}`);
  const recoverySeconds = (await recovered) ? seconds(performance.now() - revivedAt) : null;
  recoveries.push({ name, role, downSeconds, recoverySeconds });
  if (recoverySeconds !== null)
    tell('recovered', { recoverySeconds }, `${name} is of use again after ${recoverySeconds} s`);
  else if (patience.aborted) tell('lost', {}, `${name} is not of use after ${PATIENCE_MS / 1000} s`);
}

/** Resolves when it runs; tried again, since its port may be taken for a moment. */
async function revive({ fleet, display }: Lane, name: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await fleet.revive(name).first(name === 'client' ? 'posted' : 'ready');
      return;
    } catch (error) {
      if (tries === REVIVALS) throw error;
      display.update({ type: 'line', text: `${name} did not come back: ${String(error)}` });
    }
  }
}

const seconds = (milliseconds: number): number => Math.round(milliseconds / 10) / 100;

/** The part of the `done` event that tells of chaos. Medians and maxima over those that recovered. */
export function chaosSummary(recoveries: readonly Recovery[], { share, seed }: ChaosOptions) {
  const times = (role: Party['role']) => {
    const list = recoveries
      .filter((one) => one.role === role && one.recoverySeconds !== null)
      .map((one) => one.recoverySeconds!)
      .sort((a, b) => a - b);
    return { count: list.length, median: list[list.length >> 1] ?? null, most: list.at(-1) ?? null };
  };
  return {
    share,
    seed,
    kills: recoveries.length,
    recoverySeconds: {
      validators: times('validator'),
      workers: times('worker'),
      evaluators: times('evaluator'),
      clients: times('client'),
    },
  };
}

/** The same for people. */
export function chaosText({ kills, recoverySeconds }: ReturnType<typeof chaosSummary>): string {
  const lines = Object.entries(recoverySeconds)
    .filter(([, { count }]) => count > 0)
    .map(
      ([role, { count, median, most }]) =>
        `    ${role.padEnd(11)} ${count} recovered, in ${median} s (median), ${most} s at most`,
    );
  return [`  chaos      ${kills} processes killed and revived`, ...lines].join('\n');
}
