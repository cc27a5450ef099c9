/** The form of a new job: what was typed, what it means, and what is wrong with it. Pure. */
import { type Choices, draftOf, type Template, templateOf } from './templates.ts';

export interface Form {
  readonly template: Template['id'];
  readonly name: string;
  readonly workers: string;
  readonly evaluators: string;
  readonly rounds: string;
  readonly stepsPerRound: string;
  readonly batchSize: string;
  readonly reward: string;
  readonly target: string;
  readonly licence: string;
  readonly side: string;
  readonly encryptTrain: boolean;
  readonly mayOpen: boolean;
  readonly fullAudit: boolean;
  /** JSON of the document where it is the user's own. */
  readonly own: string;
}

export const NEW_FORM: Form = {
  template: 'cnn',
  name: 'my digits',
  workers: '3',
  evaluators: '3',
  rounds: '6',
  stepsPerRound: '168',
  batchSize: '16',
  reward: '100',
  target: '0',
  licence: 'unknown',
  side: '28',
  encryptTrain: false,
  mayOpen: false,
  fullAudit: false,
  own: '',
};

const WEI_DECIMALS = 18;
const AMOUNT = new RegExp(`^(\\d{1,30})(?:[.,](\\d{1,${WEI_DECIMALS}}))?$`);

/** TRAIN as typed, in wei; undefined when it is no amount. */
export function parseTrain(text: string): bigint | undefined {
  const [, whole, fraction = ''] = AMOUNT.exec(text.trim()) ?? [];
  return whole === undefined ? undefined : BigInt(whole + fraction.padEnd(WEI_DECIMALS, '0'));
}

const whole = (text: string): number => (/^\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN);

export type Problems = Partial<Record<keyof Form, string>>;

const BOUNDS = {
  workers: [1, 64],
  rounds: [1, 10_000],
  stepsPerRound: [1, 100_000],
} as const;

/** What can be seen without asking anybody; empty when all is well. */
export function problemsOf(form: Form): Problems {
  const problems: Problems = {};
  if (form.template === 'own') {
    try {
      JSON.parse(form.own);
    } catch (error) {
      problems.own = `not JSON: ${(error as Error).message}`;
    }
    return problems;
  }
  for (const [name, [least, most]] of Object.entries(BOUNDS)) {
    const value = whole(form[name as keyof typeof BOUNDS]);
    if (!(value >= least && value <= most))
      problems[name as keyof Form] = `a whole number from ${least} to ${most}`;
  }
  const evaluators = whole(form.evaluators);
  if (!(evaluators >= 3 && evaluators <= 15 && evaluators % 2 === 1))
    problems.evaluators = 'an odd number from 3 to 15';
  const batch = whole(form.batchSize);
  if (!(batch >= 1 && batch <= 1_024 && (batch & (batch - 1)) === 0))
    problems.batchSize = 'a power of two up to 1024';
  if (form.name.trim() === '') problems.name = 'give it a name';
  if ((parseTrain(form.reward) ?? 0n) <= 0n) problems.reward = 'an amount above 0, such as 12.5';
  const target = Number(form.target);
  if (form.target.trim() === '' || !(target >= 0 && target <= 100)) problems.target = 'from 0 to 100';
  return problems;
}

export interface DataShape {
  readonly shape: readonly number[];
  readonly classes: number;
}

/** What the model takes: of the data once it is there, of the template and the chosen size before. */
export function inputOf(form: Form, data: DataShape | undefined): readonly number[] {
  if (form.template === 'own') return ownInput(form.own);
  if (data !== undefined) return data.shape;
  const { input } = templateOf(form.template);
  const side = whole(form.side);
  return input.length === 1 || Number.isNaN(side) ? input : [side, side, 1];
}

function ownInput(text: string): readonly number[] {
  try {
    const { model } = JSON.parse(text) as { model?: { input?: unknown } };
    if (Array.isArray(model?.input) && model.input.every((side) => Number.isInteger(side)))
      return model.input;
  } catch {
    // The form says so.
  }
  return templateOf('own').input;
}

/** A document without its data. Call it only without problems. */
export function draftFrom(form: Form, data: DataShape | undefined, leastStake: bigint): unknown {
  if (form.template === 'own') return withoutData(JSON.parse(form.own));
  const template = templateOf(form.template);
  const choices: Choices = {
    name: form.name.trim(),
    input: inputOf(form, data),
    classes: data?.classes ?? template.classes,
    workers: whole(form.workers),
    evaluators: whole(form.evaluators),
    rounds: whole(form.rounds),
    stepsPerRound: whole(form.stepsPerRound),
    batchSize: whole(form.batchSize),
    reward: parseTrain(form.reward)!,
    workerStake: leastStake,
    targetPercent: Number(form.target),
  };
  return draftOf(template, choices);
}

/** Which data is meant is said by what is dropped, not by the document. */
function withoutData(document: unknown): unknown {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return document;
  const { data: _, format: __, ...rest } = document as Record<string, unknown>;
  return rest;
}
