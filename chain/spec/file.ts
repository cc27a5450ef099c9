/** Reading and writing chain-spec files. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { FedaiError, parseJson } from '../../core/index.ts';
import { type ChainSpec, parseChainSpec } from './schema.ts';

/** Contract code and storage of a genesis state are some 300 KB; wallets may be many. */
const MAX_SPEC_BYTES = 64 * 1024 * 1024;

/** Throws `NO_CHAIN_SPEC`, `BAD_JSON`, `TOO_LARGE`, `BAD_CHAIN_SPEC`. */
export async function loadChainSpec(path: string): Promise<ChainSpec> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new FedaiError(
      'NO_CHAIN_SPEC',
      'cannot read the chain-spec file',
      { path },
      { cause, remedy: 'check the path, or make a chain spec with `fedai chain spec`' },
    );
  }
  return parseChainSpec(parseJson(bytes, MAX_SPEC_BYTES));
}

/** Writes beside and renames, so that a reader never sees half a file. */
export async function saveChainSpec(path: string, spec: ChainSpec): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  await writeFile(beside, `${JSON.stringify(spec, null, 1)}\n`);
  await rename(beside, path);
}
