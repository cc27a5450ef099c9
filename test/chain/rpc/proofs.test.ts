import { verifyMerkleProof } from '@ethereumjs/mpt';
import { RLP } from '@ethereumjs/rlp';
import { createAccountFromRLP } from '@ethereumjs/util';
import { ContractFactory, JsonRpcProvider, Wallet } from 'ethers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeMethods } from '../../../chain/rpc/methods/node.ts';
import { fromHex, type Hex, keccak256, toHex, uintBytes } from '../../../core/index.ts';
import {
  decodeCommit,
  decodeSection,
  headerFields,
  sectionHash,
  type ValidatorSet,
  validatorSetHash,
  verifyCommit,
} from '../../../light/index.ts';
import { compileToken } from '../../support/compile.ts';
import { type SoloChain, startSoloChain } from '../../support/soloChain.ts';

let chain: SoloChain;
let provider: JsonRpcProvider;
beforeAll(async () => {
  chain = await startSoloChain();
  provider = new JsonRpcProvider(chain.rpcUrl, undefined, { pollingInterval: 50, cacheTimeout: -1 });
});
afterAll(async () => {
  provider.destroy();
  await chain.stop();
});

interface Answer {
  accountProof: Hex[];
  storageHash: Hex;
  storageProof: { key: Hex; value: Hex; proof: Hex[] }[];
}

const proofOf = (account: string, slots: string[], height: number): Promise<Answer> =>
  provider.send('eth_getProof', [account, slots, `0x${height.toString(16)}`]);

const check = (root: Uint8Array, key: Uint8Array, proof: readonly Hex[]) =>
  verifyMerkleProof(
    keccak256(key),
    proof.map((node) => fromHex(node)),
    { root, useKeyHashing: false } as never,
  );

/** The header at a height, trusted by nothing but the validator set of the chain spec. */
async function trustedHeader(height: number) {
  const answer = await provider.send('fedai_getCommit', [height]);
  const fields = headerFields(fromHex(answer.header));
  const set: ValidatorSet = chain.spec.validators.map((one) => ({
    address: one.address,
    blsPublicKey: fromHex(one.blsPublicKey),
    power: BigInt(one.power),
  }));
  const section = decodeSection(fromHex(answer.sectionRlp));
  expect(toHex(sectionHash(section))).toBe(toHex(fields.extraData));
  expect(toHex(section.validatorsHash)).toBe(toHex(validatorSetHash(set)));
  const commit = decodeCommit(fromHex(answer.commitRlp));
  const chainId = BigInt(chain.spec.chainId);
  expect(verifyCommit({ chainId, set, commit, blockHash: fields.hash, height })).toEqual({ ok: true });
  return fields;
}

test('account and storage are proved at old heights against headers that their commit vouches for', async () => {
  const compiled = compileToken();
  await chain.mine();
  const factory = new ContractFactory(
    compiled.abi,
    compiled.bytecode,
    new Wallet(chain.accounts[1]!.privateKey, provider),
  );
  const contract = await factory.deploy(1000n);
  const deployed = (await contract.deploymentTransaction()!.wait())!.blockNumber;
  await chain.mine(3);
  const account = await contract.getAddress();
  // Slot 0 maps accounts to balances, slot 2 is the supply.
  const balanceSlot = toHex(
    keccak256(fromHex(`0x${chain.accounts[1]!.address.slice(2).padStart(64, '0')}${'00'.repeat(32)}`)),
  );
  const absent = `0x${'77'.repeat(32)}`;
  const { stateRoot } = await trustedHeader(deployed);
  const answer = await proofOf(account, [balanceSlot, '0x2', absent], deployed);
  const rlp = await check(stateRoot, fromHex(account), answer.accountProof);
  const storageRoot = createAccountFromRLP(rlp!).storageRoot;
  expect(toHex(storageRoot)).toBe(answer.storageHash);
  expect(answer.storageProof.map((one) => one.value)).toEqual(['0x3e8', '0x3e8', '0x0']);
  const balance = await check(storageRoot, fromHex(balanceSlot), answer.storageProof[0]!.proof);
  expect(RLP.decode(balance!)).toEqual(uintBytes(1000, 2));
  const supply = await check(storageRoot, uintBytes(2, 32), answer.storageProof[1]!.proof);
  expect(RLP.decode(supply!)).toEqual(uintBytes(1000, 2));
  expect(await check(storageRoot, fromHex(absent), answer.storageProof[2]!.proof)).toBeNull();

  const before = await trustedHeader(deployed - 1);
  const nothing = await proofOf(account, [], deployed - 1);
  expect(await check(before.stateRoot, fromHex(account), nothing.accountProof)).toBeNull();
  const broken = [...answer.accountProof];
  broken[0] = `${broken[0]!.slice(0, -2)}${broken[0]!.endsWith('00') ? '01' : '00'}` as Hex;
  await expect(check(stateRoot, fromHex(account), broken)).rejects.toThrow();
});

test('validators and status are told', async () => {
  const [validator] = await provider.send('fedai_getValidators', ['latest']);
  expect(validator.address).toBe(chain.accounts[0]!.address);
  expect(BigInt(validator.power)).toBe(BigInt(chain.spec.validators[0]!.power));
  const status = await provider.send('fedai_status', []);
  expect(status.height).toBe(await provider.getBlockNumber());
  expect(status.contracts).toEqual(chain.spec.contracts);
  expect(await provider.send('fedai_getCommit', [99_999])).toBeNull();
});

test('eth_syncing tells where the catch-up began, and false when there is none', async () => {
  const answer = async (status: object) => {
    const context = { application: chain.application, status: () => status };
    return await nodeMethods(context as unknown as Parameters<typeof nodeMethods>[0]).eth_syncing!([]);
  };
  const currentBlock = `0x${chain.application.head.height.toString(16)}`;
  expect(await answer({ syncing: true, startingHeight: 17, bestKnownHeight: 300 })).toEqual({
    startingBlock: '0x11',
    currentBlock,
    highestBlock: '0x12c',
  });
  expect(await answer({ syncing: false, startingHeight: null, bestKnownHeight: 300 })).toBe(false);
});
