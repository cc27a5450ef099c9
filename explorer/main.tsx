/** Starts the explorer. */
import { render } from 'preact';
import { z } from 'zod';
import { App } from './app.tsx';
import { startNode } from './node/node.ts';
import { startRouter } from './router.ts';

// The page's policy allows no code made from text, which zod would try.
z.config({ jitless: true });
startRouter();
startNode();
render(<App />, document.getElementById('app')!);
