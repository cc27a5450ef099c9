import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const NAME = /\b(?:eth|net|web3|txpool|debug|fedai)_[a-zA-Z0-9]+/g;

test('the page on JSON-RPC names every method, and no other', () => {
  const folder = join(ROOT, 'chain/rpc/methods');
  const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const served = sources.flatMap((source) =>
    [...source.matchAll(/^\s+((?:eth|net|web3|txpool|debug|fedai)_[a-zA-Z0-9]+):/gm)].map(
      ([, name]) => name!,
    ),
  );
  const named = readFileSync(join(ROOT, 'docs/rpc.md'), 'utf8').match(NAME)!;
  expect(new Set(named)).toEqual(new Set([...served, 'eth_subscribe', 'eth_unsubscribe']));
});
