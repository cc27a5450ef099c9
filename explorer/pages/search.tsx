/** Looks for what was searched and goes there, or says what can be searched. */
import { useEffect } from 'preact/hooks';
import { findPage } from '../data/search.ts';
import { useQuery } from '../node/useQuery.ts';
import { BASE, route } from '../router.ts';
import { Card, Loaded, PageHead } from '../ui/parts.tsx';

export function SearchPage({ text }: { text: string }) {
  const query = useQuery(`search ${text}`, async () => (await findPage(text)) ?? null);
  useEffect(() => {
    if (!query.data) return;
    // The search itself is no page to come back to.
    history.replaceState(null, '', BASE + query.data);
    route.set({ path: query.data, isFirst: false });
  }, [query.data]);
  return (
    <>
      <PageHead title="Search" />
      <Card>
        <Loaded query={query} rows={2}>
          {(found) =>
            found === null ? (
              <p class="lead">
                Nothing on this chain is called <code>{text.slice(0, 128)}</code>. A block's number or hash, a
                transaction's hash, an account, <code>job 3</code>, or the hash of a model or job document can
                be found.
              </p>
            ) : (
              <p class="lead">Found.</p>
            )
          }
        </Loaded>
      </Card>
    </>
  );
}
