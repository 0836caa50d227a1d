import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { machine, median } from '../harness.ts'
import { built } from './holdall.ts'
import { type BenchService, judged } from './service.ts'
import type { Choice } from './team.ts'

const PROCESSES = 11
const ROOT = resolve(import.meta.dirname, '../..')

/**
 * What it takes to have a client: a cold import over an empty module, and the installed bytes with all dependencies. Holdall's are those of
 * `dist` and its dependencies.
 */
export async function size(service: BenchService, { wanted }: Choice): Promise<void> {
  const folder = join(import.meta.dirname, '..', service.name)
  const own = `holdall/${service.name}`
  const clients = [
    { name: own, imports: [built(`backends/${service.name}/index.js`)], folders: [ROOT] },
    ...service.installed
      .filter(({ name }) => name.includes(wanted) || 'holdall'.includes(wanted))
      .map(({ name, imports, more = [] }) => {
        const packages = new Set([...imports.map(packageOf), ...more])
        return { name, imports, folders: [...packages].map(one => found(one, folder)!) }
      }),
  ]
  const processes = Number(process.env['BENCH_ROUNDS'] ?? PROCESSES)
  const times = [[], ...clients.map((): number[] => [])]
  for (let round = -1; round < processes; round++) {
    ;[['data:text/javascript,'], ...clients.map(({ imports }) => imports)].forEach((imports, index) => {
      const ms = importMs(imports, folder)
      if (round >= 0) times[index]!.push(ms)
    })
  }
  const [empty, ...rest] = times.map(median)
  console.log(`${machine()}; medians of ${processes} processes; an empty module takes ${empty!.toFixed(0)} ms\n`)
  console.log('| Client | cold import, ms more | packages | installed MB |\n| --- | ---: | ---: | ---: |')
  clients.forEach(({ name, folders }, index) => {
    const sum: Sum = { packages: 0, bytes: 0 }
    const seen = new Set<string>()
    for (const one of folders) add(one, seen, sum)
    const cells = [name, (rest[index]! - empty!).toFixed(0), sum.packages, (sum.bytes / 1e6).toFixed(1)]
    console.log(`| ${cells.join(' | ')} |`)
  })
  console.log(`\n${judged(`import of ${own}, ms`, rest[0]! - empty!, service.targets.importMs, true, 1)}`)
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function importMs(imports: readonly string[], cwd: string): number {
  const script = imports.map(specifier => `import ${JSON.stringify(specifier)}`).join('\n')
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd })
  if (status !== 0) throw new Error(`${imports.join(', ')} cannot be imported: ${stderr}`)
  return performance.now() - start
}

interface Sum {
  packages: number
  bytes: number
}

function folderBytes(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) bytes += folderBytes(path)
    else if (entry.isFile()) bytes += statSync(path).size
  }
  return bytes
}

/** Where Node finds a package for code in a folder; optional ones that are not installed are nowhere. */
function found(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name)
    if (existsSync(path)) return path
    if (folder === dirname(folder)) return undefined
  }
}

function add(folder: string, seen: Set<string>, sum: Sum): void {
  if (seen.has(folder)) return
  seen.add(folder)
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  sum.packages += 1
  sum.bytes += folder === ROOT ? folderBytes(join(ROOT, 'dist')) : folderBytes(folder)
  for (const name of Object.keys(dependencies)) {
    const path = found(name, folder)
    if (path !== undefined) add(path, seen, sum)
  }
}
