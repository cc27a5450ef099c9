import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditsOf, checkPayments, earnings, expectedPayments, paidTraces } from '../../cli/devnet/payouts.ts';
import {
  type Check,
  checkJob,
  type EvidenceSource,
  rpcSource,
  type Trusted,
  trustedOf,
} from '../../cli/verify/index.ts';
import type { Hex } from '../../core/index.ts';
import { createEngine, type Engine } from '../../engine/index.ts';
import { type SettledJob, settleToyJob } from '../support/settledJob.ts';

let settled: SettledJob;
let source: EvidenceSource;
let trusted: Trusted;
let engine: Engine;
const { signal } = new AbortController();

beforeAll(async () => {
  settled = await settleToyJob();
  const { network } = settled;
  trusted = trustedOf(JSON.parse(JSON.stringify(network.chain.spec)));
  source = rpcSource(network.rpcUrl, network.contracts, signal);
  engine = await createEngine({ kernel: 'reference' });
}, 180_000);
afterAll(() => settled?.network.stop());

async function verify(change: Partial<EvidenceSource> = {}, trust: Trusted = trusted): Promise<Check[]> {
  const given = { source: { ...source, ...change }, trusted: trust, engine, jobId: settled.jobId };
  const checks: Check[] = [];
  for await (const check of checkJob(given, signal)) checks.push(check);
  return checks;
}

/** The check that fails, after those that hold. */
async function failsAt(change: Partial<EvidenceSource>, trust?: Trusted): Promise<string | undefined> {
  const checks = await verify(change, trust);
  return checks.find(({ ok }) => !ok)?.name;
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at % copy.length]! ^= 1;
  return copy;
}

function flipHex(text: Hex, at: number): Hex {
  const digit = text[at]!;
  return `${text.slice(0, at)}${digit === '0' ? '1' : '0'}${text.slice(at + 1)}` as Hex;
}

test('a settled job verifies from chain spec, RPC and id alone', async () => {
  const checks = await verify();
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(checks.map(({ name }) => name)).toEqual([
    'header',
    'proof',
    'receipt',
    'document',
    'model',
    'test set',
    'score',
    'signatures',
  ]);
});

test('all that its traces made due is on the accounts, to the wei, and nothing for those that were not opened', async () => {
  const { network, jobId } = settled;
  const market = network.marketOf();
  const receipt = await market.jobReceipt(jobId);
  const { parameters, post } = await market.job(jobId);
  const audits = auditsOf(market, parameters, post);
  expect(audits).toEqual({ paid: true, bps: expect.any(Number) });
  const traces = await paidTraces(market, receipt);
  expect(traces).toHaveLength(6);
  const { accrued } = await market.job(jobId);
  expect(accrued.lost).toBeGreaterThan(0);
  expect(traces.filter(({ lost }) => lost)).toHaveLength(accrued.lost);
  const validators = trusted.validators.map(({ address, power }) => ({ address, power: BigInt(power) }));
  const due = expectedPayments({ receipt, parameters, traces, audits, validators });
  const accounts = network.chain.accounts.map(({ address }) => address);
  // The chain has seen no other job.
  const payments = checkPayments(due, new Map(), await earnings(market, accounts), receipt.payouts);
  expect(payments).toEqual({ exact: true, faults: [] });
});

describe('one flipped byte fails', () => {
  test.each([40, 100, 300])('in the header, at byte %i', async (at) => {
    const evidence = await source.header();
    const header = async () => ({ ...evidence, headerRlp: flip(evidence.headerRlp, at) });
    expect(await failsAt({ header })).toBe('header');
  });

  test.each(['signature', 'bitmap', 'blockHash'] as const)('in the commit, in its %s', async (field) => {
    const evidence = await source.header();
    const commit = { ...evidence.commit, [field]: flip(evidence.commit[field], 7) };
    expect(await failsAt({ header: async () => ({ ...evidence, commit }) })).toBe('header');
  });

  test('in the round of the commit', async () => {
    const evidence = await source.header();
    const commit = { ...evidence.commit, round: evidence.commit.round + 1 };
    expect(await failsAt({ header: async () => ({ ...evidence, commit }) })).toBe('header');
  });

  test.each(['accountProof', 'storageProof'] as const)('in each node of the %s', async (part) => {
    const { height } = { height: (await source.header()).commit.height };
    const evidence = await source.proof(settled.jobId, height);
    for (let node = 0; node < evidence[part].length; node++) {
      const nodes = evidence[part].map((hex, i) => (i === node ? flipHex(hex, hex.length >> 1) : hex));
      const header = await source.header();
      const change = { header: async () => header, proof: async () => ({ ...evidence, [part]: nodes }) };
      expect(await failsAt(change)).toBe('proof');
    }
  });

  test('in the score of the receipt', async () => {
    const receipt = await source.receipt(settled.jobId);
    const agreed = { ...receipt.agreed, correct: receipt.agreed.correct ^ 1 };
    expect(await failsAt({ receipt: async () => ({ ...receipt, agreed }) })).toBe('receipt');
  });

  test('in the payouts of the receipt', async () => {
    const receipt = await source.receipt(settled.jobId);
    const payouts = { ...receipt.payouts, workers: receipt.payouts.workers + 1n };
    expect(await failsAt({ receipt: async () => ({ ...receipt, payouts }) })).toBe('receipt');
  });

  test('in the model, even from a content source that does not check', async () => {
    const { modelCid } = await source.receipt(settled.jobId);
    const content = {
      async getBytes(cid: string, options: { maxBytes: number }) {
        const bytes = await source.content.getBytes(cid, options);
        return cid === modelCid ? flip(bytes, bytes.length - 9) : bytes;
      },
    };
    expect(await failsAt({ content })).toBe('model');
  });

  test('in the job document and in the test set', async () => {
    const { documentCid } = await source.receipt(settled.jobId);
    const { manifest } = settled.document.data.test;
    const tampered = (target: string) => ({
      content: {
        async getBytes(cid: string, options: { maxBytes: number }) {
          const bytes = await source.content.getBytes(cid, options);
          return cid === target ? flip(bytes, 30) : bytes;
        },
      },
    });
    expect(await failsAt(tampered(documentCid))).toBe('document');
    expect(await failsAt(tampered(manifest))).toBe('test set');
  });

  test('in the test key', async () => {
    const key = await source.testKey(settled.jobId);
    expect(await failsAt({ testKey: async () => flipHex(key, 20) })).toBe('test set');
  });

  test('in one evaluator’s signature', async () => {
    const reveals = await source.reveals(settled.jobId);
    const changed = reveals.map((one, i) =>
      i === 1 ? { ...one, signature: flipHex(one.signature, 30) } : one,
    );
    expect(await failsAt({ reveals: async () => changed })).toBe('signatures');
  });
});

test('another chain, contract or validator set is not believed', async () => {
  expect(await failsAt({}, { ...trusted, chainId: trusted.chainId + 1n })).toBe('header');
  const [validator] = trusted.validators;
  const poorer = [{ ...validator!, power: validator!.power - 1n }];
  expect(await failsAt({}, { ...trusted, validators: poorer })).toBe('header');
  expect(await failsAt({}, { ...trusted, jobManager: flipHex(trusted.jobManager, 10) })).toBe('proof');
});
