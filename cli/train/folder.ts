/**
 * The folder of a local training run: what it trains (`run.json`), its latest state (`state`) and its curve
 * (`curve.jsonl`). Each survives `kill -9`: whole files are replaced at once, and points of the curve beyond the state are cut.
 */
import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, equalBytes, FedaiError } from '../../core/index.ts';
import { readFileIfPresent, writeFileAtomic } from '../../storage/index.ts';

export interface CurvePoint {
  readonly step: number;
  readonly epoch: number;
  /** Mean loss of the steps since the point before, in nats. */
  readonly loss: number;
  /** Share of right answers on the test set; absent when it was not measured. */
  readonly accuracy?: number;
}

/** Everything that fixes a run; of the exact engine its bits. */
export interface RunIdentity {
  readonly format: 'fedai-run/1';
  /** Absent of the exact engine, whose runs were there first. */
  readonly engine?: 'tfjs';
  readonly model: unknown;
  readonly recipe: unknown;
  readonly seed: number;
  /** SHA-256 of the training set. */
  readonly data: string;
  readonly start: string | null;
}

/** How states of a run are files. */
export interface StateFile<State> {
  decode(bytes: Uint8Array): State;
  encode(state: State): Uint8Array;
}

/** Finished steps are part of every state. */
export interface Counted {
  readonly counter: number;
}

export interface RunFolder<State extends Counted> {
  /** The state to go on from; undefined at the beginning. */
  readonly state: State | undefined;
  readonly curve: readonly CurvePoint[];
  save(state: State, points: readonly CurvePoint[]): Promise<void>;
  /** Writes a result beside them and returns its path. */
  write(name: string, bytes: Uint8Array): Promise<string>;
}

/** Throws `EXISTS` when the folder holds a run and `resume` is false, `WRONG_RUN` when it holds another one. */
export async function openRunFolder<State extends Counted>(
  folder: string,
  identity: RunIdentity,
  resume: boolean,
  file: StateFile<State>,
): Promise<RunFolder<State>> {
  await mkdir(folder, { recursive: true });
  const path = (name: string): string => join(folder, name);
  const wanted = canonicalJson(identity);
  const found = await readFileIfPresent(path('run.json'));
  if (found === undefined) await writeFileAtomic(path('run.json'), wanted);
  else if (!resume) throw exists(folder);
  else if (!equalBytes(found, wanted)) throw wrongRun(folder);
  const bytes = await readFileIfPresent(path('state'));
  const state = bytes && file.decode(bytes);
  const curve = (await readCurve(path('curve.jsonl'))).filter(({ step }) => step <= (state?.counter ?? 0));
  await writeFileAtomic(path('curve.jsonl'), lines(curve));
  return {
    state,
    curve,
    async save(next, points) {
      // Points first: those beyond the state are dropped when the run is resumed.
      if (points.length > 0) await appendFile(path('curve.jsonl'), lines(points));
      await writeFileAtomic(path('state'), file.encode(next));
    },
    async write(name, result) {
      await writeFileAtomic(path(name), result);
      return path(name);
    },
  };
}

const lines = (points: readonly CurvePoint[]): Uint8Array =>
  new TextEncoder().encode(points.map((point) => `${JSON.stringify(point)}\n`).join(''));

/** A torn last line is left out. */
async function readCurve(path: string): Promise<CurvePoint[]> {
  const bytes = await readFileIfPresent(path);
  if (!bytes) return [];
  return new TextDecoder()
    .decode(bytes)
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as CurvePoint];
      } catch {
        return [];
      }
    });
}

const exists = (folder: string): FedaiError =>
  new FedaiError(
    'EXISTS',
    'the folder holds a training run already',
    { folder },
    {
      remedy: 'go on with --resume, or name another folder with --out',
    },
  );

const wrongRun = (folder: string): FedaiError =>
  new FedaiError(
    'WRONG_RUN',
    'the folder holds a run of another document, data set or seed',
    { folder },
    { remedy: 'resume with the document, data and --seed it was started with, or name another --out' },
  );
