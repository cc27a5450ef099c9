/** What a log line may look like, whatever it is given, and how often it may come. */
import { expect, test } from 'vitest';
import { type Clock, createLog, FedaiError, systemClock } from '../../core/index.ts';

function logged(nowMs = () => 0) {
  const lines: string[] = [];
  const clock: Clock = { now: nowMs, setTimer: systemClock.setTimer };
  return { lines, log: createLog((line) => lines.push(line), 'debug', { part: 'test' }, clock) };
}

test('a line is one line and keeps its head, whatever a stranger sends', () => {
  const { lines, log } = logged();
  const evil = 'a\nb\r\u2028c\u0085\u001b[2J{"level":"error"}';
  log.warn('peer banned', { reason: evil, level: 'debug', message: 'forged', time: 'never' });
  for (const char of '\n\r\u2028\u0085\u001b') expect(lines[0]).not.toContain(char);
  const parsed = JSON.parse(lines[0]!);
  expect(parsed).toMatchObject({ level: 'warn', message: 'peer banned', part: 'test', reason: evil });
  expect(Object.keys(parsed).slice(0, 3)).toEqual(['time', 'level', 'message']);
});

test('secrets and bytes are not written, at any depth', () => {
  const { lines, log } = logged();
  const privateKey = new Uint8Array(32).fill(0xab);
  const nested = { validatorSecretKey: 'hidden', inner: [{ mnemonic: 'hidden' }, privateKey] };
  log.error('failed', { password: 'hidden', privateKey, nested, testKey: 'hidden', phrase: null });
  log.error('failed', { error: new FedaiError('BAD', 'bad', { dataKey: 'hidden', got: privateKey }) });
  expect(lines.join()).not.toMatch(/hidden|171|abab/);
  expect(JSON.parse(lines[0]!)).toMatchObject({ password: '[redacted]', phrase: null });
  expect(JSON.parse(lines[1]!).error.data).toEqual({ dataKey: '[redacted]', got: '[32 bytes]' });
});

test('a line is bounded, and nothing that is logged throws', () => {
  const { lines, log } = logged();
  const circle: Record<string, unknown> = { wei: 10n ** 30n };
  circle.self = circle;
  log.info('circle', { circle, skipped: () => {} });
  log.info('long', { text: 'x'.repeat(100_000) });
  const wide = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${at}`, 'y'.repeat(5_000)]));
  log.info('wide', wide);
  expect(lines.length).toBe(3);
  for (const line of lines) expect(line.length).toBeLessThan(8_300);
  expect(JSON.parse(lines[2]!)).toMatchObject({ message: 'wide', truncated: expect.any(Number) });
});

test('a flood of one message is cut to a few a minute, and counted', () => {
  let nowMs = 0;
  const { lines, log } = logged(() => nowMs);
  for (let at = 0; at < 500; at++) log.warn('bad peer', { at });
  log.warn('something else');
  expect(lines.length).toBe(21);
  nowMs = 60_000;
  log.warn('bad peer');
  expect(JSON.parse(lines.at(-1)!).suppressed).toBe(480);
  log.warn('bad peer');
  expect(JSON.parse(lines.at(-1)!).suppressed).toBeUndefined();
  for (let at = 0; at < 50; at++) log.debug('why');
  expect(lines.length).toBe(73);
});
