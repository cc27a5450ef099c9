/** Asking others what they hold of a validator that starts: who answers with no answer at all is to blame, nobody else is. */
import { expect, test } from 'vitest';
import { createWitnesses } from '../../chain/network/index.ts';
import { accept, FedaiError, ignore, reject, silentLog, utf8 } from '../../core/index.ts';
import { createPeerScores, PENALTY } from '../../net/index.ts';

test('a rejected answer costs its sender; one that proves nothing, or none, costs nothing', async () => {
  const scores = createPeerScores();
  const told: Record<string, string> = { liar: 'junk', stranger: 'of a later set', honest: 'proven' };
  const requests = {
    request: async (id: string) => {
      const text = told[id];
      if (text === undefined) throw new FedaiError('REQUEST_TIMEOUT', 'late');
      return utf8(text);
    },
  };
  const peers = ['liar', 'absent', 'stranger', 'honest'];
  const witnesses = createWitnesses({ requests, scores } as never, () => peers, silentLog);
  const taken: string[] = [];
  await witnesses.ask(utf8('question'), (bytes) => {
    const text = new TextDecoder().decode(bytes);
    taken.push(text);
    if (text === 'junk') return reject('not an answer');
    return text === 'proven' ? accept : ignore('not proven');
  });
  expect(taken.sort()).toEqual(Object.values(told).sort());
  expect(scores.score('liar')).toBeLessThan(-0.9 * PENALTY.malformed);
  for (const id of ['absent', 'stranger', 'honest']) expect(scores.score(id)).toBe(0);
});
