/** A row of the table in docs/runtimes.md. */
export interface Bundler {
  readonly row: string
  /** As build.mjs knows it. */
  readonly name: string
  /** The bundle that is run. */
  readonly file: string
}

export const BUNDLERS: readonly Bundler[] = [
  { row: 'esbuild, ES module', name: 'esbuild-esm', file: 'app.mjs' },
  { row: 'esbuild, CommonJS', name: 'esbuild-cjs', file: 'app.cjs' },
  { row: 'Rollup', name: 'rollup', file: 'app.mjs' },
  { row: 'webpack', name: 'webpack', file: 'app.cjs' },
  { row: 'Vite SSR', name: 'vite-ssr', file: 'app.mjs' },
  { row: 'bun build, ES module', name: 'bun-esm', file: 'app.mjs' },
  { row: 'bun build, CommonJS', name: 'bun-cjs', file: 'app.cjs' },
]
export const NEXT = 'Next.js (Turbopack)'

/** What saved.mjs says of a storage that works. */
export const SAVED = {
  types: ['text/plain', 'image/png'],
  bytes: '89504e470d0a1a0a',
  listed: ['in/a.txt', 'in/b.png'],
  missing: 'not_found',
}
/** What report.mjs says of the storages. */
export const WORKS = { memory: SAVED, local: SAVED, s3: SAVED, byName: true }
/** What report.mjs says of credentials where the optional package is not there. */
export const NO_PROVIDERS =
  "Finding AWS credentials without AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY needs the package '@aws-sdk/credential-providers'. " +
  'Install it: npm i @aws-sdk/credential-providers'
