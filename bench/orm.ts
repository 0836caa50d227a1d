/**
 * What a file column costs: 10,000 rows are found with a `FieldFile` column and with a text column, in turns. The target of an adapter is a ratio of
 * 1.15; `core` is for comparison, over rows that cost next to nothing.
 *
 * `node bench/orm.ts`, or with names of adapters: `node bench/orm.ts drizzle kysely`. Each runs in a process of its own (`BENCH_ROUNDS`
 * sets the rounds).
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { compare, machine } from './harness.ts'
import { type Found, ROWS } from './orm/found.ts'

const FOLDER = join(import.meta.dirname, 'orm')
const TARGET = 1.15

const names = globSync('*.ts', { cwd: FOLDER })
  .map(file => basename(file, '.ts'))
  .filter(name => name !== 'found')
  .sort()
const [flag, ...given] = process.argv.slice(2)

if (flag === '--one') await measure(given[0]!)
else {
  console.log(`${ROWS} rows; ${machine()}; target ${TARGET}\n`)
  console.log('| adapter | FieldFile ms | text ms | ratio | CPU ratio |')
  console.log('| --- | ---: | ---: | ---: | ---: |')
  const wanted = flag === undefined ? names : [flag, ...given]
  for (const name of wanted) {
    const words = ['--no-warnings', import.meta.filename, '--one', name]
    const { status } = spawnSync(process.execPath, words, { stdio: 'inherit' })
    if (status !== 0) process.exitCode = 1
  }
}

async function measure(name: string): Promise<void> {
  const { start } = (await import(join(FOLDER, `${name}.ts`))) as { start(): Promise<Found> }
  const found = await start()
  const [file] = (await found.withFiles()) as { readonly pdf: unknown }[]
  const [text] = (await found.withText()) as { readonly pdf: unknown }[]
  if (typeof file!.pdf !== 'object' || typeof text!.pdf !== 'string')
    throw new Error(`${name}: not what is to be compared`)
  // No collection of garbage is forced: what comes after one pays for the growth of the heap.
  const [files, texts] = await compare(
    [
      { name: 'FieldFile', run: () => found.withFiles() },
      { name: 'text', run: () => found.withText() },
    ],
    { rounds: 61, runs: 4, warmUp: 8 },
  )
  await found.close()
  const ratio = (a: number, b: number): string => (a / b).toFixed(2)
  const cells = [files!.wallMs.toFixed(1), texts!.wallMs.toFixed(1), ratio(files!.wallMs, texts!.wallMs)]
  console.log(`| ${[name, ...cells, ratio(files!.cpuMs, texts!.cpuMs)].join(' | ')} |`)
  if (name !== 'core' && files!.wallMs / texts!.wallMs > TARGET) process.exitCode = 1
}
