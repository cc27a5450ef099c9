/**
 * LevelDB stores that tell of trouble: a block that rotted counts as not there, so that it is fetched anew, and a full
 * disk reaches whoever can end the process, however deep in a library it is met.
 */
import { LevelBlockstore } from 'blockstore-level';
import type { LevelDatastore } from 'datastore-level';
import type { CID } from 'multiformats/cid';
import { type FedaiError, hostFault, isBlockOf, tellHostFault } from '../core/index.ts';

export type OnHostFault = (fault: FedaiError) => void;

export class SoundBlockstore extends LevelBlockstore {
  readonly #path: string;
  readonly #onFault: OnHostFault;

  constructor(path: string, onFault: OnHostFault) {
    super(path);
    this.#path = path;
    this.#onFault = onFault;
  }

  override async put(cid: CID, ...rest: Rest<LevelBlockstore['put']>): Promise<CID> {
    return telling(super.put(cid, ...rest), this.#path, this.#onFault);
  }

  /** Throws as for a block that is not there when its bytes are not those of its id; it is removed then. */
  override async *get(cid: CID, ...rest: Rest<LevelBlockstore['get']>): AsyncGenerator<Uint8Array> {
    for await (const bytes of super.get(cid, ...rest)) {
      if (isBlockOf(cid, bytes)) {
        yield bytes;
        continue;
      }
      await this.delete(cid);
      // Now it is not there, which `get` says in the store's own words.
      yield* super.get(cid, ...rest);
    }
  }

  override async delete(cid: CID, ...rest: Rest<LevelBlockstore['delete']>): Promise<void> {
    return telling(super.delete(cid, ...rest), this.#path, this.#onFault);
  }
}

type Rest<Method extends (...args: never[]) => unknown> =
  Parameters<Method> extends [unknown, ...infer Others] ? Others : never;

/** The same store; trouble in what it writes is told. */
export function tellFaults(store: LevelDatastore, path: string, onFault: OnHostFault): LevelDatastore {
  const { put, delete: remove, batch } = store;
  store.put = (...args) => telling(put.apply(store, args), path, onFault);
  store.delete = (...args) => telling(remove.apply(store, args), path, onFault);
  store.batch = () => {
    const begun = batch.call(store);
    return { ...begun, commit: (...args) => telling(Promise.resolve(begun.commit(...args)), path, onFault) };
  };
  return store;
}

async function telling<T>(work: Promise<T>, path: string, onFault: OnHostFault): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const trouble = hostFault(error, path) ?? error;
    tellHostFault(trouble, onFault);
    throw trouble;
  }
}
