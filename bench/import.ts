/**
 * What a cold `import 'holdall'` costs: spawned processes that import the built package, over processes that import an empty
 * module. Target: under 15 ms more than bare Node.
 *
 *     node scripts/build.ts && node bench/import.ts            # 21 processes each
 *     node bench/import.ts dist/backends/s3/index.js           # other entry points
 *     node bench/import.ts --check                             # exit status 1 when the target is missed
 */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import { machine, median } from './harness.ts'

const PROCESSES = 21
const TARGET_MS = 15
const ROOT = resolve(import.meta.dirname, '..')

const check = process.argv.includes('--check')
const given = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
const entries = given.length > 0 ? given : ['dist/index.js', 'dist/backends/local/index.js']

const specifiers = ['data:text/javascript,', ...entries.map(entry => pathToFileURL(resolve(ROOT, entry)).href)]
const times = specifiers.map((): number[] => [])
for (let round = -2; round < PROCESSES; round++) {
  specifiers.forEach((specifier, index) => {
    const ms = importMs(specifier)
    if (round >= 0) times[index]!.push(ms)
  })
}

const [bare, ...rest] = times.map(median)
console.log(`${machine()}; median of ${PROCESSES} processes`)
console.log(`bare node: ${bare!.toFixed(1)} ms`)
rest.forEach((ms, index) => {
  console.log(`${entries[index]}: ${ms.toFixed(1)} ms, ${(ms - bare!).toFixed(1)} ms over bare node`)
})
if (check && rest[0]! - bare! >= TARGET_MS) {
  console.error(`The target is under ${TARGET_MS} ms.`)
  process.exitCode = 1
}

function importMs(specifier: string): number {
  const start = performance.now()
  const script = `import ${JSON.stringify(specifier)}`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script])
  if (status !== 0) throw new Error(`${specifier} cannot be imported: ${stderr}`)
  return performance.now() - start
}
