import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Width of an element in CSS pixels, as it changes: what is drawn to it keeps its letters legible on a phone. */
export function useWidth<Of extends Element>(initial: number) {
  const ref = useRef<Of>(null);
  const [width, setWidth] = useState(initial);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.round(entry!.contentRect.width) || initial),
    );
    observer.observe(ref.current!);
    return () => observer.disconnect();
  }, [initial]);
  return [ref, width] as const;
}
