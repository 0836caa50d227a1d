/** The calls that look at a file or remove it, as matrix and lies try them with every backend: the file `new` is all there is. */
import type { Storage } from '../../src/storage/storage.ts'
import type { Ground } from './ground.ts'
import type { Plan, PlanPart } from './plans.ts'
import { OLD } from './writes.ts'

/** A call that looks at one file, and what it returns where nothing goes wrong. */
interface Look {
  readonly title: string
  readonly truth: unknown
  run(files: Storage, prefix: string): Promise<unknown>
}

export type LookName = keyof typeof LOOKS

const bytes = async (files: Storage, name: string, range?: { start: number; end: number }): Promise<string> =>
  Buffer.concat(await files.createReadStream(name, range).toArray()).toString()

/** Each by its name here. */
export const LOOKS = {
  read: { title: 'reading', truth: OLD.toString(), run: (files, prefix) => bytes(files, `${prefix}new`) },
  /** Bytes 5 to 8. */
  range: {
    title: 'reading a range',
    truth: OLD.toString('utf8', 5, 9),
    run: (files, prefix) => bytes(files, `${prefix}new`, { start: 5, end: 9 }),
  },
  size: { title: 'asking for a size', truth: OLD.length, run: (files, prefix) => files.size(`${prefix}new`) },
  list: { title: 'listing', truth: [[], ['new']], run: (files, prefix) => files.listdir(prefix) },
} as const satisfies Readonly<Record<string, Look>>

/** The part of a plan that a look is. */
export function lookPart<S extends string>(name: LookName, on: Ground<S>): PlanPart<S> {
  const { title, truth, run } = LOOKS[name]
  return {
    title,
    work: async (files, prefix) => {
      await on.put(`${prefix}new`, OLD)
      return run(files, prefix)
    },
    wrong: ({ value, error }) => {
      if (error !== undefined || JSON.stringify(value) === JSON.stringify(truth)) return undefined
      return `it returned ${JSON.stringify(value)}`.slice(0, 120)
    },
  }
}

/** The names of the files that are removed together. */
export function pairOf(prefix: string): string[] {
  return ['one', 'two'].map(name => prefix + name)
}

/** The part of a plan that removes the file, or two at once; it returns how many are gone, and how many not. */
export function deletionPart<S extends string>(
  name: 'delete' | 'deleteMany',
  on: Ground<S>,
): Pick<Plan<S>, 'title' | 'work'> {
  if (name === 'delete') {
    return {
      title: 'deleting one',
      work: async (files, prefix) => {
        await on.put(`${prefix}new`, OLD)
        await files.delete(`${prefix}new`)
      },
    }
  }
  return {
    title: 'deleting many',
    work: async (files, prefix) => {
      for (const each of pairOf(prefix)) await on.put(each, OLD)
      const { deleted, errors } = await files.deleteMany(pairOf(prefix))
      return [deleted, errors.length]
    },
  }
}

/** How many of the two files are stored. */
export async function leftOf(on: Ground, prefix: string): Promise<number> {
  const stored = await Promise.all(pairOf(prefix).map(name => on.stored(name)))
  return stored.filter(Boolean).length
}
