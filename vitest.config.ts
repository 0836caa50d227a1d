import { defineConfig } from 'vitest/config'

const src = (path: string): string => new URL(`src/${path}`, import.meta.url).pathname

export default defineConfig({
  // The examples import the package by its name; here that is the source.
  resolve: {
    alias: [
      { find: /^holdall$/, replacement: src('index.ts') },
      { find: /^holdall\/(serve|testing)$/, replacement: src('$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', ...(process.env['REAL_SERVERS'] === '1' ? [] : ['test/real/**'])],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    pool: 'forks',
  },
})
