/** A value that components can watch. */
import { useEffect, useState } from 'preact/hooks';

export interface Store<T> {
  get(): T;
  set(change: Partial<T>): void;
  watch(listener: (value: T) => void): () => void;
}

export function createStore<T extends object>(initial: T): Store<T> {
  const listeners = new Set<(value: T) => void>();
  let value = initial;
  return {
    get: () => value,
    set(change) {
      value = { ...value, ...change };
      for (const listener of [...listeners]) listener(value);
    },
    watch(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** Renders again when the part that `select` picks becomes another. */
export function useStore<T, Part>(store: Store<T>, select: (value: T) => Part): Part {
  const [part, setPart] = useState(() => select(store.get()));
  useEffect(() => {
    setPart(() => select(store.get()));
    return store.watch((value) => setPart(() => select(value)));
  }, [store]);
  return part;
}
