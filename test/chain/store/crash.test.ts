import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApplication } from '../../../chain/index.ts';
import { equalBytes, fromHex, seededRandom, utf8 } from '../../../core/index.ts';
import { decideOne, soloSpec, testAccount } from '../../support/soloChain.ts';

const writer = fileURLToPath(new URL('../../support/crashWriter.ts', import.meta.url));
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-crash-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Kills the writer at a moment of its own; resolves with the last height that it said was on disk. */
async function runAndKill(afterBlocks: number, delayMs: number): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, [writer, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let reported = 0;
  let lines = 0;
  let armed = false;
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.trim().split('\n')) {
      reported = Math.max(reported, Number(line));
      lines++;
    }
    if (armed || lines < afterBlocks) return;
    armed = true;
    setTimeout(() => child.kill('SIGKILL'), delayMs);
  });
  const [, signal] = await once(child, 'exit');
  expect(signal).toBe('SIGKILL');
  return reported;
}

test('a process killed while it commits leaves a whole chain, and no reported block is lost', async () => {
  const random = seededRandom(utf8('crash'));
  const spec = await soloSpec();
  let height = 0;
  // Each start of a process takes seconds on a busy machine; cuts of the log at many places are in test/host/damage.
  for (let round = 0; round < 3; round++) {
    const reported = await runAndKill(2 + random.below(6), random.below(25));
    const application = await createApplication({ spec, directory });
    try {
      const head = application.head.height;
      expect(head).toBeGreaterThanOrEqual(reported);
      expect(head).toBeGreaterThan(height);
      for (let at = height + 1; at <= head; at++) {
        const block = application.store.block(at)!;
        const parent = application.store.block(at - 1)!;
        expect(equalBytes(block.header.parentHash, parent.header.hash())).toBe(true);
        expect(application.store.receipts(at)!.length).toBe(block.transactions.length);
        expect(application.store.commit(at)!.height).toBe(at);
        expect(application.store.heightOf(block.header.hash())).toBe(at);
        // Every account, read through the trie of that height.
        const sender = application.stateAt(block.header.stateRoot).account(fromHex(testAccount(1).address));
        expect(sender.nonce).toBeGreaterThan(0n);
      }
      expect(application.store.block(head + 1)).toBeUndefined();
      expect(application.store.receipts(head + 1)).toBeUndefined();
      await decideOne(application);
      height = application.head.height;
    } finally {
      await application.close();
    }
  }
}, 300_000);
