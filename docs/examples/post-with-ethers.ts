/**
 * Posts a training job by contract call, with ethers and the contracts' ABI alone: no client code of fedai. It posts the
 * document of an earlier job again (its data is in the network already, its test key is public since it was settled),
 * hands the test key to the evaluators that are drawn, and waits for the score.
 *
 *   PRIVATE_KEY=0x… node docs/examples/post-with-ethers.ts CHAIN_SPEC RPC_URL [EARLIER_JOB]
 */
import { readFileSync } from 'node:fs';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import {
  Contract,
  concat,
  getBytes,
  hexlify,
  JsonRpcProvider,
  toUtf8Bytes,
  Wallet,
  zeroPadValue,
} from 'ethers';
import { jobManagerAbi, workerRegistryAbi } from '../../contracts/generated/index.ts';

/** Values of the contract's JobState. */
const [COMPLETED, FAILED] = [4n, 5n];

const [specFile, rpcUrl, earlier = '1'] = process.argv.slice(2);
if (!specFile || !rpcUrl || !process.env.PRIVATE_KEY) {
  process.stderr.write('usage: PRIVATE_KEY=0x… node post-with-ethers.ts CHAIN_SPEC RPC_URL [EARLIER_JOB]\n');
  process.exit(2);
}
const { contracts } = JSON.parse(readFileSync(specFile, 'utf8'));
const provider = new JsonRpcProvider(rpcUrl, undefined, { pollingInterval: 500 });
const wallet = new Wallet(process.env.PRIVATE_KEY, provider);
const jobs = new Contract(contracts.jobManager, jobManagerAbi, wallet);
const registry = new Contract(contracts.workerRegistry, workerRegistryAbi, provider);

const before = await jobs.getFunction('job')(earlier);
const post = jobs.getFunction('postJob');
const posted = await (await post(before.post.toObject(true), { value: before.reward })).wait();
const jobId: bigint = posted.logs
  .map((log: Parameters<typeof jobs.interface.parseLog>[0]) => jobs.interface.parseLog(log))
  .find((event: { name: string } | null) => event?.name === 'JobPosted').args.jobId;
process.stdout.write(`posted job ${jobId}, reward ${before.reward} wei, block ${posted.blockNumber}\n`);

const delivered = new Set<string>();
for (;;) {
  const { state, agreed } = await jobs.getFunction('job')(jobId);
  if (state >= COMPLETED) {
    process.stdout.write(
      `job ${jobId}: ${agreed.correct}/${agreed.total} correct, model ${agreed.modelHash}\n`,
    );
    process.exit(state === COMPLETED ? 0 : state === FAILED ? 1 : 3);
  }
  for (const evaluator of await jobs.getFunction('evaluatorsOf')(jobId)) {
    if (delivered.has(evaluator)) continue;
    const { readerKey } = await registry.getFunction('nodeOf')(evaluator);
    const wrapped = await wrapKey(
      getBytes(readerKey),
      getBytes(before.testKey),
      await context(jobId, evaluator),
    );
    await (await jobs.getFunction('deliverTestKey')(jobId, evaluator, wrapped)).wait();
    delivered.add(evaluator);
    process.stdout.write(`test key delivered to ${evaluator}\n`);
  }
  await new Promise((resolve) => setTimeout(resolve, 1_000));
}

/** What a wrapped key is bound to, as docs/protocol/job.md says. */
async function context(job: bigint, reader: string): Promise<Uint8Array> {
  const { chainId } = await provider.getNetwork();
  const words = [chainId, job].map((value) => zeroPadValue(`0x${value.toString(16).padStart(64, '0')}`, 32));
  const [chain, id] = words as [string, string];
  return getBytes(concat([toUtf8Bytes('fedai-test-key/1'), chain, contracts.jobManager, id, reader]));
}

/** HPKE (RFC 9180) base mode: X25519, HKDF-SHA256, AES-256-GCM; encapsulated key, then ciphertext. */
async function wrapKey(readerKey: Uint8Array, key: Uint8Array, aad: Uint8Array): Promise<string> {
  const own = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const sender = await suite.createSenderContext({
    recipientPublicKey: await suite.kem.deserializePublicKey(own(readerKey)),
    info: own(toUtf8Bytes('fedai-wrap/1')),
  });
  const sealed = await sender.seal(own(key), own(aad));
  return hexlify(concat([new Uint8Array(sender.enc), new Uint8Array(sealed)]));
}
