/** Everything that reads strangers' bytes answers with a value, a verdict or a coded error, whatever it is fed. */
import { afterAll, describe, test } from 'vitest';
import { chain } from './samples/chain.ts';
import { core } from './samples/core.ts';
import { jobs } from './samples/jobs.ts';
import { market } from './samples/market.ts';
import { net } from './samples/net.ts';
import { storage } from './samples/storage.ts';
import { light } from './samples/light.ts';
import { checkSamples, fuzz, type Table, SEED } from './subject.ts';

const ROOMS: Readonly<Record<string, Table>> = { core, light, chain, jobs, market, net, storage };

let inputs = 0;
let refused = 0;
const codes = new Set<string>();
afterAll(() => {
  process.stdout.write(
    `fuzz: FUZZ_SEED=${SEED}: ${inputs} inputs, ${refused} refused with ${codes.size} codes, the rest taken\n`,
  );
});

describe.each(Object.entries(ROOMS))('%s', (_room, table) => {
  test.each(Object.entries(table))('%s', async (name, subject) => {
    await checkSamples(name, subject);
    const outcome = await fuzz(name, subject);
    inputs += outcome.inputs;
    refused += outcome.refused;
    for (const code of outcome.codes.keys()) codes.add(code);
    if (process.env.FUZZ_VERBOSE) console.log(name, outcome);
  });
});
