/** A link to another page of the explorer: a real address, followed without loading anew. */
import type { ComponentChildren } from 'preact';
import { goTo, hrefOf } from '../router.ts';

interface Props {
  to: string;
  children: ComponentChildren;
  class?: string;
  title?: string;
  current?: boolean;
}

export function Link({ to, children, title, current, class: name }: Props) {
  const follow = (event: MouseEvent): void => {
    const isPlain =
      event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!isPlain) return;
    event.preventDefault();
    goTo(to);
  };
  return (
    <a
      href={hrefOf(to)}
      onClick={follow}
      {...(name !== undefined && { class: name })}
      {...(title !== undefined && { title })}
      {...(current && { 'aria-current': 'page' as const })}
    >
      {children}
    </a>
  );
}
