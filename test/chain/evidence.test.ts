/** From two contradicting votes on the network to a slash that another node's state shows. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Contract, JsonRpcProvider } from 'ethers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { encodeConsensusMessage } from '../../chain/consensus/index.ts';
import { type ChainNode, type ChainSpec, createChainNode, createChainSpec } from '../../chain/index.ts';
import { consensusTopic } from '../../chain/network/index.ts';
import { stakingAbi } from '../../contracts/generated/index.ts';
import { blsPublicKey, blsSign, proofOfPossession } from '../../core/bls/index.ts';
import { fromHex, type Hex, sha256, silentLog, utf8 } from '../../core/index.ts';
import { voteSignBytes } from '../../light/index.ts';
import { createPeer, type Peer } from '../../storage/index.ts';
import { until } from '../storage/until.ts';
import { testAccount } from '../support/soloChain.ts';
import { type TestValidator, testValidators } from './network-spec.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const TRAIN = 10n ** 18n;
/** More than two thirds of the stake: this one decides alone, whether the witness runs or not. */
const DECIDER_STAKE = 10_000n * TRAIN;
const STAKE = 1_000n * TRAIN;
const SLASHED = STAKE / 20n;
const ACCUSED_INDEX = 2;

const [decider, witness, accused] = testValidators(3) as [TestValidator, TestValidator, TestValidator];
/** The witness's own account, with coins. */
const account = testAccount(1);
witness.address = account.address;
let spec: ChainSpec;
let directory: string;
let decides: ChainNode;
let witnesses: ChainNode;
let provider: JsonRpcProvider;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-evidence-'));
  spec = await createChainSpec({
    name: 'evidence',
    chainId: 31_339,
    genesisTimeMs: Date.now() - 600_000,
    balances: { [account.address]: TRAIN },
    consensus: { blockTimeMs: 400, proposeTimeoutMs: 500, prevoteTimeoutMs: 300, precommitTimeoutMs: 300 },
    validators: [
      { ...decider, stake: DECIDER_STAKE },
      { ...witness, stake: STAKE },
      { ...accused, stake: STAKE },
    ].map(({ secretKey, address, stake }) => ({
      address,
      blsPublicKey: blsPublicKey(secretKey),
      proofOfPossession: proofOfPossession(secretKey, address),
      stake,
    })),
  });
  decides = await startNode('decider', [], decider);
  witnesses = await startNode('witness', decides.addresses(), witness);
  provider = new JsonRpcProvider(decides.rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1 });
});
afterAll(async () => {
  provider?.destroy();
  await Promise.all([witnesses?.stop(), decides?.stop()]);
  await rm(directory, { recursive: true, force: true });
});

function startNode(
  name: string,
  bootstrap: string[],
  { secretKey, address }: TestValidator,
  evmPrivateKey?: Uint8Array,
): Promise<ChainNode> {
  return createChainNode({
    spec,
    dataDir: join(directory, name),
    keys: { validatorSecretKey: secretKey, address, ...(evmPrivateKey && { evmPrivateKey }) },
    peerPrivateKey: sha256(utf8(name)),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap,
    rpc: { host: '127.0.0.1', port: 0 },
    log: silentLog,
  });
}

/** The accused's prevotes for nothing and for a made-up block, at `height`. */
function contradiction(height: number): Uint8Array[] {
  return [null, sha256(utf8(`block ${height}`))].map((blockHash) => {
    const vote = { type: 'prevote' as const, height, round: 0, blockHash };
    const signBytes = voteSignBytes({ chainId: BigInt(spec.chainId), ...vote });
    const signature = blsSign(signBytes, accused.secretKey);
    return encodeConsensusMessage({ kind: 'vote', ...vote, validator: ACCUSED_INDEX, signature, attempt: 0 });
  });
}

const evidenceAt = async (node: ChainNode) => {
  const rpc = new JsonRpcProvider(node.rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1 });
  const cases: { height: number; status: string; account: Hex }[] = await rpc.send('fedai_getEvidence', []);
  rpc.destroy();
  return cases;
};

test('two contradicting votes cost their validator its share, also when the witness restarts first', async () => {
  const twin: Peer = await createPeer({
    dataDir: join(directory, 'twin'),
    peerPrivateKey: sha256(utf8('twin')),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap: witnesses.addresses(),
    log: silentLog,
  });
  const topic = consensusTopic(BigInt(spec.chainId));
  twin.gossip.subscribe(topic, async () => ({ verdict: 'accept' }));
  await until(() => twin.gossip.listeners(topic).includes(witnesses.peerId));
  // Votes of the next height are kept until it opens, so one of these comes in time.
  await until(async () => {
    for (const message of contradiction(witnesses.status().consensusHeight + 1)) {
      await twin.gossip.publish(topic, message);
    }
    return (await evidenceAt(witnesses)).length > 0;
  }, 200);
  await twin.stop();
  const [first] = await evidenceAt(witnesses);
  expect(first).toMatchObject({
    validator: ACCUSED_INDEX,
    account: accused.address,
    kind: 'prevote',
    status: 'open',
  });

  await witnesses.stop();
  witnesses = await startNode('witness', decides.addresses(), witness, fromHex(account.privateKey));
  const staking = new Contract(spec.contracts.staking, stakingAbi, provider);
  await until(() => staking.isJailed!(accused.address), 200);
  // Several heights may have been contradicted; each costs its share of what is left.
  expect(await staking.stakeOf!(accused.address)).toBeLessThanOrEqual(STAKE - SLASHED);
  expect(await staking.isPunished!(accused.address, 0, first!.height, 0)).toBe(true);
  const active: { account: string }[] = await staking.validators!();
  expect(active.map((one) => one.account.toLowerCase())).toEqual([decider.address, witness.address]);
  await until(async () => (await evidenceAt(witnesses)).every((one) => one.status === 'punished'), 200);
});
