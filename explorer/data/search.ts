/** What a searched text means: the address of the page that shows it. */
import type { Hex } from '../../core/index.ts';
import { ask, node, openMarket } from '../node/node.ts';

/** Model hashes of older jobs are not looked for: each job is one question. */
const JOBS_LOOKED_AT = 200;

/** Undefined when nothing has that name. */
export async function findPage(text: string): Promise<string | undefined> {
  const plain = text.trim().replace(/^#/, '');
  const job = /^job[\s-]*(\d{1,15})$/i.exec(plain);
  if (job) return (await jobExists(job[1]!)) ? `/job/${job[1]}` : undefined;
  if (/^\d{1,15}$/.test(plain)) return findNumber(plain);
  const hex = /^(?:0x)?([0-9a-f]{40}|[0-9a-f]{64})$/i.exec(plain)?.[1]?.toLowerCase();
  if (hex === undefined) return undefined;
  return hex.length === 40 ? `/account/0x${hex}` : findHash(`0x${hex}`);
}

async function findNumber(number: string): Promise<string | undefined> {
  const { height } = node.get();
  const latest = height < 0 ? (await ask.status()).height : height;
  if (Number(number) <= latest) return `/block/${number}`;
  return (await jobExists(number)) ? `/job/${number}` : undefined;
}

async function jobExists(id: string): Promise<boolean> {
  const market = await openMarket();
  return BigInt(id) > 0n && BigInt(id) <= (await market.jobCount());
}

async function findHash(hash: Hex): Promise<string | undefined> {
  const [transaction, block] = await Promise.all([ask.transaction(hash), ask.blockByHash(hash)]);
  if (transaction !== null) return `/tx/${hash}`;
  if (block !== null) return `/block/${block.number}`;
  return findModel(hash);
}

async function findModel(hash: Hex): Promise<string | undefined> {
  const market = await openMarket();
  const count = Number(await market.jobCount());
  const ids = Array.from({ length: Math.min(count, JOBS_LOOKED_AT) }, (_, i) => BigInt(count - i));
  const jobs = await Promise.all(ids.map((id) => market.job(id)));
  const found = jobs.find((job) => job.modelHash === hash || job.post.documentHash === hash);
  return found && `/job/${found.id}`;
}
