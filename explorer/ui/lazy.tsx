/** A part of the explorer that is loaded when it is first shown, and says so when it does not come. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Failure, Loading } from './parts.tsx';

/** `load` is tried again by who asks for it; what came once is kept. */
export function lazy<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined;
  return function Lazy(props: Props) {
    const [, setCame] = useState(false);
    const [error, setError] = useState<unknown>(undefined);
    const [attempt, setAttempt] = useState(0);
    useEffect(() => {
      if (loaded !== undefined) return;
      setError(undefined);
      load().then((component) => {
        loaded = component;
        setCame(true);
      }, setError);
    }, [attempt]);
    if (loaded !== undefined) {
      const Loaded = loaded;
      return <Loaded {...props} />;
    }
    if (error === undefined) return <Loading rows={8} />;
    return (
      <Failure
        error={new Error('this page could not be loaded from the chain node')}
        reload={() => setAttempt(attempt + 1)}
      />
    );
  };
}
