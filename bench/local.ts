/**
 * What `LocalStorage` costs over bare `node:fs` that gives the same guarantees.
 *
 *     node bench/local.ts                     # all rows
 *     node bench/local.ts 'save 4 KiB'        # rows whose title contains the text
 *     BENCH_DIR=/dev/shm node bench/local.ts  # where the files go; a memory file system shows the CPU work alone
 *     BENCH_ROUNDS=5 node bench/local.ts      # quicker, rougher
 *
 * The sources are run as they are; no build is needed. The bare code writes a temporary file, syncs it, renames it and syncs
 * the folder, as `save` does; with `fsync: false` it writes and renames.
 */
import { constants } from 'node:fs'
import { mkdtemp, open, opendir, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalStorage } from '../src/backends/local/index.ts'
import { ContentFile } from '../src/files/content-file.ts'
import { type CompareOptions, compare, machine, report, reportHead } from './harness.ts'

const KIB = 1024
const SMALL = 4 * KIB
const LARGE = 8 * KIB * KIB
const ENTRIES = 1000

const wanted = process.argv[2] ?? ''
const base = await mkdtemp(join(process.env['BENCH_DIR'] ?? tmpdir(), 'holdall-bench-'))

async function bareWrite(name: string, bytes: Uint8Array, fsync: boolean): Promise<void> {
  const temporary = join(base, `.tmp-${process.pid}-${Math.random().toString(36).slice(2)}`)
  const handle = await open(temporary, 'wx', 0o644)
  try {
    await handle.writeFile(bytes)
    if (fsync) await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, join(base, name))
  if (!fsync) return
  const folder = await open(base, constants.O_RDONLY)
  await folder.sync()
  await folder.close()
}

async function bareList(folder: string): Promise<number> {
  let bytes = 0
  const names: string[] = []
  for await (const entry of await opendir(folder)) names.push(entry.name)
  for (const { size } of await Promise.all(names.map(name => stat(join(folder, name))))) bytes += size
  return bytes
}

async function row(title: string, options: CompareOptions, ours: () => unknown, bare: () => unknown): Promise<void> {
  if (!title.includes(wanted)) return
  const candidates = [
    { name: 'holdall', run: async () => ours() },
    { name: 'node:fs', run: async () => bare() },
  ]
  report(title, await compare(candidates, options))
}

async function sizes(title: string, size: number, options: CompareOptions): Promise<void> {
  const bytes = Buffer.alloc(size, 'holdall ')
  for (const fsync of [true, false]) {
    const storage = new LocalStorage({ location: base, fileOverwrite: true, fsync })
    await row(
      `save ${title}${fsync ? '' : ', fsync: false'}`,
      options,
      () => storage.save('ours.bin', new ContentFile(bytes)),
      () => bareWrite('bare.bin', bytes, fsync),
    )
  }
  const storage = new LocalStorage({ location: base, fileOverwrite: true, fsync: false })
  await storage.save('read.bin', new ContentFile(bytes))
  await row(
    `open and read ${title}`,
    options,
    async () => {
      await using file = await storage.open('read.bin')
      expectSize(await file.read(), size)
    },
    async () => expectSize(await readFile(join(base, 'read.bin')), size),
  )
}

function expectSize(bytes: Uint8Array, size: number): void {
  if (bytes.byteLength !== size) throw new Error(`${bytes.byteLength} bytes were read instead of ${size}.`)
}

async function listing(): Promise<void> {
  const storage = new LocalStorage({ location: base, fileOverwrite: true, fsync: false })
  for (let index = 0; index < ENTRIES; index++) await storage.save(`list/${index}.txt`, new ContentFile('x'))
  const options = { rounds: 21, runs: 3 }
  const folder = join(base, 'list')
  await row(
    `list ${ENTRIES} entries with their sizes`,
    options,
    async () => {
      let bytes = 0
      for await (const entry of storage.entries('list')) bytes += entry.size
      if (bytes !== ENTRIES) throw new Error(`${bytes} entries were listed.`)
    },
    () => bareList(folder),
  )
}

try {
  console.log(`${machine()}; medians of interleaved rounds\n`)
  reportHead('node:fs')
  await sizes('4 KiB', SMALL, { rounds: 21, runs: 100 })
  await sizes('8 MiB', LARGE, { rounds: 15, runs: 4 })
  await listing()
} finally {
  await rm(base, { recursive: true, force: true })
}
