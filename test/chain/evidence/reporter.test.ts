import { Wallet } from 'ethers';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Evidence } from '../../../chain/consensus/index.ts';
import { proposalSignBytes } from '../../../chain/consensus/messages.ts';
import { createEvidenceReporter, type EvidenceReporter } from '../../../chain/evidence/index.ts';
import { reportCall } from '../../../chain/evidence/report.ts';
import { blsPublicKey, blsSign } from '../../../core/bls/index.ts';
import { fromHex, type Hex, keccak256, sha256, silentLog, toHex, utf8 } from '../../../core/index.ts';
import { voteSignBytes } from '../../../light/index.ts';
import { until } from '../../storage/until.ts';
import { type SoloChain, soloSecret, startSoloChain, testAccount } from '../../support/soloChain.ts';

let chain: SoloChain;
let reporter: EvidenceReporter;
let round = 0;
beforeAll(async () => {
  chain = await startSoloChain({
    mining: 'manual',
    spec: { staking: { unbondingBlocks: 40, evidenceWindowBlocks: 30 } },
  });
});
afterEach(() => reporter.stop());
afterAll(() => chain.stop());

/** Each of a round of its own. */
function evidence(height: number, secret = soloSecret): Evidence {
  round++;
  const [first, second] = [null, sha256(utf8('block'))].map((blockHash) => {
    const vote = { type: 'precommit' as const, height, round, blockHash };
    const message = voteSignBytes({ chainId: BigInt(chain.spec.chainId), ...vote });
    return {
      kind: 'vote' as const,
      ...vote,
      validator: 0,
      signature: blsSign(message, secret),
      attempt: 0,
    };
  });
  return { validator: 0, first: first!, second: second! };
}

/** Two headers proposed in one round. */
function proposals(height: number): Evidence {
  round++;
  const [first, second] = ['one header', 'another'].map((text) => {
    const proposal = { height, round, validRound: -1, header: utf8(text) };
    const message = proposalSignBytes(BigInt(chain.spec.chainId), proposal, keccak256(proposal.header));
    return {
      kind: 'proposal' as const,
      ...proposal,
      section: new Uint8Array(0),
      parentCommit: new Uint8Array(0),
      signature: blsSign(message, soloSecret),
      attempt: 0,
    };
  });
  return { validator: 0, first: first!, second: second! };
}

async function report(known: Evidence[], privateKey: Hex | null): Promise<void> {
  reporter = createEvidenceReporter({
    application: chain.application,
    consensus: { evidence: () => known, onEvidence: () => {} },
    evmPrivateKey: privateKey === null ? null : fromHex(privateKey),
    log: silentLog,
  });
  await reporter.start();
}

const blocksUntil = (holds: (cases: Awaited<ReturnType<EvidenceReporter['list']>>) => boolean) =>
  until(async () => {
    await chain.mine();
    return holds(await reporter.list());
  }, 5);

async function send(account: { privateKey: Hex; address: Hex }, to: Hex, data: Hex, value = 0n) {
  const { application, spec } = chain;
  const raw = await new Wallet(account.privateKey).signTransaction({
    type: 2,
    chainId: spec.chainId,
    nonce: Number(application.pool.nextNonce(account.address)),
    to,
    data,
    value,
    gasLimit: 2_000_000n,
    maxFeePerGas: 10n ** 10n,
    maxPriorityFeePerGas: 1n,
  });
  await application.pool.add(fromHex(raw));
}

test('reports once it has the coins', async () => {
  const poor = testAccount(200);
  await report([proposals(0), evidence(0)], poor.privateKey);
  await blocksUntil((cases) => cases.every((one) => one.reason?.includes('wei') ?? false));
  expect(chain.application.pool.count).toBe(0);
  await send(chain.accounts[1]!, poor.address, '0x', 10n ** 18n);
  await blocksUntil((cases) => cases.every((one) => one.status === 'punished'));
  for (const { transaction } of await reporter.list()) {
    const { height } = chain.application.store.placeOf(fromHex(transaction!))!;
    const [receipt, ...others] = chain.application.store.receipts(height)!;
    expect([receipt!.succeeded, others]).toEqual([true, []]);
  }
});

test('spends nothing where another was faster', async () => {
  const known = evidence(chain.application.head.height);
  await report([known], chain.accounts[2]!.privateKey);
  await send(
    chain.accounts[3]!,
    chain.spec.contracts.staking,
    toHex(reportCall(known, blsPublicKey(soloSecret))),
  );
  await blocksUntil(([one]) => one!.status === 'punished');
  expect((await reporter.list())[0]!.transaction).toBeNull();
});

test('follows without a key, and the accused itself does not report', async () => {
  for (const key of [null, chain.accounts[0]!.privateKey]) {
    await report([evidence(chain.application.head.height)], key);
    for (let block = 0; block < 8; block++) await blocksUntil(() => true);
    expect((await reporter.list()).map((one) => one.status)).toEqual(['open']);
    expect(chain.application.pool.count).toBe(0);
    await reporter.stop();
  }
});

test('gives up on what Staking does not take', async () => {
  const at = chain.application.head.height;
  const forged = evidence(at, blsSecretOfAnother());
  const late = evidence(0);
  while (chain.application.head.height <= 31) await chain.mine();
  await report([late, forged], chain.accounts[2]!.privateKey);
  await blocksUntil((cases) => cases.every((one) => one.status !== 'open'));
  expect((await reporter.list()).map((one) => [one.status, one.reason])).toEqual([
    ['expired', null],
    ['refused', 'StakingBadSignature'],
  ]);
});

const blsSecretOfAnother = () => new Uint8Array(32).fill(5);
