/** The library of BLS signatures: against other people's libraries, and alike on our execution and on EDR, gas included. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { getBytes, getCreateAddress, Interface, JsonRpcProvider, Wallet } from 'ethers';
import { network } from 'hardhat';
import { blsPublicKey, blsSign, evmPublicKey, evmSignature } from '../../core/bls/index.ts';
import { concatBytes, seededRandom, toHex, uintBytes, utf8 } from '../../core/index.ts';
import { compileContract } from '../support/compile.ts';
import { type SoloChain, startSoloChain } from '../support/soloChain.ts';

const HARNESS = `// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;
import {Bls} from "contracts/libraries/Bls.sol";
contract Harness {
    event Answer(bytes value);
    function verify(bytes memory key, bytes memory message, bytes memory signature) external {
        emit Answer(abi.encode(Bls.verify(key, message, signature)));
    }
    function compress(bytes memory key) external { emit Answer(Bls.compress(key)); }
    function hashToG2(bytes memory message) external { emit Answer(Bls.hashToG2(message)); }
}`;
const DST = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_';
const GWEI = 10n ** 9n;
const GAS = 2_000_000n;

interface Receipt {
  status: string;
  gasUsed: string;
  logs: { data: string }[];
}

const random = seededRandom(utf8('bls in Solidity'));
const randomBytes = (length: number) => Uint8Array.from({ length }, () => random.below(256));
const newSecret = () => randomBytes(32).with(0, 0);
const coordinates = (...elements: bigint[]) => concatBytes(...elements.map((one) => uintBytes(one, 64)));

/** By @noble/curves, whose own tests are the vectors of RFC 9380. */
function nobleHash(message: Uint8Array): Uint8Array {
  const { x, y } = bls12_381.G2.hashToCurve(message, { DST }).toAffine();
  return coordinates(x.c0, x.c1, y.c0, y.c1);
}

describe('BLS signatures in Solidity', () => {
  const { abi, bytecode } = compileContract('Harness', HARNESS, {
    'contracts/libraries/Bls.sol': readFileSync('contracts/libraries/Bls.sol', 'utf8'),
  });
  const harness = new Interface(abi);
  let chain: SoloChain;
  let ours: JsonRpcProvider;
  let edr: Awaited<ReturnType<typeof network.create>>['provider'];
  let wallet: Wallet;
  let nonce = 0;

  before(async () => {
    chain = await startSoloChain({ mining: 'manual' });
    ours = new JsonRpcProvider(chain.rpcUrl, undefined, { cacheTimeout: -1, staticNetwork: true });
    ({ provider: edr } = await network.create());
    wallet = new Wallet(chain.accounts[1]!.privateKey);
    await edr.request({ method: 'hardhat_setBalance', params: [wallet.address, '0xde0b6b3a7640000'] });
    await run(null, bytecode);
  });
  after(async () => {
    ours.destroy();
    await chain.stop();
  });

  /** The same transaction on both; their receipts must be alike. Answers the value, or undefined for a revert. */
  async function run(to: string | null, data: string): Promise<Uint8Array | undefined> {
    const fields = { type: 2, chainId: 31_337, nonce: nonce++, to, data, gasLimit: GAS };
    const fees = { maxFeePerGas: 20n * GWEI, maxPriorityFeePerGas: 0n };
    const raw = await wallet.signTransaction({ ...fields, ...fees });
    const hash = await ours.send('eth_sendRawTransaction', [raw]);
    await chain.mine();
    await edr.request({ method: 'eth_sendRawTransaction', params: [raw] }).catch(() => undefined);
    const [mine, theirs] = (await Promise.all([
      ours.send('eth_getTransactionReceipt', [hash]),
      edr.request({ method: 'eth_getTransactionReceipt', params: [hash] }),
    ])) as [Receipt, Receipt];
    const pick = ({ status, gasUsed, logs }: Receipt) => ({
      status,
      gasUsed: BigInt(gasUsed),
      logs: logs.map((log) => log.data),
    });
    assert.deepEqual(pick(mine), pick(theirs));
    if (to === null || BigInt(mine.status) === 0n) return undefined;
    return getBytes(harness.decodeEventLog('Answer', mine.logs[0]!.data)[0]);
  }
  const ask = (method: string, ...args: Uint8Array[]) =>
    run(getCreateAddress({ from: wallet.address, nonce: 0 }), harness.encodeFunctionData(method, args));

  it('hashes to the curve as other libraries do', async () => {
    for (const length of [0, 1, 31, 32, 86, 90, 96, 300]) {
      const message = randomBytes(length);
      assert.equal(toHex((await ask('hashToG2', message))!), toHex(nobleHash(message)));
    }
  });

  it('compresses keys with y in either half', async () => {
    const signs = new Set<boolean>();
    for (let i = 0; i < 8; i++) {
      const key = blsPublicKey(newSecret());
      signs.add((key[0]! & 0x20) !== 0);
      assert.equal(toHex((await ask('compress', evmPublicKey(key)))!), toHex(key));
    }
    assert.equal(signs.size, 2);
  });

  it('takes the signatures of blst and of noble, and no others', async () => {
    for (const length of [0, 90, 300]) {
      const [secret, message] = [newSecret(), randomBytes(length)];
      const key = evmPublicKey(blsPublicKey(secret));
      const blst = evmSignature(blsSign(message, secret));
      const scheme = bls12_381.longSignatures;
      const point = scheme.sign(scheme.hash(message, DST), secret);
      assert.equal(toHex(evmSignature(scheme.Signature.toBytes(point))), toHex(blst));
      const answer = async (...args: [Uint8Array, Uint8Array, Uint8Array]) =>
        (await ask('verify', ...args))?.at(-1);
      assert.equal(await answer(key, message, blst), 1);
      assert.equal(await answer(key, concatBytes(message, Uint8Array.of(0)), blst), 0);
      assert.equal(await answer(evmPublicKey(blsPublicKey(newSecret())), message, blst), 0);
      assert.equal(await answer(key, message, evmSignature(blsSign(message, newSecret()))), 0);
    }
  });

  it('refuses points that are malformed, off the curve or outside the group', async () => {
    const [secret, message] = [newSecret(), randomBytes(90)];
    const key = evmPublicKey(blsPublicKey(secret));
    const signature = evmSignature(blsSign(message, secret));
    const p = bls12_381.fields.Fp.ORDER;
    const { x, y } = bls12_381.G2.Point.fromBytes(blsSign(message, secret)).toAffine();
    const outside = outsideTheGroups();
    const bad: [Uint8Array, Uint8Array][] = [
      [key.subarray(1), signature],
      [new Uint8Array(128), signature],
      [key.with(0, 1), signature],
      [key.with(127, key[127]! ^ 1), signature],
      [outside.g1, signature],
      [key, signature.subarray(0, 192)],
      [key, new Uint8Array(256)],
      [key, coordinates(x.c0 + p, x.c1, y.c0, y.c1)],
      [key, coordinates(x.c1, x.c0, y.c0, y.c1)],
      [key, outside.g2],
    ];
    for (const [badKey, badSignature] of bad) {
      assert.equal(await ask('verify', badKey, message, badSignature), undefined);
    }
  });
});

/** Points on the curves whose order is not the groups'. */
function outsideTheGroups(): { g1: Uint8Array; g2: Uint8Array } {
  const { Fp, Fp2 } = bls12_381.fields;
  const search = <T>(at: (x: bigint) => T): T => {
    for (let x = 1n; ; x++) {
      try {
        return at(x);
      } catch {}
    }
  };
  const g1 = search((x) => {
    const y = Fp.sqrt(Fp.add(Fp.pow(x, 3n), 4n));
    return coordinates(x, y);
  });
  const g2 = search((c0) => {
    const x = Fp2.fromBigTuple([c0, 1n]);
    const y = Fp2.sqrt(Fp2.add(Fp2.pow(x, 3n), Fp2.fromBigTuple([4n, 4n])));
    return coordinates(x.c0, x.c1, y.c0, y.c1);
  });
  return { g1, g2 };
}
