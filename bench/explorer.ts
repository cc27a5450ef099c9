/**
 * The explorer in Chromium: how large it is, how soon it paints, whether paging a chain of 100 000 blocks and 1 000 jobs
 * ever blocks the page, and how long the verification of a proof takes in it.
 */
import type { Browser, Page } from 'playwright-core';
import { EXPLORER_PAGES } from '../cli/explorer/pages.ts';
import { FedaiError } from '../core/index.ts';
import { httpTransport } from '../market/index.ts';
import { packedBytes } from '../scripts/explorer-size.ts';
import { findChromium, launch, NO_CHROMIUM } from '../test/browser/chromium.ts';
import { startLongChain } from '../test/browser/longChain.ts';
import { startShownChain } from '../test/browser/shownChain.ts';
import type { Bench, Figures } from './main.ts';

const BLOCKS = 100_000;
const JOBS = 1_000;
const LOADS = 5;
const PAGES = 30;
const VERIFICATIONS = 5;
const PATIENCE_MS = 180_000;

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;

/** Tells of long tasks and shifted layout from the page's first moment on. */
const WATCH = `
  globalThis.seen = { tasks: [], shift: 0 };
  new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map((one) => one.duration)))
    .observe({ type: 'longtask', buffered: true });
  new PerformanceObserver((list) => list.getEntries().forEach((one) => one.hadRecentInput || (seen.shift += one.value)))
    .observe({ type: 'layout-shift', buffered: true });
`;

interface Seen {
  tasks: number[];
  shift: number;
}

const seenBy = (page: Page): Promise<Seen> => page.evaluate('seen') as Promise<Seen>;

const settled = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => document.querySelector('h1') && !document.querySelector('.bone'), null, {
    timeout: PATIENCE_MS,
  });

async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.addInitScript(WATCH);
  await page.goto(url);
  await settled(page);
  return page;
}

/** Each load with an empty cache. */
async function firstLoads(browser: Browser, url: string): Promise<Figures> {
  const paints: number[] = [];
  const tasks: number[] = [];
  let shift = 0;
  for (let load = 0; load < LOADS; load++) {
    const page = await openPage(browser, `${url}/explorer`);
    paints.push(
      await page.evaluate(
        () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
      ),
    );
    const seen = await seenBy(page);
    tasks.push(Math.max(0, ...seen.tasks));
    shift = Math.max(shift, seen.shift);
    await page.close();
  }
  return { firstPaintMs: median(paints), longestTaskMs: median(tasks), layoutShift: shift };
}

/** Clicks `name` so many times, waiting each time for what it brings. */
async function pageThrough(page: Page, role: 'link' | 'button', name: string): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < PAGES; turn++) {
    const next = page.getByRole(role, { name, exact: true });
    if (!(await next.isEnabled({ timeout: PATIENCE_MS }).catch(() => false))) break;
    const before = await page.locator('main tbody tr').first().innerText();
    const started = performance.now();
    await next.click();
    await page.waitForFunction(
      (old) => {
        const row = document.querySelector<HTMLElement>('main tbody tr');
        return row !== null && row.innerText !== old && !document.querySelector('.bone');
      },
      before,
      { timeout: PATIENCE_MS },
    );
    times.push(performance.now() - started);
  }
  return times.length === 0 ? Number.NaN : median(times);
}

async function paging(
  browser: Browser,
  { url, blocks }: { url: string; blocks: number },
  report: (line: string) => void,
): Promise<Figures> {
  const figures: Figures = {};
  const page = await openPage(browser, `${url}/explorer/blocks`);
  figures.blockPageMs = await pageThrough(page, 'link', 'Older');
  await page.getByLabel('From block').fill(String(Math.floor(blocks / 2)));
  await page.getByRole('button', { name: 'Go' }).click();
  await settled(page);
  report(`a page of blocks: ${Number(figures.blockPageMs).toFixed(0)} ms`);
  for (const place of ['Jobs', 'People', 'Proofs', 'Validators', 'Network', 'Chain']) {
    await page.getByRole('link', { name: place, exact: true }).click();
    await settled(page);
    if (place !== 'Jobs') continue;
    figures.jobPageMs = await pageThrough(page, 'button', 'Older');
    await page.getByRole('button', { name: 'Failed' }).click();
    await settled(page);
    report(`a page of jobs: ${Number(figures.jobPageMs).toFixed(0)} ms`);
  }
  const { tasks } = await seenBy(page);
  figures.longestTaskMs = Math.max(0, ...tasks);
  figures.longTasks = tasks.length;
  await page.close();
  return figures;
}

async function verification(browser: Browser, url: string): Promise<number> {
  const rpc = httpTransport(url);
  const head = Number(await rpc.request('eth_blockNumber', []));
  let height = head;
  for (; height > 0; height--) {
    const told = (await rpc.request('eth_getBlockByNumber', [`0x${height.toString(16)}`, false])) as {
      usefulWork: { taskId?: string } | null;
    };
    if (told.usefulWork?.taskId !== undefined) break;
  }
  const page = await openPage(browser, `${url}/explorer/block/${height}`);
  const times: number[] = [];
  for (let turn = 0; turn < VERIFICATIONS; turn++) {
    const started = performance.now();
    await page.getByRole('button', { name: 'Verify this proof' }).click();
    await page.waitForSelector('.checks[data-state=passed]', { timeout: PATIENCE_MS });
    times.push(performance.now() - started);
  }
  await page.close();
  return median(times);
}

/** `--blocks N`, `--jobs N`: another length than 100 000 and 1 000. */
export const bench: Bench = async (report, args) => {
  const executable = findChromium();
  if (executable === undefined) throw new FedaiError('NO_CHROMIUM', NO_CHROMIUM);
  const sizeOf = (name: string, usual: number) =>
    args.includes(name) ? Number(args[args.indexOf(name) + 1]) : usual;
  const [blocks, jobs] = [sizeOf('--blocks', BLOCKS), sizeOf('--jobs', JOBS)];
  const browser = await launch(executable);
  const long = await startLongChain({ blocks, jobs, report });
  const first = await firstLoads(browser, long.rpc);
  report(`first paint after ${Number(first.firstPaintMs).toFixed(0)} ms`);
  const paged = await paging(browser, { url: long.rpc, blocks }, report);
  await long.stop();
  const shown = await startShownChain();
  const verifyMs = await verification(browser, shown.rpc);
  await shown.stop();
  await browser.close();
  return { bundleKb: packedBytes(EXPLORER_PAGES) / 1_000, ...first, blocks, jobs, paging: paged, verifyMs };
};
