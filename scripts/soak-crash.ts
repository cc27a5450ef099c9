/**
 * `node scripts/soak-crash.ts`: four validators of real processes, killed with SIGKILL at random instants, one or several
 * at a time, over and over. Counts lost blocks (final at some node, later missing or different at any) and double
 * signatures (heard on the wire by a bystander); both must be none.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ConsensusMessage, decodeConsensusMessage } from '../chain/consensus/index.ts';
import { consensusTopic } from '../chain/network/index.ts';
import { ask } from '../cli/devnet/ask.ts';
import { createDisplay } from '../cli/devnet/display.ts';
import { createFleet, type Fleet } from '../cli/devnet/fleet.ts';
import { prepareLayout } from '../cli/devnet/layout.ts';
import { startChain } from '../cli/devnet/network.ts';
import { createOutput } from '../cli/output.ts';
import { keccak256, type SeededRandom, seededRandom, silentLog, sleep, toHex, utf8 } from '../core/index.ts';
import { createPeer, type Peer } from '../storage/index.ts';

const HELP = `usage: node scripts/soak-crash.ts [--kills 200] [--seed 1] [--json]

Kills validators of a four-validator chain with SIGKILL and revives them. Exit code 0 only if no block was lost, nobody
signed twice, and the chain went on after each kill.`;
const VALIDATORS = 4;
const CHAIN_ID = 1337n;
/** A chain that makes no block for this long with all validators up has stopped for good. */
const STANDSTILL_MS = 180_000;
const MOST_DOWN_MS = 2_000;
const MOST_PAUSE_MS = 3_000;

interface Soak {
  fleet: Fleet;
  names: string[];
  rpcs: string[];
  random: SeededRandom;
  /** Block hash by height, as first seen final anywhere. */
  final: Map<number, string>;
  /** Greatest head that each node told of. */
  heads: Map<string, number>;
  /** What was heard, by validator, height, round and step. */
  heard: Map<string, string>;
  lostBlocks: string[];
  doubleSignatures: string[];
}

async function soak(kills: number, seed: number, json: boolean): Promise<number> {
  const root = await mkdtemp(join(tmpdir(), 'fedai-soak-'));
  const output = createOutput(
    { json: true, logLevel: 'error' },
    { stdout: { write() {} }, stderr: process.stderr },
  );
  const stop = new AbortController();
  const layout = await prepareLayout(
    { validators: VALIDATORS, workers: 0, evaluators: 0 },
    { dataDir: root, signal: stop.signal, onProgress: () => {} },
  );
  const display = await createDisplay(output, { names: {} });
  const fleet = createFleet(layout, display);
  let peer: Peer | undefined;
  try {
    const { rpcs, bootstrap } = await startChain({ layout, fleet, display, workInterval: 0, rpcPort: 0 });
    const names = layout.parties.filter(({ role }) => role === 'validator').map(({ name }) => name);
    const random = seededRandom(utf8(`fedai-soak-crash/1 ${seed}`));
    const run: Soak = {
      ...{ fleet, names, rpcs, random, final: new Map(), heads: new Map(), heard: new Map() },
      ...{ lostBlocks: [], doubleSignatures: [] },
    };
    peer = await listen(run, join(root, 'bystander'), bootstrap);
    const started = performance.now();
    let done = 0;
    while (done < kills) {
      done += await strike(run, Math.min(kills - done, drawCount(random)));
      progress(run, done, kills);
    }
    for (const rpc of rpcs) await compare(run, rpc);
    const report = {
      kills: done,
      heights: run.final.size,
      messages: run.heard.size,
      lostBlocks: run.lostBlocks.length,
      doubleSignatures: run.doubleSignatures.length,
      seconds: Math.round((performance.now() - started) / 1000),
    };
    const faults = [...run.lostBlocks, ...run.doubleSignatures];
    process.stdout.write(`${json ? JSON.stringify(report) : Object.entries(report).join('\n')}\n`);
    for (const fault of faults.slice(0, 20)) process.stderr.write(`${fault}\n`);
    return faults.length === 0 ? 0 : 1;
  } finally {
    await peer?.stop();
    await fleet.stopAll();
    await rm(root, { recursive: true, force: true });
  }
}

/** Mostly one; sometimes so many that the chain must stand, or all, as when the power fails. */
const drawCount = (random: SeededRandom): number => random.pick([1, 1, 1, 1, 1, 1, 1, 2, 2, 4]);

/** Kills some, revives them, and waits until the chain has moved. Answers how many were killed. */
async function strike(run: Soak, count: number): Promise<number> {
  const { fleet, names, random } = run;
  const victims = random.shuffle(names).slice(0, count);
  await sleep(random.below(MOST_PAUSE_MS));
  await Promise.all(victims.map((name) => fleet.kill(name)));
  await sleep(random.below(MOST_DOWN_MS));
  const before = Math.max(0, ...run.final.keys());
  const revived = await Promise.all(
    victims.map(async (name) => ({ name, ready: await fleet.revive(name).first('ready') })),
  );
  for (const { name, ready } of revived) {
    const rpc = run.rpcs[names.indexOf(name)]!;
    const had = run.heads.get(rpc) ?? 0;
    if (Number(ready.height) < had) run.lostBlocks.push(`${name} had block ${had}, has ${ready.height}`);
    await compare(run, rpc);
  }
  const until = performance.now() + STANDSTILL_MS;
  while (Math.max(0, ...run.final.keys()) <= before) {
    if (performance.now() > until) throw new TypeError(`no block after height ${before}: the chain stands`);
    await sleep(250);
    for (const rpc of run.rpcs) await note(run, rpc);
  }
  return victims.length;
}

const hashAt = async (rpc: string, height: number): Promise<string | undefined> =>
  (await ask<{ hash: string }>(rpc, 'eth_getBlockByNumber', [`0x${height.toString(16)}`, false]))?.hash;

/** Remembers the head of a node as final. */
async function note(run: Soak, rpc: string): Promise<void> {
  const head = (await ask<{ height: number }>(rpc, 'fedai_status'))?.height;
  if (head === undefined) return;
  run.heads.set(rpc, Math.max(head, run.heads.get(rpc) ?? 0));
  if (run.final.has(head)) return;
  const hash = await hashAt(rpc, head);
  if (hash !== undefined) run.final.set(head, hash);
}

/** A node's chain against everything that was final; what it has not caught up with yet is no loss. */
async function compare(run: Soak, rpc: string): Promise<void> {
  const head = (await ask<{ height: number }>(rpc, 'fedai_status'))?.height ?? 0;
  for (const [height, hash] of run.final) {
    if (height > head) continue;
    const got = await hashAt(rpc, height);
    if (got !== undefined && got !== hash)
      run.lostBlocks.push(`${rpc}: block ${height} is ${got}, was ${hash}`);
  }
  await note(run, rpc);
}

/** A host that votes for nothing and hears all that is said. */
async function listen(run: Soak, dataDir: string, bootstrap: string): Promise<Peer> {
  const peer = await createPeer({
    dataDir,
    peerPrivateKey: new Uint8Array(32).fill(77),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap: [bootstrap],
    log: silentLog,
  });
  peer.gossip.subscribe(consensusTopic(CHAIN_ID), async (bytes) => {
    const message = decodeConsensusMessage(bytes);
    // Each round has one proposer, so a proposal needs no name.
    const author = message.kind === 'vote' ? `${message.validator} ${message.type}` : 'proposal';
    const key = `${message.height}/${message.round} ${author}`;
    const content = contentOf(message);
    const before = run.heard.get(key);
    if (before !== undefined && before !== content)
      run.doubleSignatures.push(`${key}: ${before} and ${content}`);
    run.heard.set(key, content);
    return { verdict: 'accept' };
  });
  return peer;
}

const contentOf = (message: ConsensusMessage): string =>
  message.kind === 'vote'
    ? message.blockHash === null
      ? 'nil'
      : toHex(message.blockHash)
    : `${toHex(keccak256(message.header))} ${message.validRound}`;

function progress(run: Soak, done: number, kills: number): void {
  const height = Math.max(0, ...run.final.keys());
  const faults = `${run.lostBlocks.length} lost blocks, ${run.doubleSignatures.length} double signatures`;
  process.stderr.write(`${done} of ${kills} kills, height ${height}, ${faults}\n`);
}

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(`${HELP}\n`);
else process.exitCode = await soak(Number(values.kills), Number(values.seed), values.json);
