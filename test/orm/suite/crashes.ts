import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findOrphans, type OrphanOptions } from '../../../src/fields/index.ts'
import { Child } from '../../support/child.ts'
import type { OpenGround } from './crash-child.ts'
import { AFTER_COMMIT, BEFORE_COMMIT, type CrashStep, isPossible } from './crash-steps.ts'
import { OrmPlace } from './place.ts'

/** What is killed, and how its database is opened again. */
export interface CrashPlan<Tx> {
  /** Path of the program, which calls `crashChild`. */
  readonly child: string
  readonly open: OpenGround<Tx>
  /** Makes an empty database for each process, and returns what `open` gets; default: the name of a file for SQLite in its folder. */
  readonly database?: (folder: string) => Promise<string>
  /** Whether the ORM has transactions; default true. */
  readonly transactions?: boolean
  /** Whether several writes can stand still in one process, each after its own commit; default true. */
  readonly together?: boolean
}

/**
 * Defines tests in which a process is killed (SIGKILL) at each step of its writes: `findOrphans` without a grace time then removes exactly what no
 * row names, and the files of all rows are there.
 */
export function ormCrashes<Tx>(name: string, plan: CrashPlan<Tx>): void {
  const { transactions = true, together = true } = plan
  const possible = (letter: string): boolean => transactions || (letter !== 'd' && letter !== 'q')
  const after = Object.keys(AFTER_COMMIT).filter(possible)
  const before = Object.keys(BEFORE_COMMIT).filter(possible)
  // The one that may hold the only connection is the last of its process.
  const [first, ...others] = before
  const groups = together
    ? [[...after, first!], ...others.map(letter => [letter])]
    : [...after, ...before].map(letter => [letter])
  describe(`${name}, killed`, () => {
    for (const letters of groups) {
      const titles = letters.map(letter => ({ ...AFTER_COMMIT, ...BEFORE_COMMIT })[letter]!.title)
      it(`at ${titles.join('; ')}`, () => crash(plan, letters))
    }
  })
}

async function crash<Tx>({ child, open, database }: CrashPlan<Tx>, letters: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdall-crash-'))
  try {
    const files = join(folder, 'files')
    const target = (await database?.(folder)) ?? join(folder, 'db.sqlite')
    {
      await using killed = new Child(process.execPath, [child, files, target, letters.join('')])
      await killed.printed(/all stand still/)
      await killed.kill('SIGKILL')
    }
    const place = new OrmPlace('random', false, files)
    const ground = await open(place, target)
    try {
      for (const letter of letters) expect(isPossible(letter, ground), letter).toBe(true)
      await check(
        place,
        ground,
        letters.map(letter => ({ ...AFTER_COMMIT, ...BEFORE_COMMIT })[letter]!),
      )
    } finally {
      await ground.close()
    }
    // Nothing hidden is left either: what was half uploaded.
    expect((await readdir(files, { recursive: true })).filter(path => /(^|\/)\./.test(path))).toEqual([])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function check<Tx>(
  place: OrmPlace,
  ground: Awaited<ReturnType<OpenGround<Tx>>>,
  steps: readonly CrashStep[],
): Promise<void> {
  const rows = steps.flatMap(({ rows, left = rows }) => left)
  expect([...(await ground.titles())].sort()).toEqual(rows.map(({ title }) => title).sort())
  const names = rows.flatMap(({ pdf, photo }) => [
    ...(pdf ? [`pdfs/${pdf}`] : []),
    ...(photo ? [`photos/${photo}`] : []),
  ])
  expect([...(await ground.names())].sort()).toEqual(names.toSorted())
  const orphans = steps.flatMap(step => step.orphans)
  expect(await place.files()).toEqual([...names, ...orphans].sort())
  const search = { registry: place.registry, graceSecs: 0 }
  expect((await foundBy({ ...search, delete: true })).sort()).toEqual(orphans.toSorted())
  expect(await place.files()).toEqual(names.toSorted())
  for (const name of names) expect(await place.storage.readText(name)).toBe(name.slice(name.indexOf('/') + 1))
  expect(await foundBy(search)).toEqual([])
}

async function foundBy(search: OrphanOptions): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of findOrphans(search)) names.push(name)
  return names
}
