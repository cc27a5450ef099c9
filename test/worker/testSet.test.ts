/** The hidden set and a worker: it can fetch every byte that lies on the network, and reads none of it with any key it has. */
import { expect, test } from 'vitest';
import { fromHex, type Hex, unwrapKey, utf8, wrapKey } from '../../core/index.ts';
import { deriveKeys, generateMnemonic, type KeySet } from '../../core/keys/index.ts';
import { keyContext } from '../../market/index.ts';
import { createMemoryStore, importDataset, openDataset } from '../../storage/index.ts';
import { toyRecords } from '../support/toy.ts';

const domain = { chainId: 1337n, jobManager: `0x${'22'.repeat(20)}` as Hex };
const JOB = 1n;
const about = { name: 'toy', licence: 'CC0-1.0' };

test('a worker with its own keys cannot read the test set, an evaluator with the delivered one can', async () => {
  const content = await createMemoryStore();
  const [worker, evaluator] = await Promise.all([newKeys(), newKeys()]);
  const testKey = crypto.getRandomValues(new Uint8Array(32));
  const dataKey = crypto.getRandomValues(new Uint8Array(32));
  const hidden = toyRecords(64, 'test');
  const train = await importDataset(content, toyRecords(64, 'train'), { ...about, encryptKey: dataKey });
  const set = await importDataset(content, hidden, { ...about, encryptKey: testKey });

  const forEvaluator = keyContext('test', domain, JOB, evaluator.evm.address);
  const forWorker = keyContext('data', domain, JOB, worker.evm.address);
  const delivered = await wrapKey(evaluator.reader.publicKey, testKey, forEvaluator);
  const own = await wrapKey(worker.reader.publicKey, dataKey, forWorker);

  // What an evaluator gets opens the set; what the worker gets opens the training set and no other.
  const opened = await unwrapKey(evaluator.reader.privateKey, delivered, forEvaluator);
  expect((await (await openDataset(content, set.manifestCid, { key: opened })).all()).labels).toEqual(
    hidden.labels,
  );
  const workerKey = await unwrapKey(worker.reader.privateKey, own, forWorker);
  expect((await openDataset(content, train.manifestCid, { key: workerKey })).count).toBe(64);
  await expect(openDataset(content, set.manifestCid, { key: workerKey })).rejects.toMatchObject({
    code: 'BAD_KEY',
  });

  // The evaluator's wrapped key is public, on chain: none of the worker's secrets opens it, in either context.
  for (const secret of secretsOf(worker)) {
    for (const context of [forEvaluator, forWorker, keyContext('test', domain, JOB, worker.evm.address)]) {
      await expect(unwrapKey(secret, delivered, context)).rejects.toMatchObject({ code: 'CANNOT_UNWRAP' });
    }
    await expect(openDataset(content, set.manifestCid, { key: secret })).rejects.toMatchObject({
      code: 'BAD_KEY',
    });
  }
  await expect(openDataset(content, set.manifestCid)).rejects.toMatchObject({ code: 'BAD_KEY' });

  // Nor does any block hold a record in the clear, nor the manifest more than what everyone may know.
  for (const cid of [set.manifestCid, ...set.cids]) {
    const bytes = Buffer.from(await content.getBytes(cid, { maxBytes: 2 ** 20 }));
    expect(bytes.includes(Buffer.from(hidden.inputs.subarray(0, 16)))).toBe(false);
    expect(bytes.includes(Buffer.from(testKey))).toBe(false);
    expect(bytes.includes(Buffer.from(utf8(Buffer.from(testKey).toString('hex'))))).toBe(false);
  }
});

const newKeys = (): Promise<KeySet> => deriveKeys(generateMnemonic());

/** Every 32-byte secret that a worker holds. */
const secretsOf = ({ evm, peer, nostr, reader, validator }: KeySet): Uint8Array[] => [
  evm.privateKey,
  peer.privateKey,
  nostr.privateKey,
  reader.privateKey,
  validator.secretKey,
  fromHex(`0x${'00'.repeat(31)}01`),
];
