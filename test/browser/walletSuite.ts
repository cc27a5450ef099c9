/** What a page does with a wallet: posts a job and does the client's part until it is settled, writes to contracts, says what a job would cost. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { DEMO_DATA } from '../../cli/demo/index.ts';
import { concatBytes, type Hex, sha256, toHex, uintBytes, utf8 } from '../../core/index.ts';
import {
  roundClaimDigest,
  type Score,
  scoreCommitment,
  scoreDigest,
  signDigest,
  verdicts,
} from '../../market/index.ts';
import type { MarketChain } from '../support/marketChain.ts';
import { EVALUATORS, mineTo, WORKERS } from '../support/settledJob.ts';
import type { TestWallet } from './testWallet.ts';

const PATIENCE_MS = 90_000;
/** Neither client, worker nor evaluator of the first job. */
export const PAGE_ACCOUNT = 10;

export interface WalletWorld {
  page: Page;
  network: MarketChain;
  wallet: TestWallet;
  open: (path: string) => Promise<void>;
}

const SETS = ['train-images.idx3', 'train-labels.idx1', 'test-images.idx3', 'test-labels.idx1'];
const digitFiles = SETS.map((name) => `${DEMO_DATA}/${name}-ubyte.gz`);

export function walletSuite(world: () => WalletWorld): void {
  let jobId = 0n;
  let score: Score | undefined;
  const button = (name: string | RegExp) => world().page.getByRole('button', { name });

  test('the cost and the time of a job follow what is typed', async () => {
    const { page, open } = world();
    await open('/estimate');
    const time = page.locator('.estimate-main .figure-value');
    await time.waitFor({ timeout: PATIENCE_MS });
    const before = await time.innerText();
    await page.getByLabel('Training rounds').fill('4000');
    await expect.poll(() => time.innerText(), { timeout: PATIENCE_MS }).not.toBe(before);
    await page.getByLabel('Evaluators').fill('4');
    await page.getByText('an odd number from 3 to 15').waitFor();
  });

  test('what is wrong with a new job is said where it is wrong', async () => {
    const { page, open } = world();
    await open('/post');
    await page.setInputFiles('input[data-what=files]', {
      name: 'broken.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from('1,2,3\n4,5,999\n'),
    });
    await page.getByText(/Line 2: not a whole number/).waitFor({ timeout: PATIENCE_MS });
    await page.getByLabel('Reward').fill('lots');
    await page.getByText('an amount above 0').waitFor();
    await page.getByText('Own document').click();
    await page.locator('textarea').fill('{"name": 5}');
    await page.getByText(/not a job document/i).waitFor({ timeout: PATIENCE_MS });
    expect(await button('Post the job').isDisabled()).toBe(true);
  });

  test('a job is posted with a wallet: declined, reloaded, signed, on chain', async () => {
    const { page, open, wallet, network } = world();
    await open('/post');
    await page.setInputFiles('input[data-what=files]', digitFiles);
    await page.locator('.data-summary canvas').first().waitFor({ timeout: PATIENCE_MS });
    await page.getByText('Images or tables, dense').click();
    await page.getByLabel('Training rounds').fill('1');
    await page.getByLabel('Steps a round').fill('2');
    // Workers have most of their stake in the first job as long as it is not paid out.
    await page.getByLabel('Reward').fill('10');
    await button('Connect Test wallet').click();
    await button('Switch the wallet to this chain').click();
    await page.locator('.summary .tag.good').waitFor({ timeout: PATIENCE_MS });
    expect(wallet.asked).toContain('wallet_addEthereumChain');
    wallet.declineNext();
    await button('Post the job').click();
    await page.getByText('You declined in the wallet.').waitFor({ timeout: PATIENCE_MS });
    await open('/post');
    await button('Go on').click();
    const link = page.getByRole('link', { name: /Watch job/ });
    await link.waitFor({ timeout: PATIENCE_MS });
    jobId = BigInt((await link.innerText()).split(' ').at(-1)!);
    const { client, state } = await network.marketOf().job(jobId);
    expect([client.toLowerCase(), state]).toEqual([wallet.address, 'Open']);
    await link.click();
    await page.locator('.client-part').waitFor({ timeout: PATIENCE_MS });
  });

  test('the job is trained and its evaluators are drawn', async () => {
    score = await trainAndDraw(world().network, jobId);
  });

  test('the page hands each of them the key of the test set', async () => {
    const { network } = world();
    const market = network.marketOf();
    const drawn = await market.evaluatorsOf(jobId);
    await expect
      .poll(
        async () =>
          (await Promise.all(drawn.map((one) => market.evaluationOf(jobId, one)))).every(
            ({ keyDelivered }) => keyDelivered,
          ),
        { timeout: PATIENCE_MS },
      )
      .toBe(true);
  });

  test('the job is settled, and what was not earned is taken back', async () => {
    const { page, network } = world();
    await judgeAll(network, jobId, score!);
    await page.getByText(/The job is settled/).waitFor({ timeout: PATIENCE_MS });
    await button('Take it back').click();
    await page.getByText('Nothing is left to do.').waitFor({ timeout: PATIENCE_MS });
    expect((await network.marketOf().job(jobId)).state).toBe('Completed');
  });

  test('a function of a contract is tried, refused in plain words, and written', async () => {
    const { page, open, network, wallet } = world();
    await open('/contracts/jobManager');
    await button('Write').click();
    const cancel = page.locator('.card', { has: page.getByRole('heading', { name: 'cancelJob' }) });
    await cancel.getByLabel(/jobId/).fill('12x');
    await cancel.getByText('a whole number').waitFor();
    await cancel.getByLabel(/jobId/).fill('1');
    await cancel.getByRole('button', { name: 'Try it' }).click();
    await cancel.getByText(/The contract refuses: JobManager/).waitFor({ timeout: PATIENCE_MS });
    await open('/contracts/staking');
    await button('Write').click();
    const deposit = page.locator('.card', {
      has: page.getByRole('heading', { name: 'deposit', exact: true }),
    });
    await deposit.getByLabel('Value to send').fill('1.5');
    await deposit.getByRole('button', { name: 'Try it' }).click();
    await deposit.getByText('would succeed').waitFor({ timeout: PATIENCE_MS });
    await deposit.getByRole('button', { name: 'Write', exact: true }).click();
    await deposit.getByText('done').waitFor({ timeout: PATIENCE_MS });
    expect(await network.marketOf().stakeOf(wallet.address)).toBe(15n * 10n ** 17n);
  });
}

/** The workers' part with states out of thin air, which the contract cannot tell: what is shown here is the client's part. */
async function trainAndDraw(network: MarketChain, jobId: bigint): Promise<Score> {
  const market = network.marketOf();
  for (const index of WORKERS) await network.marketOf(index).assignWorker(jobId);
  await mineTo(network, (await market.job(jobId)).drawHeight + 1);
  await network.marketOf(WORKERS[0]!).closeAssignment(jobId);
  const [weights, optimiser] = [sha256(utf8('weights')), sha256(utf8('optimiser'))];
  const stateRoot = toHex(sha256(concatBytes(utf8('fedai-state/1'), weights, optimiser, uintBytes(2n, 8))));
  const claim = { stateRoot, stateCid: 'nowhere', contributors: 7n, loss: 2n << 16n };
  const domain = { chainId: await market.chainId(), jobManager: market.contracts.jobManager };
  const digest = roundClaimDigest(domain, jobId, 0, claim);
  const signatures = WORKERS.map((index) => signDigest(network.privateKeyOf(index), digest));
  await network.marketOf(WORKERS[0]!).commitRound(jobId, 0, claim, signatures);
  await network.marketOf(WORKERS[0]!).submitResult(jobId, {
    weightsRoot: toHex(weights),
    optimiserRoot: toHex(optimiser),
    counter: 2n,
    modelCid: 'nowhere',
    claimedPpm: 0,
  });
  await mineTo(network, (await market.job(jobId)).drawHeight + 1);
  await network.marketOf(EVALUATORS[0]!).drawEvaluators(jobId);
  return {
    correct: 7,
    total: 10,
    outputsRoot: toHex(sha256(utf8('outputs'))),
    modelHash: toHex(weights),
    verdict: verdicts.indexOf('Score'),
  };
}

async function judgeAll(network: MarketChain, jobId: bigint, score: Score): Promise<void> {
  const market = network.marketOf();
  const drawn = await market.evaluatorsOf(jobId);
  const judges = EVALUATORS.filter((index) => drawn.includes(network.marketOf(index).account as Hex));
  const salt = toHex(sha256(utf8('salt')));
  const domain = { chainId: await market.chainId(), jobManager: market.contracts.jobManager };
  for (const index of judges) {
    const own = network.marketOf(index);
    await own.commitScore(jobId, scoreCommitment(jobId, own.account!, score, salt));
  }
  for (const index of judges) {
    const signature = signDigest(network.privateKeyOf(index), scoreDigest(domain, jobId, score));
    await network.marketOf(index).revealScore(jobId, score, salt, signature);
  }
  await mineTo(network, (await market.job(jobId)).accrued.clearAt);
  await network.marketOf(judges[0]!).completeJob(jobId);
}
