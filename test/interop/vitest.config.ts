import { defineConfig } from 'vitest/config';

/** One file at a time: each of these tests starts a network of its own. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../..`,
    include: ['test/interop/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 400_000,
    hookTimeout: 400_000,
    passWithNoTests: true,
  },
});
