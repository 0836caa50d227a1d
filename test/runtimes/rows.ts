/** A row of the table in docs/runtimes.md. */
export interface Runtime {
  /** Its name and the version that is run. */
  readonly row: string
  /** The program, below the folder where the runtimes are installed. */
  readonly program: string
  readonly args: readonly string[]
}

const BIN = 'node_modules/.bin'

export const RUNTIMES: readonly Runtime[] = [
  { row: 'Node 22.18', program: `${BIN}/node`, args: [] },
  { row: 'Node 24', program: process.execPath, args: [] },
  { row: 'Bun 1.4', program: `${BIN}/bun`, args: [] },
  { row: 'Deno 2.9', program: `${BIN}/deno`, args: ['run', '--allow-all', '--no-prompt', '--quiet'] },
]
export const WORKERS = 'Cloudflare Workers'
/** The first day of which `compatibility_date` gives all that is used. */
export const COMPATIBILITY_DATE = '2026-02-10'
/** A Node that is too old. */
export const OLD_NODE = 'node_modules/node20/bin/node'
