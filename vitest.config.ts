import { defineConfig } from 'vitest/config';

/** Real parts only: tests run in forked processes, one file at a time per core, with generous limits and no timing assertions. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/contracts/**', 'test/e2e/**', 'test/interop/**', 'test/browser/**', 'node_modules/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
