/** The frame around every page: navigation, search, the state of the node, and which page an address means. */
import type { ComponentChildren, ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { node } from './node/node.ts';
import { useStore } from './node/store.ts';
import { NotFound } from './pages/notFound.tsx';
import { route } from './router.ts';
import { lazy } from './ui/lazy.tsx';
import { Link } from './ui/link.tsx';
import { SearchBox } from './ui/search.tsx';

type Pages = typeof import('./pages/index.ts');

/** The frame paints while the pages, which carry the contracts' ABIs, are still on their way. */
const page = <Props extends object>(pick: (pages: Pages) => ComponentType<Props>) =>
  lazy(() => import('./pages/index.ts').then(pick));

const AccountPage = page((pages) => pages.AccountPage);
const BlockPage = page((pages) => pages.BlockPage);
const BlocksPage = page((pages) => pages.BlocksPage);
const ContractsPage = page((pages) => pages.ContractsPage);
const JobPage = page((pages) => pages.JobPage);
const JobsPage = page((pages) => pages.JobsPage);
const NetworkPage = page((pages) => pages.NetworkPage);
const Overview = page((pages) => pages.Overview);
const PeoplePage = page((pages) => pages.PeoplePage);
const ProofPage = page((pages) => pages.ProofPage);
const ProofsPage = page((pages) => pages.ProofsPage);
const SearchPage = page((pages) => pages.SearchPage);
const TransactionPage = page((pages) => pages.TransactionPage);
const ValidatorsPage = page((pages) => pages.ValidatorsPage);

type Posting = typeof import('./post/index.ts');
const posting = <Props extends object>(pick: (parts: Posting) => ComponentType<Props>) =>
  lazy(() => import('./post/index.ts').then(pick));

const PostPage = posting((parts) => parts.PostPage);
const EstimatePage = posting((parts) => parts.EstimatePage);

// Keys of jobs that were posted from here are handed out whatever page is open.
if (localStorage.getItem('serving') !== null)
  void import('./post/index.ts').then(
    (parts) => parts.resumeServing(),
    () => {},
  );

const SECTIONS = [
  ['/', 'Chain'],
  ['/jobs', 'Jobs'],
  ['/proofs', 'Proofs'],
  ['/people', 'People'],
  ['/validators', 'Validators'],
  ['/network', 'Network'],
  ['/contracts', 'Contracts'],
] as const;

type PageOf = (argument: string) => ComponentChildren;

const HEX = /^0x[0-9a-f]+$/i;
const isNumber = (text: string): boolean => /^\d{1,15}$/.test(text);

/** By the first part of the address; undefined where the argument cannot be meant. */
const PAGES: Readonly<Record<string, PageOf>> = {
  '': () => <Overview />,
  blocks: (from) =>
    (from === '' || isNumber(from)) && <BlocksPage from={from === '' ? undefined : Number(from)} />,
  block: (id) => (isNumber(id) || HEX.test(id)) && <BlockPage id={id} />,
  tx: (hash) => HEX.test(hash) && <TransactionPage hash={hash} />,
  account: (address) => HEX.test(address) && <AccountPage address={address.toLowerCase()} />,
  jobs: () => <JobsPage />,
  job: (id) => isNumber(id) && <JobPage id={id} />,
  post: () => <PostPage />,
  estimate: () => <EstimatePage />,
  proofs: () => <ProofsPage />,
  proof: (height) => isNumber(height) && <ProofPage height={Number(height)} />,
  people: () => <PeoplePage />,
  network: () => <NetworkPage />,
  validators: () => <ValidatorsPage />,
  contracts: (name) => <ContractsPage name={name || 'jobManager'} />,
  search: (text) => <SearchPage text={decodeURIComponent(text)} />,
};

function pageOf(path: string): ComponentChildren {
  const [, name = '', argument = ''] = path.split('/');
  const found = Object.hasOwn(PAGES, name) ? PAGES[name]!(argument) : false;
  return found || <NotFound path={path} />;
}

export function App() {
  const path = useStore(route, (at) => at.path);
  return (
    <>
      <a class="skip" href="#content">
        Skip to content
      </a>
      <header class="top">
        <div class="top-in">
          <Link to="/" class="brand">
            <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
              <path class="brand-hex" d="M16 2 28 9v14L16 30 4 23V9z" />
              <path class="brand-tick" d="m10 16 4.5 4.5L22.5 12" />
            </svg>
            <span>fedai</span>
          </Link>
          <nav class="sections" aria-label="Sections">
            {SECTIONS.map(([to, name]) => (
              <Link key={to} to={to} current={isIn(to, path)}>
                {name}
              </Link>
            ))}
          </nav>
          <SearchBox />
          <ThemeButton />
        </div>
      </header>
      <LinkState />
      <main id="content">{pageOf(path)}</main>
      <Foot />
    </>
  );
}

function isIn(section: string, path: string): boolean {
  if (section === '/') return /^\/(?:$|block|tx)/.test(path);
  if (section === '/jobs' && /^\/(?:post|estimate)/.test(path)) return true;
  return path.startsWith(section.slice(0, 5));
}

/** Says when the node is away; says nothing when all is well. */
function LinkState() {
  const { link, status } = useStore(node, (state) => state);
  const isBehind = status?.syncing === true;
  const text =
    link === 'away'
      ? 'The chain node does not answer. What is shown is what was known last; this page goes on by itself when the node is back.'
      : isBehind
        ? `The chain node is catching up: block ${status.height} of ${status.bestKnownHeight}.`
        : '';
  return (
    <div role="status" class={text === '' ? 'unseen' : 'banner'} data-link={link}>
      {text}
    </div>
  );
}

type Theme = 'light' | 'dark' | 'system';
const NEXT: Readonly<Record<Theme, Theme>> = { system: 'dark', dark: 'light', light: 'system' };

const keptTheme = (): Theme => {
  const kept = localStorage.getItem('theme');
  return kept === 'light' || kept === 'dark' ? kept : 'system';
};

function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(keptTheme);
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
    localStorage.setItem('theme', theme);
  }, [theme]);
  return (
    <button
      type="button"
      class="theme"
      onClick={() => setTheme(NEXT[theme])}
      aria-label={`Colours: ${theme}`}
      title={`Colours: ${theme}`}
    >
      <svg width="18" height="18" viewBox="0 0 20 20" aria-hidden="true">
        {theme === 'light' && <circle cx="10" cy="10" r="4.5" />}
        {theme === 'light' && (
          <path d="M10 1v2.5M10 16.500V19M1 10h2.500M16.500 10H19M3.600 3.600l1.800 1.800M14.600 14.600l1.800 1.800M3.600 16.400l1.800-1.800M14.600 5.400l1.800-1.800" />
        )}
        {theme === 'dark' && <path d="M16.500 12.500A7 7 0 1 1 7.500 3.500a5.500 5.500 0 0 0 9 9z" />}
        {theme === 'system' && <path d="M10 2.500a7.500 7.500 0 1 0 0 15z" class="filled" />}
        {theme === 'system' && <circle cx="10" cy="10" r="7.500" />}
      </svg>
    </button>
  );
}

function Foot() {
  const { status, height } = useStore(node, (state) => state);
  return (
    <footer class="foot">
      <p>
        {status === undefined
          ? 'Not connected yet'
          : `${status.name}, chain ${status.chainId}, block ${height}, served by this chain node`}
      </p>
      <p>Every block here is final. Proofs are checked in your browser, not believed.</p>
    </footer>
  );
}
