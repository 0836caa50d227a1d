/**
 * One piece of work of Holdall in a process of its own, whose first call connects; run by `programs.ts`, after a build. Prints the milliseconds
 * of the work, and the memory in MiB: of the loaded modules, and the most there was.
 */
import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Storage } from '../../src/storage/storage.ts'

/** What a worker is told. */
export interface Work {
  /** The built module and the class in it. */
  readonly module: string
  readonly className: string
  readonly options: Readonly<Record<string, unknown>>
  /** One file up or down, or all files of a folder. */
  readonly do: 'up' | 'down' | 'many up' | 'many down'
  /** The file or folder here, and there. */
  readonly local: string
  readonly remote: string
}

/** What a worker prints. */
export interface Done {
  readonly ms: number
  readonly loadedMiB: number
  readonly peakMiB: number
}

/** Calls of a storage at once, where there are many files. */
const CALLS = 16

const { module, className, options, local, remote, ...work } = JSON.parse(process.argv[2]!) as Work
const Class: new (...args: unknown[]) => Storage = (await import(module))[className]
await using files = new Class({ ...options, fileOverwrite: true }, { settings: {}, env: {} })
const loadedMiB = peakMiB()
const start = performance.now()
switch (work.do) {
  case 'up':
    await files.save(remote, createReadStream(local))
    break
  case 'down':
    await pipeline(await files.createReadStream(remote), createWriteStream(local))
    break
  case 'many up':
    await together(await readdir(local), async name => {
      await files.save(`${remote}/${name}`, await readFile(join(local, name)))
    })
    break
  case 'many down': {
    await mkdir(local, { recursive: true })
    const [, names] = await files.listdir(remote)
    await together(names, async name => {
      await using file = await files.open(`${remote}/${name}`)
      await writeFile(join(local, name), await file.read())
    })
  }
}
const ms = performance.now() - start
const done: Done = { ms, loadedMiB, peakMiB: peakMiB() }
console.log(JSON.stringify(done))

/** The most memory so far. What the kernel tells a process of itself begins with what its parent had. (proc(5), getrusage(2)) */
function peakMiB(): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024
}

async function together(names: readonly string[], call: (name: string) => Promise<void>): Promise<void> {
  const left = names.values()
  await Promise.all(
    Array.from({ length: CALLS }, async () => {
      for (const name of left) await call(name)
    }),
  )
}
