/** Writes that are stopped at a step, in which the process is killed then. Names of files and titles begin with the letter of the write. */
import type { Call } from '../../../src/layers/layer.ts'
import type { Id, OrmGround } from './ground.ts'
import type { OrmPlace } from './place.ts'

/** A write that is stopped for ever. */
export interface CrashStep {
  readonly title: string
  /** What of the storage is stopped; without it, the write stops itself. */
  readonly at?: (call: Call) => 'before' | 'after' | undefined
  /** Rows with files that are there before. */
  readonly rows: readonly Row[]
  readonly write: <Tx>(crash: Crash<Tx>) => Promise<unknown>
  /** Titles and files of the rows after the crash; default: as before. */
  readonly left?: readonly Row[]
  /** Files that no row names then. */
  readonly orphans: readonly string[]
}

export interface Row {
  readonly title: string
  readonly pdf?: string
  readonly photo?: string
}

/** What a write has at hand. */
export interface Crash<Tx> {
  readonly ground: OrmGround<Tx>
  /** Keys of the rows in their order. */
  readonly ids: readonly Id[]
  /** Content that says its own name. */
  file(name: string): File
  /** Content of which only the beginning comes. */
  half(name: string): File
  /** Stops for ever. */
  stop(): Promise<never>
}

const deletes =
  (when: 'before' | 'after', ...names: readonly string[]) =>
  ({ operation, key }: Call): 'before' | 'after' | undefined =>
    operation === 'delete' && names.some(name => key?.endsWith(name)) ? when : undefined

const writes =
  (when: 'before' | 'after', name: string) =>
  ({ operation, key }: Call): 'before' | 'after' | undefined =>
    operation === 'write' && key?.endsWith(name) ? when : undefined

/** The database has committed, and the files are still there. Several can be stopped in one process. */
export const AFTER_COMMIT: Readonly<Record<string, CrashStep>> = {
  a: {
    title: 'a replaced file, before its deletion',
    rows: [{ title: 'a', pdf: 'a1', photo: 'a2' }],
    write: ({ ground, ids, file }) => ground.update(ids[0]!, { pdf: file('a3') }),
    at: deletes('before', 'a1'),
    left: [{ title: 'a', pdf: 'a3', photo: 'a2' }],
    orphans: ['pdfs/a1'],
  },
  b: {
    title: 'a removed row, before the deletion of its files',
    rows: [{ title: 'b', pdf: 'b1', photo: 'b2' }],
    write: ({ ground, ids }) => ground.remove(ids[0]!),
    at: deletes('before', 'b1', 'b2'),
    left: [],
    orphans: ['pdfs/b1', 'photos/b2'],
  },
  c: {
    title: 'a cleared file, after its deletion',
    rows: [{ title: 'c', pdf: 'c1', photo: 'c2' }],
    write: ({ ground, ids }) => ground.update(ids[0]!, { photo: null }),
    at: deletes('after', 'c2'),
    left: [{ title: 'c', pdf: 'c1' }],
    orphans: [],
  },
  d: {
    title: 'a transaction, between its commit and the deletions',
    rows: [
      { title: 'd', pdf: 'd1' },
      { title: 'd2', pdf: 'd2', photo: 'd3' },
    ],
    write: async ({ ground, ids, file }) => {
      if (ground.transaction === undefined) throw new Error('unsupported')
      await ground.transaction(async tx => {
        await ground.update(ids[0]!, { pdf: file('d4') }, tx)
        await ground.remove(ids[1]!, tx)
        await ground.create({ title: 'd3', photo: file('d5') }, tx)
      })
    },
    at: deletes('before', 'd1', 'd2', 'd3'),
    left: [
      { title: 'd', pdf: 'd4' },
      { title: 'd3', photo: 'd5' },
    ],
    orphans: ['pdfs/d1', 'pdfs/d2', 'photos/d3'],
  },
}

/** The database has not committed: each process has one, the last that it begins. */
export const BEFORE_COMMIT: Readonly<Record<string, CrashStep>> = {
  n: {
    title: 'a new row, in the middle of its upload',
    rows: [],
    write: ({ ground, half }) => ground.create({ title: 'n', pdf: half('n1') }),
    left: [],
    orphans: [],
  },
  o: {
    title: 'a new row, between the uploads and the row',
    rows: [],
    write: ({ ground, file }) => ground.create({ title: 'o', pdf: file('o1'), photo: file('o2') }),
    at: writes('after', 'o2'),
    left: [],
    orphans: ['pdfs/o1', 'photos/o2'],
  },
  p: {
    title: 'a replaced file, between the upload and the row',
    rows: [{ title: 'p', pdf: 'p1' }],
    write: ({ ground, ids, file }) => ground.update(ids[0]!, { pdf: file('p2') }),
    at: writes('after', 'p2'),
    orphans: ['pdfs/p2'],
  },
  q: {
    title: 'a transaction, between its rows and its commit',
    rows: [
      { title: 'q', pdf: 'q1' },
      { title: 'q2', pdf: 'q2', photo: 'q3' },
    ],
    write: async ({ ground, ids, file, stop }) => {
      if (ground.transaction === undefined) throw new Error('unsupported')
      await ground.transaction(async tx => {
        await ground.update(ids[0]!, { pdf: file('q4') }, tx)
        await ground.remove(ids[1]!, tx)
        await ground.create({ title: 'q3', photo: file('q5') }, tx)
        await stop()
      })
    },
    orphans: ['pdfs/q4', 'photos/q5'],
  },
}

/** Whether the ground can do it. */
export function isPossible<Tx>(key: string, ground: OrmGround<Tx>): boolean {
  return ground.transaction !== undefined || (key !== 'd' && key !== 'q')
}

/** Stops the storage at the steps of these writes; `stopped` is called with the letter when one stands still. */
export function stopAt(
  place: OrmPlace,
  steps: Readonly<Record<string, CrashStep>>,
  stopped: (key: string) => Promise<never>,
): void {
  const stand = (when: 'before' | 'after') => (call: Call) => {
    for (const [key, { at }] of Object.entries(steps)) if (at?.(call) === when) return stopped(key)
    return undefined
  }
  place.before = stand('before')
  place.after = stand('after')
}
