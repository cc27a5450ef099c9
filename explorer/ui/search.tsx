/** The search box: block, transaction, account, job or model hash; `/` brings one to it. */
import { useEffect, useRef } from 'preact/hooks';
import { goTo } from '../router.ts';

export function SearchBox() {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping =
        event.target instanceof HTMLElement && /^(?:INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const search = (event: Event): void => {
    event.preventDefault();
    const text = input.current?.value.trim() ?? '';
    if (text !== '') goTo(`/search/${encodeURIComponent(text)}`);
  };
  return (
    <search class="search">
      <form onSubmit={search}>
        <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
          <circle cx="7" cy="7" r="4.5" />
          <path d="m10.500 10.500 3.500 3.500" />
        </svg>
        <input
          ref={input}
          type="search"
          aria-label="Search block, transaction, account, job or model hash"
          placeholder="Block, transaction, account, job, model"
          autocomplete="off"
          spellcheck={false}
          maxLength={128}
        />
        <kbd>/</kbd>
      </form>
    </search>
  );
}
