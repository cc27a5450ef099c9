/** Jobs that a client has on chain already: the one to go on with, and the one not to pay for twice. */
import { equalBytes, FedaiError, fromHex, type Hex, sha256, toHex } from '../core/index.ts';
import { decodeJob, JOB_LIMITS, type Job, jobDocumentHash } from '../job/index.ts';
import { type Market, unsettledJobOf } from '../market/index.ts';
import type { ContentReader } from '../storage/index.ts';

/** The document of a job that this account posted, by its hash on chain. Throws `WRONG_ACCOUNT`, `WRONG_DOCUMENT` or what the store throws. */
export async function readPostedJob(market: Market, content: ContentReader, id: bigint): Promise<Job> {
  const { client, post } = await market.job(id);
  if (client !== market.account) {
    throw new FedaiError(
      'WRONG_ACCOUNT',
      'this job was posted by another account',
      { id, got: market.account, expected: client },
      { remedy: 'give the --data-dir that it was posted from' },
    );
  }
  const bytes = await content.getBytes(post.documentCid, { maxBytes: JOB_LIMITS.documentBytes });
  if (equalBytes(sha256(bytes), fromHex(post.documentHash))) return decodeJob(bytes);
  throw new FedaiError('WRONG_DOCUMENT', 'the stored document is not the one that was posted', { id });
}

/** Throws `ALREADY_POSTED` when a job of this document runs already, as after a kill between paying and saying so. */
export async function checkNotPosted(market: Market, { document }: Job): Promise<void> {
  const hash: Hex = toHex(jobDocumentHash(document));
  const posted = await unsettledJobOf(market, market.account!, hash);
  if (posted === undefined) return;
  throw new FedaiError(
    'ALREADY_POSTED',
    'a job of this document is posted and not settled yet',
    { id: posted.id },
    { remedy: `go on with it by --resume ${posted.id}, or give the new job another name` },
  );
}
