/** What became of a committed trace. */
import type { Trace } from '../rpc/shapes.ts';
import { Tag, type Tone } from './parts.tsx';

type Fate = Trace['fate'];

const TONES: Readonly<Record<Fate, Tone>> = {
  committed: 'plain',
  drawn: 'busy',
  opened: 'work',
  void: 'bad',
  faulty: 'bad',
};

const WORDS: Readonly<Record<Fate, string>> = {
  committed: 'committed',
  drawn: 'drawn, due',
  opened: 'proved',
  void: 'not opened',
  faulty: 'proved wrong',
};

export const FateTag = ({ fate }: { fate: Fate }) => <Tag tone={TONES[fate]}>{WORDS[fate]}</Tag>;
