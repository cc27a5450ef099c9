/**
 * A job posted from the page with a wallet and trained by a devnet of separate processes until it is paid. Only where
 * FEDAI_EXPLORER_DEVNET asks for it: a second devnet would double the time of the suite.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEMO_DATA } from '../../cli/demo/index.ts';
import { fromHex } from '../../core/index.ts';
import { clientKey, lastEvent } from '../e2e/network.ts';
import { findChromium, launch } from './chromium.ts';
import { installWallet } from './testWallet.ts';

const ROOT = join(import.meta.dirname, '../..');
const PATIENCE_MS = 800_000;
const SETS = ['train-images.idx3', 'train-labels.idx1', 'test-images.idx3', 'test-labels.idx1'];

const executable = findChromium();
const isAsked = Boolean(process.env.FEDAI_EXPLORER_DEVNET);

describe.skipIf(executable === undefined || !isAsked)('a job from the page, on a devnet', () => {
  let folder: string;
  let devnet: ChildProcess;
  let rpcUrl: string;
  let privateKey: string;
  let browser: Browser;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fedai-page-job-'));
    privateKey = await clientKey(join(folder, 'phrase.txt'));
    const network = join(folder, 'network');
    const args = ['cli/fedai.js', 'devnet', '--json', '--rpc-port', '0', '--data-dir', network];
    devnet = spawn(process.execPath, [...args, '--phrase-file', join(folder, 'phrase.txt')], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await lastEvent(devnet);
    ({ rpcUrl } = JSON.parse(await readFile(join(network, 'validator-0/node.json'), 'utf8')));
    browser = await launch(executable!);
  });

  afterAll(async () => {
    await browser?.close();
    const gone = new Promise((resolve) => devnet?.once('close', resolve));
    devnet?.kill('SIGINT');
    await gone;
    await rm(folder, { recursive: true, force: true });
  });

  test('is posted, trained, scored with the key that the page holds, and paid', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    context.setDefaultTimeout(PATIENCE_MS);
    await installWallet(context, rpcUrl, fromHex(privateKey, 32));
    const page = await context.newPage();
    const button = (name: string) => page.getByRole('button', { name });
    await page.goto(`${rpcUrl.replace(/\/$/, '')}/explorer/post`);
    await page.setInputFiles(
      'input[data-what=files]',
      SETS.map((name) => `${DEMO_DATA}/${name}-ubyte.gz`),
    );
    await page.locator('.data-summary canvas').first().waitFor();
    await page.getByText('Images or tables, dense').click();
    await page.getByLabel('Training rounds').fill('2');
    await page.getByLabel('Steps a round').fill('24');
    await page.getByLabel('Reward').fill('10');
    await button('Connect Test wallet').click();
    await button('Switch the wallet to this chain').click();
    await page.locator('.summary .tag.good').waitFor();
    await button('Post the job').click();
    const link = page.getByRole('link', { name: /Watch job/ });
    await link.waitFor();
    await link.click();
    await page.getByText(/The job is settled/).waitFor();
    expect(await page.locator('h1').locator('xpath=..').innerText()).toContain('Job 2');
    await page.locator('.tag', { hasText: 'Completed' }).first().waitFor();
  });
});
