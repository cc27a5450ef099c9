import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Contract, JsonRpcProvider } from 'ethers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ChainSpec,
  createGenesis,
  loadChainSpec,
  parseChainSpec,
  saveChainSpec,
} from '../../../chain/index.ts';
import { proofOfPossession } from '../../../core/bls/index.ts';
import { fromHex, sha256, toHex, utf8 } from '../../../core/index.ts';
import { soloSecret, soloSpec, startSoloChain } from '../../support/soloChain.ts';

let spec: ChainSpec;
let folder: string;
beforeAll(async () => {
  spec = await soloSpec();
  folder = await mkdtemp(join(tmpdir(), 'fedai-spec-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const work = { everyBlocks: 10, maxReplayGas: 1_000, maxBundleBytes: 1_000 };

describe('chain spec', () => {
  test('is the same for the same input, and survives its file', async () => {
    expect(await soloSpec()).toEqual(spec);
    const path = join(folder, 'chain.json');
    await saveChainSpec(path, spec);
    expect(await loadChainSpec(path)).toEqual(spec);
    const [a, b] = [await createGenesis(spec), await createGenesis(await loadChainSpec(path))];
    expect(toHex(a.hash)).toBe(toHex(b.hash));
    expect(a.validators).toEqual([
      {
        address: spec.validators[0]!.address,
        blsPublicKey: fromHex(spec.validators[0]!.blsPublicKey),
        power: 10_000n * 10n ** 18n,
      },
    ]);
  });

  test('every agreed parameter changes the genesis hash, bootstrap peers do not', async () => {
    const hashOf = async (change: Partial<ChainSpec>) =>
      toHex((await createGenesis(parseChainSpec({ ...spec, ...change }))).hash);
    const hash = await hashOf({});
    expect(await hashOf({ bootstrap: ['/ip4/127.0.0.1/tcp/1'] })).toBe(hash);
    const others = await Promise.all([
      hashOf({ epochBlocks: 601 }),
      hashOf({ consensus: { ...spec.consensus, blockTimeMs: 2000 } }),
      hashOf({ chainId: 5 }),
      hashOf({ name: 'other' }),
      hashOf({ work: { ...work, formats: { 'bfp8@1': 100 } } }),
    ]);
    expect(new Set([hash, ...others]).size).toBe(6);
  });

  test.each([
    ['format', { format: 'fedai-chain/2' }],
    ['chainId', { chainId: 0 }],
    ['gasLimit', { gasLimit: '0x5' }],
    ['consensus.blockTimeMs', { consensus: {} }],
    ['alloc', { alloc: { '0x12': { balance: '1' } } }],
    ['validators', { validators: [] }],
    ['work.formats', { work: { ...work, formats: { 'bfp8@1': -1 } } }],
  ])('names the field that is wrong: %s', (at, change) => {
    expect(() => parseChainSpec({ ...spec, ...change })).toThrowError(
      expect.objectContaining({
        code: 'BAD_CHAIN_SPEC',
        message: expect.stringContaining(at),
        remedy: expect.any(String),
      }),
    );
  });

  test('files that are missing or broken say so', async () => {
    await expect(loadChainSpec(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'NO_CHAIN_SPEC' });
    const broken = join(folder, 'broken.json');
    await writeFile(broken, (await readFile(join(folder, 'chain.json'), 'utf8')).slice(0, 5000));
    await expect(loadChainSpec(broken)).rejects.toMatchObject({ code: 'BAD_JSON' });
  });

  test('a validator that does not prove its BLS key is refused', async () => {
    const [first] = spec.validators;
    const keys = { address: first!.address, blsPublicKey: fromHex(first!.blsPublicKey), stake: 10n ** 22n };
    const secret = sha256(utf8('another')).map((byte, index) => (index === 0 ? 0 : byte));
    const proofs = [
      new Uint8Array(96),
      proofOfPossession(secret, first!.address),
      proofOfPossession(soloSecret, `0x${'12'.repeat(20)}`),
    ];
    for (const proof of proofs) {
      const validators = [{ ...keys, proofOfPossession: proof }];
      await expect(soloSpec({ spec: { validators } })).rejects.toMatchObject({
        code: 'BAD_POSSESSION',
        data: { index: 0 },
        remedy: expect.any(String),
      });
    }
  });

  test('validators that Staking does not know are refused', async () => {
    const validators = [{ ...spec.validators[0]!, power: '1' }];
    await expect(createGenesis({ ...spec, validators })).rejects.toMatchObject({ code: 'BAD_CHAIN_SPEC' });
  });

  test('the contracts live: ownership is with the timelock, the validator has its stake, the beacon is recorded', async () => {
    const chain = await startSoloChain({ mining: 'manual' });
    const provider = new JsonRpcProvider(chain.rpcUrl);
    try {
      const { staking, jobManager, workerRegistry, timelock, beaconHistory } = spec.contracts;
      for (const address of [staking, jobManager, workerRegistry]) {
        const owned = new Contract(address, ['function owner() view returns (address)'], provider);
        expect(await owned.owner!()).toBe(timelock);
      }
      const stakes = new Contract(staking, ['function stakeOf(address) view returns (uint256)'], provider);
      expect(await stakes.stakeOf!(chain.accounts[0]!.address)).toBe(10_000n * 10n ** 18n);
      await chain.mine(3);
      const beacons = new Contract(
        beaconHistory,
        ['function beaconAt(uint256) view returns (bytes32)'],
        provider,
      );
      for (const height of [1, 2, 3]) {
        expect(await beacons.beaconAt!(height)).toBe(
          toHex(chain.application.store.block(height)!.header.mixHash),
        );
      }
      await expect(beacons.beaconAt!(4)).rejects.toMatchObject({ code: 'CALL_EXCEPTION' });
    } finally {
      provider.destroy();
      await chain.stop();
    }
  });
});
