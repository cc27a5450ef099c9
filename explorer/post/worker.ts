/** The worker of a new job's page: reads what was dropped and makes of it what is posted, so that the page never stalls. */
import { z } from 'zod';
import { FedaiError } from '../../core/index.ts';
import { inputBytesOf } from '../../job/index.ts';
import { failureOf } from '../node/asking.ts';
import type { DataFacts, Question, Reply } from './messages.ts';
import { readDropped, type Sets } from './parse.ts';
import { checkDraft, prepare } from './prepare.ts';

// The page's policy allows no code made from text, which zod would try.
z.config({ jitless: true });

const SAMPLES = 24;
/** Told no more often than it can be seen. */
const PROGRESS_EVERY_MS = 100;

let sets: Sets | undefined;

const reply = (message: Reply): void => postMessage(message);

function progressOf(id: number): (share: number) => void {
  let toldAt = 0;
  return (share) => {
    const now = performance.now();
    if (now - toldAt < PROGRESS_EVERY_MS && share < 1) return;
    toldAt = now;
    reply({ id, kind: 'progress', share });
  };
}

function factsOf({ kind, train, test, classNames }: Sets): DataFacts {
  const size = inputBytesOf(train);
  const isImage = train.shape.length > 1;
  // From all over the set: sets are often sorted by class.
  const step = Math.max(1, Math.floor(train.labels.length / SAMPLES));
  const samples = Array.from({ length: isImage ? Math.min(SAMPLES, train.labels.length) : 0 }, (_, i) => ({
    pixels: train.inputs.slice(i * step * size, (i * step + 1) * size),
    label: train.labels[i * step]!,
  }));
  return {
    kind,
    shape: train.shape,
    classes: train.classes,
    classNames,
    train: train.labels.length,
    test: test.labels.length,
    samples,
  };
}

async function answer(question: Question): Promise<unknown> {
  const onProgress = progressOf(question.id);
  switch (question.kind) {
    case 'read':
      sets = undefined;
      sets = await readDropped(question.files, question.input, onProgress);
      if (sets.test.labels.length === 0)
        throw new FedaiError(
          'BAD_DATA',
          'there are too few records',
          {},
          {
            remedy: 'Every tenth is held back for the test: give at least ten.',
          },
        );
      return factsOf(sets);
    case 'check':
      return checkDraft(question.wanted, sets, question.records);
    case 'prepare':
      if (sets === undefined) throw new FedaiError('NO_DATA', 'there is no data yet');
      return prepare(question.wanted, sets, onProgress);
  }
}

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  const { id } = data;
  answer(data).then(
    (value) => reply({ id, kind: 'done', value }),
    (error: unknown) => reply(failureOf(id, error)),
  );
});
