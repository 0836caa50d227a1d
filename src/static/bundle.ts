/** Files that a bundler has built and named. */
export interface StaticBundle {
  /** Built files by the names that programs use: `src/main.ts` is `assets/main-B2xk.js`. */
  readonly paths: ReadonlyMap<string, string>
  /** All built files; they keep their names. */
  readonly files: ReadonlySet<string>
  /** Whether the names of built files change with their content, so that caches may keep them indefinitely. */
  readonly immutable: boolean
}
