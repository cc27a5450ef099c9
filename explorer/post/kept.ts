/** What must survive a reload: a posting under way, and the keys of jobs that were posted from this browser. */
import type { Prepared } from './messages.ts';

/** One at a time: a second one begins when the first is on chain or given up. */
export interface KeptPosting extends Prepared {
  readonly chainId: number;
  readonly fullAudit: boolean;
  /** Content ids that the chain node has. */
  uploaded: string[];
  /** Of the transaction, once the wallet has signed. */
  hash: string | undefined;
  /** Who signed it. */
  account: string | undefined;
}

export interface JobKeys {
  readonly testKey: Uint8Array;
  readonly dataKey: Uint8Array | undefined;
  readonly testManifest: string;
  readonly trainManifest: string;
}

const [POSTINGS, KEYS] = ['postings', 'keys'];
const CURRENT = 'current';

let opened: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const asking = indexedDB.open('fedai', 1);
    asking.onupgradeneeded = () => {
      asking.result.createObjectStore(POSTINGS!);
      asking.result.createObjectStore(KEYS!);
    };
    asking.onsuccess = () => resolve(asking.result);
    asking.onerror = () => reject(asking.error);
  });
  return opened;
}

async function run<T>(
  store: string,
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const transaction = (await open()).transaction(store, mode);
  const request = act(transaction.objectStore(store));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

export const keptPosting = (): Promise<KeptPosting | undefined> =>
  run(POSTINGS!, 'readonly', (store) => store.get(CURRENT)) as Promise<KeptPosting | undefined>;

export const keepPosting = (posting: KeptPosting): Promise<unknown> =>
  run(POSTINGS!, 'readwrite', (store) => store.put(posting, CURRENT));

export const dropPosting = (): Promise<unknown> =>
  run(POSTINGS!, 'readwrite', (store) => store.delete(CURRENT));

/** By the commitment that the chain holds, so that no other job's keys can be meant. */
export const keptKeys = (testKeyCommitment: string): Promise<JobKeys | undefined> =>
  run(KEYS!, 'readonly', (store) => store.get(testKeyCommitment)) as Promise<JobKeys | undefined>;

export const keepKeys = (testKeyCommitment: string, keys: JobKeys): Promise<unknown> =>
  run(KEYS!, 'readwrite', (store) => store.put(keys, testKeyCommitment));
