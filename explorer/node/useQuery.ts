/** Loads something for a component, again when it changes, and again by itself after the node was away. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { FedaiError } from '../../core/index.ts';
import { node } from './node.ts';
import { useStore } from './store.ts';

export interface Query<T> {
  /** Kept while it is loaded anew, so that nothing jumps. */
  data: T | undefined;
  error: unknown;
  reload(): void;
}

interface Options {
  /** Also at every new block, or at every so many of them. */
  live?: boolean | number;
}

interface Loaded<T> {
  key: string;
  data: T | undefined;
  error: unknown;
}

/** After trouble that may pass by itself. */
const AGAIN_MS = 3_000;
const isPassing = (error: unknown): boolean => error instanceof FedaiError && error.transient;

/** `key` names what is loaded: another key is another thing, whose old data is not shown. */
export function useQuery<T>(key: string, load: () => Promise<T>, { live = false }: Options = {}): Query<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ key, data: undefined, error: undefined });
  const latest = useRef({ key, load });
  latest.current = { key, load };
  const busy = useRef<string | undefined>(undefined);
  const reload = useCallback(() => {
    const { key: asked, load: run } = latest.current;
    if (busy.current === asked) return;
    busy.current = asked;
    const settle = (part: Partial<Loaded<T>>): void => {
      if (busy.current === asked) busy.current = undefined;
      if (latest.current.key !== asked) return;
      setLoaded((before) => ({
        key: asked,
        data: before.key === asked ? before.data : undefined,
        error: undefined,
        ...part,
      }));
    };
    run().then(
      (data) => settle({ data }),
      (error: unknown) => settle({ error }),
    );
  }, []);
  const link = useStore(node, (state) => state.link);
  const height = useStore(node, (state) => (live ? Math.floor(state.height / Number(live)) : 0));
  useEffect(reload, [key, link === 'live', height]);
  const { error } = loaded;
  useEffect(() => {
    if (!isPassing(error)) return;
    // The node is there and was only too slow, else the line above would have asked again.
    const timer = setTimeout(reload, AGAIN_MS);
    return () => clearTimeout(timer);
  }, [error]);
  const isCurrent = loaded.key === key;
  return { data: isCurrent ? loaded.data : undefined, error: isCurrent ? loaded.error : undefined, reload };
}
