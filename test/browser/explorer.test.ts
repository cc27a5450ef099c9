/** The explorer in a real browser over a real network: every page, live blocks, search, proofs good and spoilt, keyboard, a node that goes away. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXPLORER_PAGES } from '../../cli/explorer/pages.ts';
import { type ExplorerProxy, startExplorerProxy } from '../../cli/explorer/proxy.ts';
import { silentLog } from '../../core/index.ts';
import { httpTransport, type RpcTransport } from '../../market/index.ts';
import { packedBytes } from '../../scripts/explorer-size.ts';
import { findChromium, launch, NO_CHROMIUM } from './chromium.ts';
import { isElsewhere, type ShownNetwork, startShownNetwork } from './network.ts';
import { installWallet, type TestWallet } from './testWallet.ts';
import { PAGE_ACCOUNT, walletSuite } from './walletSuite.ts';

const executable = findChromium();
if (executable === undefined) process.stderr.write(`test:browser is skipped: ${NO_CHROMIUM}\n`);

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A machine under load may take its time; nothing here is a measurement. */
const PATIENCE_MS = 240_000;

let network: ShownNetwork;
let proxy: ExplorerProxy;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let rpc: RpcTransport;
let wallet: TestWallet | undefined;
/** Faults of the pages, and requests that leave their origin. */
const faults: string[] = [];

const open = async (path: string): Promise<void> => {
  await page.goto(`${proxy.url}${path}`);
  await page.waitForFunction(() => document.querySelector('h1') && !document.querySelector('.bone'), null, {
    timeout: PATIENCE_MS,
  });
};
const text = (): Promise<string> => page.locator('main').innerText();

interface Told {
  number: string;
  hash: string;
  transactions: string[];
  usefulWork: { taskId?: string; modelHash?: string; drawHeight: number } | null;
}

/** The first block that training sealed. */
async function findWorkBlock(): Promise<Told> {
  const head = Number(await rpc.request('eth_blockNumber', []));
  for (let height = 1; height <= head; height++) {
    const block = (await rpc.request('eth_getBlockByNumber', [`0x${height.toString(16)}`, false])) as Told;
    if (block.usefulWork?.taskId !== undefined) return block;
  }
  throw new Error('no block of this network carries a proof of work');
}

describe.skipIf(executable === undefined)('the explorer in a browser', () => {
  let work: Told;
  let workHeight: number;

  beforeAll(async () => {
    network = await startShownNetwork();
    rpc = httpTransport(network.rpc);
    const { rpc: url } = network;
    proxy = await startExplorerProxy({
      pages: EXPLORER_PAGES,
      rpc: url,
      host: '127.0.0.1',
      port: 0,
      log: silentLog,
    });
    browser = await launch(executable!);
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    if (network.chain !== undefined)
      wallet = await installWallet(context, url, network.chain.privateKeyOf(PAGE_ACCOUNT));
    context.setDefaultTimeout(PATIENCE_MS);
    page = await context.newPage();
    page.on('pageerror', (error) => faults.push(String(error.stack)));
    page.on('console', (message) => {
      if (message.type() === 'error' && /Content Security Policy|Uncaught/.test(message.text()))
        faults.push(message.text());
    });
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (/^https?:/.test(protocol) && origin !== new URL(proxy.url).origin) faults.push(request.url());
    });
    work = await findWorkBlock();
    workHeight = Number(work.number);
  });

  afterAll(async () => {
    await browser?.close();
    await proxy?.stop();
    await network?.stop();
  });

  test('the chain shows its blocks as they come', async () => {
    await open('');
    const newest = page.locator('.block-row a.number').first();
    const before = await newest.innerText();
    await expect.poll(() => newest.innerText(), { timeout: PATIENCE_MS }).not.toBe(before);
    expect(await page.locator('.stream .bar').count()).toBeGreaterThan(10);
  });

  test('a block shows its votes and what sealed it', async () => {
    await open(`/block/${workHeight}`);
    expect(await text()).toContain(work.hash);
    expect(await text()).toMatch(/Sealed by training/);
    expect(await page.locator('.tag', { hasText: 'signed' }).count()).toBeGreaterThan(0);
  });

  test('a transaction is told in plain words and decoded', async () => {
    const [log] = (await rpc.request('eth_getLogs', [
      { fromBlock: '0x0', toBlock: 'latest', topics: [] },
    ])) as {
      transactionHash: string;
    }[];
    const posted = await postedTransaction();
    await open(`/tx/${posted}`);
    expect(await text()).toMatch(/posted a job for/);
    expect(await text()).toMatch(/JobPosted/);
    await open(`/tx/${log!.transactionHash}`);
    expect(await text()).toMatch(/done, final/);
  });

  test('a job shows its curve, its slots, its scores, its money and its document', async () => {
    await open('/jobs');
    await page.getByRole('link', { name: 'Job 1', exact: true }).click();
    await page.waitForSelector('.samples canvas', { timeout: PATIENCE_MS });
    const shown = await text();
    for (const part of [
      'Completed',
      'Loss',
      'Slots and training rounds',
      'exactly',
      'Escrow',
      'Receipt hash',
      'convolution',
    ])
      expect(shown).toContain(part);
    await page.waitForSelector('.slots .cell.opened .picked', { timeout: PATIENCE_MS });
    // The key is public: measured on the test set alone, once after each round.
    await page.getByText(/records of the test set/).waitFor({ timeout: PATIENCE_MS });
    const points = (name: string) => page.locator('.chart', { hasText: name }).locator('circle');
    await expect
      .poll(() => points('Accuracy').count(), { timeout: PATIENCE_MS })
      .toBe(await points('Loss').count());
  });

  test('the model is checked and says what was drawn', async () => {
    await open('/job/1');
    await page.getByRole('button', { name: 'Check and try it here' }).click();
    await page.waitForSelector('.board', { timeout: PATIENCE_MS });
    expect(await page.locator('.model').innerText()).toContain('hash checked here');
    await drawOne();
    await expect
      .poll(() => page.locator('.answer-best').innerText(), { timeout: PATIENCE_MS })
      .toMatch(/It is a \d/);
  });

  test('a proof is executed again here, and passes', async () => {
    await open(`/block/${workHeight}`);
    await page.getByRole('button', { name: 'Verify this proof' }).click();
    await page.waitForSelector('.checks[data-state=passed]', { timeout: PATIENCE_MS });
    expect(await page.locator('.check.good').count()).toBe(13);
  });

  test.each([
    ['bytes', 'bundle'],
    ['record', 'records'],
    ['weight', 'start'],
    ['end', 'end'],
  ])('a proof spoilt in its %s visibly fails', async (damage, check) => {
    await open(`/block/${workHeight}`);
    await page.getByRole('combobox').selectOption(damage);
    await page.getByRole('button', { name: 'Verify this proof' }).click();
    await page.waitForSelector('.checks[data-state=failed]', { timeout: PATIENCE_MS });
    expect(await page.locator('.check.bad .check-name').innerText()).toContain(check);
    expect(await page.locator('.verify .tag.bad').innerText()).toBe('not verified');
  });

  test('draws, people, validators and contracts are shown', async () => {
    await open('/proofs');
    await page
      .getByRole('link', { name: `block ${work.usefulWork!.drawHeight}`, exact: true })
      .first()
      .click();
    await expect.poll(text, { timeout: PATIENCE_MS }).toMatch(/Verify here/);
    await open('/people');
    expect(await text()).toMatch(/Registered \(\d+\)/);
    await page.getByRole('button', { name: 'Evaluators' }).click();
    expect(await page.locator('main tbody tr').first().innerText()).toContain('evaluator');
    await open('/validators');
    expect(await text()).toMatch(/In commits/);
    await open('/contracts/jobManager');
    const card = page.locator('.card', { has: page.getByRole('heading', { name: 'receiptHash' }) });
    await card.locator('input').fill('1');
    await card.getByRole('button', { name: 'Read' }).click();
    await expect.poll(() => card.innerText(), { timeout: PATIENCE_MS }).toMatch(/0x[0-9a-f]{6}…/);
  });

  test('the network map names who is there, and no address', async () => {
    await open('/network');
    expect(await text()).toMatch(/Connections/);
    const peers = JSON.stringify(await rpc.request('fedai_getPeers', []));
    expect(peers).not.toMatch(/ip4|ip6|\/tcp\//);
  });

  test('blocks are paged from any height, and the way back is the browser’s', async () => {
    await open('/blocks');
    await page.getByLabel('From block').fill('30');
    await page.getByRole('button', { name: 'Go' }).click();
    await page.waitForURL(/\/blocks\/30$/, { timeout: PATIENCE_MS });
    await page.getByRole('link', { name: 'Older' }).click();
    await page.waitForURL(/\/blocks\/5$/, { timeout: PATIENCE_MS });
    await expect.poll(() => page.locator('tbody tr').count(), { timeout: PATIENCE_MS }).toBe(6);
    await page.goBack();
    await expect.poll(() => page.locator('tbody tr').count(), { timeout: PATIENCE_MS }).toBe(25);
  });

  test('search finds block, transaction, account, job and model', async () => {
    const job = await blockAt(work.number);
    const model = await finalModel();
    const searches: [string, RegExp][] = [
      [String(workHeight), /\/block\/\d+$/],
      [work.hash, /\/block\/\d+$/],
      ['job 1', /\/job\/1$/],
      [model, /\/job\/1$/],
      ...job.transactions.slice(0, 1).flatMap(({ hash, from }): [string, RegExp][] => [
        [hash, /\/tx\/0x/],
        [from, /\/account\/0x/],
      ]),
    ];
    await open('');
    for (const [wanted, where] of searches) {
      await page.getByRole('searchbox').fill(wanted);
      await page.getByRole('searchbox').press('Enter');
      await page.waitForURL(where, { timeout: PATIENCE_MS });
    }
    await page.getByRole('searchbox').fill('nothing <img src=x onerror=alert(1)>');
    await page.getByRole('searchbox').press('Enter');
    await expect.poll(text, { timeout: PATIENCE_MS }).toMatch(/Nothing on this chain is called/);
    expect(await page.locator('main img').count()).toBe(0);
  });

  test('a job is reached by keyboard alone, and its slots too', async () => {
    await open('/jobs');
    await page.getByRole('link', { name: 'Job 1', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/job\/1$/, { timeout: PATIENCE_MS });
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.tagName), { timeout: PATIENCE_MS })
      .toBe('H1');
    await page.locator('.chart-slider').focus();
    const before = await page.locator('.chart-value').innerText();
    await page.keyboard.press('ArrowLeft');
    await expect
      .poll(() => page.locator('.chart-value').innerText(), { timeout: PATIENCE_MS })
      .not.toBe(before);
  });

  test('it can be used by keyboard alone', async () => {
    await open('');
    await page.keyboard.press('Tab');
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.className), { timeout: PATIENCE_MS })
      .toBe('skip');
    await page.keyboard.press('/');
    await page.keyboard.type(String(workHeight));
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/block\/\d+$/, { timeout: PATIENCE_MS });
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.tagName), { timeout: PATIENCE_MS })
      .toBe('H1');
    await expect.poll(text, { timeout: PATIENCE_MS }).toMatch(/Verify here/);
    await page.getByRole('button', { name: 'Verify this proof' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('.checks[data-state=passed]', { timeout: PATIENCE_MS });
  });

  test('it says when the node is away, and goes on when it is back', async () => {
    await open('');
    const { port } = new URL(proxy.url);
    await proxy.stop();
    await page.waitForSelector('.banner', { timeout: PATIENCE_MS });
    expect(await page.locator('.banner').innerText()).toContain('does not answer');
    const shown = await page.locator('.block-row a.number').first().innerText();
    const { rpc: url } = network;
    proxy = await startExplorerProxy({
      pages: EXPLORER_PAGES,
      rpc: url,
      host: '127.0.0.1',
      port: Number(port),
      log: silentLog,
    });
    await page.waitForSelector('.banner', { state: 'detached', timeout: PATIENCE_MS });
    const newest = page.locator('.block-row a.number').first();
    await expect.poll(() => newest.innerText(), { timeout: PATIENCE_MS }).not.toBe(shown);
  });

  test('axe finds nothing to say about any page, light and dark, and none is wider than its screen', async () => {
    const draw = work.usefulWork!.drawHeight;
    const [hash] = (await blockAt(work.number)).transactions;
    const paths = ['', '/blocks', `/block/${workHeight}`, '/jobs', '/job/1', '/proofs', `/proof/${draw}`];
    const more = ['/people', '/validators', '/network', '/contracts/staking', '/search/nothing', '/nowhere'];
    more.push('/post', '/estimate');
    const own = hash === undefined ? [] : [`/tx/${hash.hash}`, `/account/${hash.from}`];
    for (const path of [...paths, ...more, ...own]) {
      await open(path);
      expect([path, await violations()]).toEqual([path, []]);
      await page.emulateMedia({ colorScheme: 'dark' });
      expect([path, 'dark', await violations(['color-contrast'])]).toEqual([path, 'dark', []]);
      for (const width of [390, 1024, 1680]) {
        await page.setViewportSize({ width, height: 900 });
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect([path, width, over <= 0]).toEqual([path, width, true]);
      }
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width: 1280, height: 900 });
    }
  });

  describe.skipIf(isElsewhere())('with a wallet', () => {
    walletSuite(() => ({ page, network: network.chain!, wallet: wallet!, open }));
  });

  test('all that is loaded before WebAssembly is at most 300 kB packed', async () => {
    expect(packedBytes(EXPLORER_PAGES)).toBeLessThan(300_000);
  });

  test('no script failed and no request left the origin', () => {
    expect(faults).toEqual([]);
  });

  /** What axe finds on the page that is open, by all of its rules or some. */
  async function violations(rules?: readonly string[]): Promise<unknown> {
    if (rules === undefined) await page.evaluate(axe);
    const only = rules === undefined ? '' : `, runOnly: ${JSON.stringify(rules)}`;
    return await page.evaluate(
      `axe.run(document, { resultTypes: ['violations']${only} }).then(({ violations }) => violations.map((one) => one.id + ': ' + one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')))`,
    );
  }

  const blockAt = async (height: string): Promise<{ transactions: { hash: string; from: string }[] }> =>
    (await rpc.request('eth_getBlockByNumber', [height, true])) as {
      transactions: { hash: string; from: string }[];
    };

  async function postedTransaction(): Promise<string> {
    await open('/job/1');
    const whole = page.getByRole('button', { name: /Show all/ });
    if (await whole.isVisible()) await whole.click();
    const row = page.locator('tr', { hasText: 'Job posted' }).last();
    const link = await row.locator('a[href*="/tx/"]').getAttribute('href');
    return link!.split('/').at(-1)!;
  }

  async function finalModel(): Promise<string> {
    await open('/job/1');
    const row = page.locator('.model .facts > div', { hasText: 'Model hash on chain' });
    return (await row.locator('[title]').first().getAttribute('title'))!;
  }

  async function drawOne(): Promise<void> {
    await page.locator('.board').scrollIntoViewIfNeeded();
    const box = (await page.locator('.board').boundingBox())!;
    const at = (x: number, y: number): [number, number] => [box.x + box.width * x, box.y + box.height * y];
    await page.mouse.move(...at(0.5, 0.2));
    await page.mouse.down();
    await page.mouse.move(...at(0.5, 0.8), { steps: 8 });
    await page.mouse.up();
  }
});
