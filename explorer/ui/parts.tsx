/** The parts that pages are built of: heads, cards, facts, tags, and what stands where something is missing. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { FedaiError } from '../../core/index.ts';
import type { Query } from '../node/useQuery.ts';
import { route } from '../router.ts';

type Children = ComponentChildren;

/** The heading of a page takes the focus, so that a screen reader tells where one has come. */
export function PageHead({ title, kind, children }: { title: string; kind?: string; children?: Children }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · fedai explorer`;
    if (!route.get().isFirst) heading.current?.focus({ preventScroll: true });
  }, [title]);
  return (
    <header class="page-head">
      <div>
        {kind !== undefined && <p class="kind">{kind}</p>}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
      </div>
      {children !== undefined && <div class="page-side">{children}</div>}
    </header>
  );
}

interface CardProps {
  title?: string;
  /** Beside the title. */
  side?: Children;
  children: Children;
  class?: string;
}

export function Card({ title, side, children, class: name = '' }: CardProps) {
  return (
    <section class={`card ${name}`} {...(title !== undefined && { 'aria-label': title })}>
      {title !== undefined && (
        <div class="card-head">
          <h2>{title}</h2>
          {side !== undefined && <div class="card-side">{side}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

export type Fact = readonly [label: string, value: Children] | false;

export function Facts({ rows }: { rows: readonly Fact[] }) {
  return (
    <dl class="facts">
      {rows
        .filter((row) => row !== false)
        .map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

export type Tone = 'plain' | 'good' | 'work' | 'bad' | 'busy';

export function Tag({ tone = 'plain', children }: { tone?: Tone; children: Children }) {
  return <span class={`tag ${tone}`}>{children}</span>;
}

interface Figure {
  label: string;
  value: Children;
  note?: Children;
}

export function Figures({ items }: { items: readonly Figure[] }) {
  return (
    <dl class="figures">
      {items.map(({ label, value, note }) => (
        <div key={label} class="figure">
          <dt>{label}</dt>
          <dd>
            <span class="figure-value">{value}</span>
            {note !== undefined && <span class="figure-note">{note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** `head`: names of columns; those that begin with `#` hold numbers. */
export function Table({
  head,
  children,
  caption,
}: {
  head: readonly string[];
  children: Children;
  caption: string;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label={`${caption}, table`}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col" class={name.startsWith('#') ? 'right' : ''}>
                {name.replace('#', '')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

export function Empty({ children }: { children: Children }) {
  return <p class="empty">{children}</p>;
}

export function Loading({ rows = 3 }: { rows?: number }) {
  return (
    <div class="loading" role="status">
      <span class="unseen">Loading</span>
      {Array.from({ length: rows }, (_, i) => (
        <span key={i} class="bone" />
      ))}
    </div>
  );
}

export function Failure({ error, reload }: { error: unknown; reload?: () => void }) {
  const message = error instanceof Error ? error.message : String(error);
  const remedy = error instanceof FedaiError ? error.remedy : undefined;
  return (
    <div class="failure" role="alert">
      <p>
        <strong>{message.charAt(0).toUpperCase() + message.slice(1)}.</strong> {remedy}
      </p>
      {reload !== undefined && (
        <button type="button" onClick={reload}>
          Try again
        </button>
      )}
    </div>
  );
}

interface LoadedProps<T> {
  query: Query<T>;
  children: (data: T) => Children;
  rows?: number;
}

/** What was loaded, or why not, or that it is on its way. Data that was there stays through failures. */
export function Loaded<T>({ query, children, rows = 4 }: LoadedProps<T>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error !== undefined) return <Failure error={query.error} reload={query.reload} />;
  return <Loading rows={rows} />;
}
