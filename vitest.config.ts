import { defineConfig } from 'vitest/config'

const src = (path: string): string => new URL(`src/${path}`, import.meta.url).pathname

/** What needs programs that are installed for it. */
const REAL = ['test/real/**', 'test/bundlers/**', 'test/runtimes/**']

export default defineConfig({
  // The examples import the package by its name; here that is the source.
  resolve: {
    alias: [
      { find: /^holdall$/, replacement: src('index.ts') },
      { find: /^holdall\/(http|remote|serve|testing)$/, replacement: src('$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', ...(process.env['REAL_SERVERS'] === '1' ? [] : REAL)],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    pool: 'forks',
  },
})
