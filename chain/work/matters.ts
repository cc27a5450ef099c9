/** What the next block may open and judge, read from the contracts once a block. */
import type { Log } from '../../core/index.ts';
import type { ChainApplication } from '../application.ts';
import { type CaseFile, readCases } from './cases.ts';
import { askCourt } from './contracts.ts';
import { type Opening, readOpenings } from './openings.ts';

export interface Matters {
  /** Best rank first. */
  readonly openings: readonly Opening[];
  /** Most urgent first. */
  readonly cases: readonly CaseFile[];
  /** Cases ever opened: ids count from 1. */
  readonly caseCount: number;
}

export interface MattersReader {
  /** On the present head. */
  present(): Promise<Matters>;
}

const NONE: Matters = { openings: [], cases: [], caseCount: 0 };

export function createMattersReader(application: ChainApplication, log: Log): MattersReader {
  let latest: { head: number; reading: Promise<Matters> } | undefined;
  return {
    present() {
      const head = application.head.height;
      if (latest?.head === head) return latest.reading;
      const reading = read(application).catch((error: unknown) => {
        log.error('what may be opened or judged could not be read', { head, error });
        return NONE;
      });
      latest = { head, reading };
      return reading;
    },
  };
}

async function read(application: ChainApplication): Promise<Matters> {
  const openings = await readOpenings(application);
  const cases = await readCases(application);
  return { openings, cases, caseCount: Number((await askCourt(application, 'caseCount')) ?? 0n) };
}
