import { expect, test } from 'vitest';
import { FedaiError, hostFault, isHostFault, steadyClock, tellHostFault } from '../../core/index.ts';

const system = (code: string, extra = {}) => Object.assign(new Error(code), { code, ...extra });

test('names the machine’s trouble however deep it lies', () => {
  const cases: [unknown, string][] = [
    [system('ENOSPC'), 'DISK_FULL'],
    [system('EDQUOT'), 'DISK_FULL'],
    [system('EFBIG'), 'DISK_FULL'],
    [system('EMFILE'), 'TOO_MANY_FILES'],
    [system('EROFS'), 'READ_ONLY'],
    [system('LEVEL_CORRUPTION'), 'DATA_DAMAGED'],
    [
      Object.assign(new Error('IO error: a/000003.log: No space left on device'), { code: 'LEVEL_IO_ERROR' }),
      'DISK_FULL',
    ],
    [
      Object.assign(new Error('Error: IO error: x: No space left on device'), { name: 'PutFailedError' }),
      'DISK_FULL',
    ],
    [new Error('outer', { cause: new FedaiError('X', 'x', {}, { cause: system('ENOSPC') }) }), 'DISK_FULL'],
  ];
  for (const [error, code] of cases) {
    const fault = hostFault(error, '/data');
    expect(fault).toMatchObject({ code, data: { path: '/data' }, remedy: expect.any(String) });
    expect(isHostFault(fault)).toBe(true);
    expect(hostFault(fault)).toBe(fault);
  }
});

test('believes no stranger’s words', () => {
  const told = 'IO error: No space left on device';
  expect(hostFault(new FedaiError('RPC_ERROR', told))).toBeUndefined();
  expect(hostFault(new Error(told))).toBeUndefined();
  expect(hostFault(system('EACCES', { syscall: 'listen' }))).toBeUndefined();
  expect(hostFault('ENOSPC')).toBeUndefined();
});

test('too many open files pass; the rest is told to whoever ends the process', () => {
  const told: string[] = [];
  for (const code of ['EMFILE', 'ENOSPC', 'ECONNRESET'])
    tellHostFault(system(code), (fault) => told.push(fault.code));
  expect(told).toEqual(['DISK_FULL']);
});

test('the steady clock is the system’s at the start and does not follow it', () => {
  expect(Math.abs(steadyClock.now() - Date.now())).toBeLessThan(3_600_000);
  const { now } = Date;
  const before = steadyClock.now();
  try {
    Date.now = () => 0;
    expect(steadyClock.now()).toBeGreaterThanOrEqual(before);
  } finally {
    Date.now = now;
  }
});
