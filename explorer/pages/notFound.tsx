/** An address that means nothing here. */
import { Link } from '../ui/link.tsx';
import { Card, PageHead } from '../ui/parts.tsx';

export function NotFound({ path }: { path: string }) {
  return (
    <>
      <PageHead title="Nothing here" />
      <Card>
        <p class="lead">
          <code>{path.slice(0, 120)}</code> is no page of the explorer. Search above, or start at the{' '}
          <Link to="/">chain</Link>.
        </p>
      </Card>
    </>
  );
}
