/** Loaded before a process: its clock is off by FEDAI_TEST_JUMPS' first number of hours, and each SIGUSR2 sets it to the next. */
const hours = (process.env.FEDAI_TEST_JUMPS ?? '0').split(',').map(Number);
const HOUR_MS = 3_600_000;
const SystemDate = Date;
const now = SystemDate.now.bind(SystemDate);
let offMs = (hours.shift() ?? 0) * HOUR_MS;

globalThis.Date = new Proxy(SystemDate, {
  construct: (target, args) => Reflect.construct(target, args.length === 0 ? [now() + offMs] : args),
  get: (target, key) => (key === 'now' ? () => now() + offMs : Reflect.get(target, key)),
});
process.on('SIGUSR2', () => {
  offMs = (hours.shift() ?? 0) * HOUR_MS;
  process.stderr.write(`clock ${offMs}\n`);
});
