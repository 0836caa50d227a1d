/** The calls of a storage that faults strike, with what may be there afterwards. */
import type { SftpStorage } from '../../../src/backends/sftp/index.ts'
import type { Habits } from '../../servers/sftp/habits.ts'
import type { SftpServer } from '../../servers/sftp.ts'
import { distinct } from './support.ts'

/** Several requests both ways, and no more: each step of a call goes over the wire many times. */
export const SIZE = 100_001
export const HABITS: Partial<Habits> = { toldLimits: { read: 40_000, write: 40_000 } }
export const OLD: Buffer = distinct(SIZE)
export const NEW: Buffer = distinct(SIZE + 10).subarray(10)

/** One call. */
export interface FaultCall {
  readonly title: string
  /** Whether it changes nothing. */
  readonly reads?: boolean
  /** Whether it may only be tried once. */
  readonly once?: boolean
  run(files: SftpStorage, signal?: AbortSignal): Promise<unknown>
  /** Whether it was carried out, or not at all: anything else is a half. Files in the root of the storage. */
  state(found: ReadonlyMap<string, Buffer>): 'before' | 'after' | 'half'
}

type Found = ReadonlyMap<string, Buffer>
const options = (signal: AbortSignal | undefined): { signal?: AbortSignal } => (signal === undefined ? {} : { signal })
const has = (found: Found, wanted: Readonly<Record<string, Buffer>>): boolean =>
  found.size === Object.keys(wanted).length &&
  Object.entries(wanted).every(([name, bytes]) => found.get(name)?.equals(bytes))
const between =
  (before: Readonly<Record<string, Buffer>>, after: Readonly<Record<string, Buffer>>): FaultCall['state'] =>
  found =>
    has(found, after) ? 'after' : has(found, before) ? 'before' : 'half'

/** What is there before each call. */
const START = { old: OLD, 'd/other': OLD }

export const CALLS: readonly FaultCall[] = [
  {
    title: 'save over an old file',
    run: (files, signal) => files.save('old', NEW, { overwrite: true, ...options(signal) }),
    state: between(START, { ...START, old: NEW }),
  },
  {
    title: 'save of a new file in new folders',
    // What may have been done is not repeated where nothing may be replaced.
    once: true,
    run: (files, signal) => files.save('new/in/here', NEW, { overwrite: false, ...options(signal) }),
    state: between(START, { ...START, 'new/in/here': NEW }),
  },
  {
    title: 'save of a stream',
    once: true,
    run: (files, signal) => files.save('old', pieces(NEW), { overwrite: true, ...options(signal) }),
    state: between(START, { ...START, old: NEW }),
  },
  {
    title: 'edit',
    once: true,
    async run(files, signal) {
      await files.edit('old', 'r+b', file => file.write(NEW).then(() => undefined), options(signal))
    },
    state: between(START, { ...START, old: NEW }),
  },
  {
    title: 'copy to a new name',
    run: async (files, signal) => files.copy('d/other', 'e/new', { overwrite: true, ...options(signal) }),
    state: between(START, { ...START, 'e/new': OLD }),
  },
  {
    title: 'move to a new name',
    once: true,
    run: async (files, signal) => files.move('d/other', 'e/new', { overwrite: true, ...options(signal) }),
    state: between(START, { old: OLD, 'e/new': OLD }),
  },
  {
    title: 'delete',
    run: (files, signal) => files.delete('old', options(signal)),
    state: between(START, { 'd/other': OLD }),
  },
  {
    title: 'readBytes',
    reads: true,
    async run(files, signal) {
      if (!(await files.readBytes('old', options(signal))).equals(OLD)) throw new Error('other bytes')
    },
    state: between(START, START),
  },
  {
    title: 'a recursive listing',
    reads: true,
    async run(files, signal) {
      const names: string[] = []
      for await (const { name, size } of files.entries('', { recursive: true, ...options(signal) })) {
        names.push(`${name} ${size}`)
      }
      const wanted = [`d/other ${SIZE}`, `old ${SIZE}`]
      if (names.sort().join() !== wanted.join()) throw new Error(`listed: ${names}`)
    },
    state: between(START, START),
  },
  {
    title: 'stat',
    reads: true,
    async run(files, signal) {
      const { size } = await files.stat('old', options(signal))
      if (size !== SIZE) throw new Error(`size: ${size}`)
    },
    state: between(START, START),
  },
]

/** Puts there what is there before each call. */
export function prepare({ files }: SftpServer): void {
  files.clear()
  for (const [name, bytes] of Object.entries(START)) files.put(`media/${name}`, bytes)
}

/** What is there, by names in the root of the storage. */
export function foundAt({ files }: SftpServer): Map<string, Buffer> {
  return new Map(files.names('media').map(name => [name, files.get(`media/${name}`)!]))
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += 30_001) yield bytes.subarray(start, start + 30_001)
}
