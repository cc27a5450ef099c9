/**
 * `node test/browser/screenshots.ts [--out DIR] [--only WORD,…]`: every page of the explorer at three widths in light and
 * dark, over FEDAI_EXPLORER_RPC or a network of its own.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { EXPLORER_PAGES } from '../../cli/explorer/pages.ts';
import { startExplorerProxy } from '../../cli/explorer/proxy.ts';
import { silentLog } from '../../core/index.ts';
import { httpTransport, type RpcTransport } from '../../market/index.ts';
import { findChromium, launch, NO_CHROMIUM } from './chromium.ts';
import { startShownNetwork } from './network.ts';

const WIDTHS = [390, 1024, 1680] as const;
const SCHEMES = ['light', 'dark'] as const;
const PATIENCE_MS = 120_000;

interface Shot {
  name: string;
  path: string;
  /** What is done before the picture is taken. */
  act?: (page: Page) => Promise<void>;
}

interface Told {
  transactions: string[];
  miner: string;
  usefulWork: { taskId?: string; worker: string; drawHeight: number } | null;
}

/** The newest block that training sealed, and the newest with a transaction. */
async function interesting(
  rpc: RpcTransport,
): Promise<{ work: number; draw: number; worker: string; tx: string }> {
  const head = Number(await rpc.request('eth_blockNumber', []));
  let tx = '';
  for (let height = head; height > 0; height--) {
    const told = (await rpc.request('eth_getBlockByNumber', [`0x${height.toString(16)}`, false])) as Told;
    if (tx === '') tx = told.transactions[0] ?? '';
    if (told.usefulWork?.taskId !== undefined && tx !== '')
      return { work: height, draw: told.usefulWork.drawHeight, worker: told.usefulWork.worker, tx };
  }
  throw new RangeError('no block of this network carries a proof of work');
}

const verify = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'Verify this proof' }).click();
  await page.waitForSelector('.checks[data-state=passed], .checks[data-state=failed]', {
    timeout: PATIENCE_MS,
  });
};

const spoil = async (page: Page): Promise<void> => {
  await page.getByRole('combobox').selectOption('weight');
  await verify(page);
};

const tryIt = async (page: Page): Promise<void> => {
  await page.waitForSelector('.layers', { timeout: PATIENCE_MS });
  await page.getByRole('button', { name: 'Check and try it here' }).click();
  const board = page.locator('.board');
  await board.waitFor({ timeout: PATIENCE_MS });
  await board.scrollIntoViewIfNeeded();
  const box = (await board.boundingBox())!;
  const stroke = [0.32, 0.28, 0.5, 0.2, 0.66, 0.3, 0.62, 0.46, 0.45, 0.6, 0.34, 0.78, 0.7, 0.76];
  await page.mouse.move(box.x + box.width * stroke[0]!, box.y + box.height * stroke[1]!);
  await page.mouse.down();
  for (let i = 2; i < stroke.length; i += 2)
    await page.mouse.move(box.x + box.width * stroke[i]!, box.y + box.height * stroke[i + 1]!, { steps: 5 });
  await page.mouse.up();
  await page.waitForFunction(() => /It is/.test(document.querySelector('.answer-best')?.textContent ?? ''));
};

async function shotsOf(rpc: RpcTransport): Promise<Shot[]> {
  const { work, draw, worker, tx } = await interesting(rpc);
  return [
    { name: 'chain', path: '' },
    { name: 'blocks', path: '/blocks' },
    { name: 'block', path: `/block/${work}`, act: verify },
    { name: 'block-spoilt', path: `/block/${work}`, act: spoil },
    { name: 'transaction', path: `/tx/${tx}` },
    { name: 'account', path: `/account/${worker}` },
    { name: 'jobs', path: '/jobs' },
    { name: 'job', path: '/job/1', act: tryIt },
    { name: 'proofs', path: '/proofs' },
    { name: 'proof', path: `/proof/${draw}` },
    { name: 'people', path: '/people' },
    { name: 'validators', path: '/validators' },
    { name: 'network', path: '/network' },
    { name: 'contracts', path: '/contracts/staking' },
    { name: 'search', path: '/search/nothing' },
    { name: 'post', path: '/post' },
    { name: 'estimate', path: '/estimate' },
  ];
}

async function take(browser: Browser, url: string, shots: readonly Shot[], out: string): Promise<void> {
  for (const width of WIDTHS) {
    const page = await browser.newPage({ viewport: { width, height: width < 500 ? 844 : 1000 } });
    for (const { name, path, act } of shots) {
      await page.goto(`${url}${path}`);
      const isThere = () => document.querySelector('h1') !== null && document.querySelector('.bone') === null;
      await page.waitForFunction(isThere, null, { timeout: PATIENCE_MS });
      await act?.(page);
      for (const colorScheme of SCHEMES) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.evaluate(() => scrollTo(0, 0));
        await page.screenshot({ path: join(out, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      }
      process.stdout.write(`${name} at ${width}\n`);
    }
    await page.close();
  }
}

const { values } = parseArgs({
  options: { out: { type: 'string', default: 'test-results/screenshots' }, only: { type: 'string' } },
});
const executable = findChromium();
if (executable === undefined) throw new RangeError(NO_CHROMIUM);
await mkdir(values.out, { recursive: true });
const network = await startShownNetwork();
const proxy = await startExplorerProxy({
  ...{ pages: EXPLORER_PAGES, rpc: network.rpc, host: '127.0.0.1', port: 0, log: silentLog },
});
const browser = await launch(executable);
try {
  const wanted = values.only?.split(',');
  const shots = (await shotsOf(httpTransport(network.rpc))).filter(
    ({ name }) => wanted === undefined || wanted.some((word) => name === word),
  );
  await take(browser, proxy.url, shots, values.out);
} finally {
  await browser.close();
  await proxy.stop();
  await network.stop();
}
process.exit(0);
