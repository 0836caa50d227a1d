/**
 * What it takes to have a client: a cold import over an empty module, and the installed bytes with all dependencies.
 * Holdall's are those of `dist` (run `node scripts/build.ts` first) and its dependencies.
 *
 *     node bench/s3/size.ts
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { machine, median } from '../harness.ts'

const PROCESSES = 11
const ROOT = resolve(import.meta.dirname, '../..')
const CLIENTS: ReadonlyArray<{ name: string; imports: readonly string[]; packages: readonly string[]; from: string }> =
  [
    {
      name: 'holdall/s3',
      imports: [pathToFileURL(join(ROOT, 'dist/backends/s3/index.js')).href],
      packages: ['.'],
      from: ROOT,
    },
    ...[
      { name: 'aws-sdk', imports: ['@aws-sdk/client-s3', '@aws-sdk/lib-storage'], more: [] },
      {
        name: 'flydrive',
        imports: ['flydrive', 'flydrive/drivers/s3'],
        more: ['@aws-sdk/client-s3', '@aws-sdk/s3-request-presigner'],
      },
      { name: 'flystorage', imports: ['@flystorage/file-storage', '@flystorage/aws-s3'], more: [] },
      {
        name: 'files-sdk',
        imports: ['files-sdk', 'files-sdk/s3'],
        more: ['@aws-sdk/client-s3', '@aws-sdk/s3-presigned-post', '@aws-sdk/s3-request-presigner'],
      },
      { name: 's3mini', imports: ['s3mini'], more: [] },
    ].map(({ name, imports, more }) => {
      const packages = [...new Set([...imports.map(packageOf), ...more])]
      return { name, imports, packages, from: import.meta.dirname }
    }),
  ]

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function importMs(imports: readonly string[]): number {
  const script = imports.map(specifier => `import ${JSON.stringify(specifier)}`).join('\n')
  const start = performance.now()
  const options = { cwd: import.meta.dirname }
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], options)
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

const times = [[], ...CLIENTS.map((): number[] => [])]
for (let round = -1; round < PROCESSES; round++) {
  ;[['data:text/javascript,'], ...CLIENTS.map(({ imports }) => imports)].forEach((imports, index) => {
    const ms = importMs(imports)
    if (round >= 0) times[index]!.push(ms)
  })
}
const [empty, ...rest] = times.map(median)
console.log(`${machine()}; medians of ${PROCESSES} processes; an empty module takes ${empty!.toFixed(0)} ms\n`)
console.log('| Client | cold import, ms more | packages | installed MB |\n| --- | ---: | ---: | ---: |')
CLIENTS.forEach(({ name, packages, from }, index) => {
  const sum: Sum = { packages: 0, bytes: 0 }
  const seen = new Set<string>()
  for (const one of packages) add(one === '.' ? from : found(one, from)!, seen, sum)
  const cells = [name, (rest[index]! - empty!).toFixed(0), sum.packages, (sum.bytes / 1e6).toFixed(1)]
  console.log(`| ${cells.join(' | ')} |`)
})
