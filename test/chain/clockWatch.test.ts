import { expect, test } from 'vitest';
import { createClockWatch } from '../../chain/clock-watch.ts';
import { createLog } from '../../core/index.ts';

const HOUR_MS = 3_600_000;

function watched() {
  const at = { wallMs: 1_800_000_000_000, steadyMs: 0 };
  const lines: string[] = [];
  const setTimer = () => ({ cancel() {} });
  const watch = createClockWatch({
    clock: { now: () => at.wallMs, setTimer },
    steady: { now: () => at.steadyMs, setTimer },
    log: createLog((line) => lines.push(line)),
  });
  /** Blocks that others made `offMs` from this machine's time. */
  const look = (offMs: number, about: { isOwn?: boolean; isLive?: boolean; isLeast?: boolean } = {}) => {
    const timestamp = Math.floor((at.wallMs + offMs) / 1000);
    const { isOwn = false, isLive = true, isLeast = false } = about;
    watch.look({ timestamp, parentTimestamp: timestamp - (isLeast ? 1 : 2), isOwn, isLive });
  };
  return { at, lines, look };
}

test('a clock that is off by hours is told of once an hour, however it is set meanwhile', () => {
  const { at, lines, look } = watched();
  for (let i = 0; i < 10; i++) look(-2 * HOUR_MS);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: 'warn',
    aheadSeconds: 7200,
    remedy: expect.any(String),
  });
  at.wallMs -= 4 * HOUR_MS;
  for (let i = 0; i < 10; i++) look(2 * HOUR_MS);
  expect(lines).toHaveLength(1);
  at.steadyMs += HOUR_MS;
  look(2 * HOUR_MS);
  expect(JSON.parse(lines[1]!)).toMatchObject({ aheadSeconds: -7200 });
});

test('own blocks, old blocks, single ones and those of a chain faster than the clock say nothing', () => {
  const { lines, look } = watched();
  for (let i = 0; i < 10; i++) {
    look(-2 * HOUR_MS, { isOwn: true });
    look(-2 * HOUR_MS, { isLive: false });
    look(2 * HOUR_MS, { isLeast: true });
    look(2 * HOUR_MS);
    look(-1_000);
  }
  expect(lines).toEqual([]);
});
