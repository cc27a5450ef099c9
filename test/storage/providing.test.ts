import { CID } from 'multiformats/cid';
import { expect, test } from 'vitest';
import { silentLog, steadyClock } from '../../core/index.ts';
import { createMemoryStore } from '../../storage/index.ts';
import { createProviding } from '../../storage/providing.ts';

const content = await createMemoryStore();
const cidOf = async (text: string) => CID.parse(await content.putBytes(new TextEncoder().encode(text)));

test('tells the same content once in half a day, one walk after the other, and again what could not be told', async () => {
  let now = 0;
  let walking = 0;
  const told: string[] = [];
  let fails = false;
  const routing = {
    async provide(cid: CID) {
      expect(++walking).toBe(1);
      await Promise.resolve();
      walking--;
      if (fails) throw new Error('nobody is there');
      told.push(cid.toString());
    },
  };
  const providing = createProviding(routing, silentLog, { ...steadyClock, now: () => now });
  const [a, b] = await Promise.all([cidOf('a'), cidOf('b')]);
  await Promise.all([providing.tell(a), providing.tell(b), providing.tell(a)]);
  expect(told).toEqual([a.toString(), b.toString()]);
  now = 11 * 3_600_000;
  await providing.tell(a);
  expect(told).toHaveLength(2);
  now = 13 * 3_600_000;
  fails = true;
  await providing.tell(a);
  fails = false;
  await providing.tell(a);
  expect(told).toEqual([a, b, a].map(String));
});

test('leaves out what comes faster than it can be told', async () => {
  let told = 0;
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const routing = { provide: () => gate.then(() => void told++) };
  const providing = createProviding(routing, silentLog);
  const cids = await Promise.all(Array.from({ length: 300 }, (_, i) => cidOf(`many ${i}`)));
  const last = cids.map((cid) => providing.tell(cid)).at(-1);
  open();
  await last;
  expect(told).toBe(256);
});
