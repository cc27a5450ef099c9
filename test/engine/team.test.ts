import { describe, expect, it } from 'vitest';
import { loadModule } from '../../engine/wasm/machine.ts';
import { createTeam, type Exports } from '../../engine/wasm/team.ts';

const PAGE_BYTES = 65_536;
const WORDS = 64;

async function setUp() {
  const module = await loadModule('sharedPlain');
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 65_536, shared: true });
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
  const team = createTeam(2);
  const owner = {};
  const machine = team.join(owner, module, memory, [PAGE_BYTES]);
  /** Inputs 1 and outputs 0, i16; part p is words 8p … 8p + 7. */
  const [from, to] = [PAGE_BYTES + 1024, PAGE_BYTES + 2048];
  new Int16Array(memory.buffer, from, WORDS).fill(1);
  const out = new Int16Array(memory.buffer, to, WORDS);
  const pieces = [0, 1].map((p) => [from + 16 * p, to + 16 * p, 8]);
  return { team, owner, machine, exports, out, pieces };
}

describe('a team of threads', () => {
  it('has its helper take a part while the caller is busy with another', async () => {
    const { team, machine, exports, out, pieces } = await setUp();
    let mine = 0;
    const busy: Exports = {
      ...exports,
      relu(...args) {
        mine++;
        // Whichever part is ours: the helper's must appear while we are in it.
        const other = args[0] === pieces[0]![0] ? 8 : 0;
        const until = Date.now() + 60_000;
        while (Atomics.load(out, other) === 0 && Date.now() < until);
        return exports.relu!(...args);
      },
    };
    team.call(machine, busy, 'relu', pieces);
    expect(mine).toBeLessThan(2);
    expect([...out.subarray(0, 16)]).toEqual(new Array(16).fill(1));
  });

  it('does every part once, whoever does it, call after call', async () => {
    const { team, machine, exports, out, pieces } = await setUp();
    for (let round = 0; round < 300; round++) {
      out.fill(0);
      team.call(machine, exports, 'relu', pieces);
      expect(out.subarray(0, 16).every((x) => x === 1)).toBe(true);
    }
  });

  it('reports a kernel that leaves its memory', async () => {
    const { team, machine, exports } = await setUp();
    expect(() => team.call(machine, exports, 'relu', [[-64, PAGE_BYTES, 8]])).toThrow('left its memory');
  });
});
