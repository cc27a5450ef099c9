/** Addresses of pages: `/explorer/<page>/<argument>`. Owns the browser's history. */
import { createStore } from './node/store.ts';

export const BASE = '/explorer';

const pathNow = (): string => {
  const path = location.pathname.startsWith(BASE) ? location.pathname.slice(BASE.length) : '/';
  return path === '' ? '/' : path;
};

/** `isFirst`: the page that was loaded, whose heading must not take the focus. */
export const route = createStore({ path: pathNow(), isFirst: true });

export function startRouter(): void {
  addEventListener('popstate', () => route.set({ path: pathNow(), isFirst: false }));
}

export function goTo(path: string): void {
  history.pushState(null, '', BASE + path);
  route.set({ path: pathNow(), isFirst: false });
  scrollTo(0, 0);
}

export const hrefOf = (path: string): string => BASE + path;
