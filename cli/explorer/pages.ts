/** Where the build leaves the explorer's pages. */
import { fileURLToPath } from 'node:url';

export const EXPLORER_PAGES = fileURLToPath(new URL('../../dist/explorer', import.meta.url));
