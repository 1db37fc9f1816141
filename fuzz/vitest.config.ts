/** `npm run fuzz`: apart from the tests, because its inputs are generated. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'node'] } },
  test: {
    globalSetup: 'fuzz/total.ts',
    include: ['fuzz/**/*.fuzz.ts'],
    testTimeout: 1_200_000,
    pool: 'forks',
    maxWorkers: 2,
    disableConsoleIntercept: true,
  },
});
