/** Everything that an adapter of an ORM must do, over any ORM and any database. */
import { expect, it } from 'vitest'
import { OPTIONAL_PARTS } from './ground.ts'
import { Kit, type StartGround } from './kit.ts'
import { overwritingTests } from './overwriting.ts'
import { randomTests } from './random.ts'
import { rowNameTests } from './row-names.ts'
import { savepointTests } from './savepoints.ts'
import { transactionTests } from './transactions.ts'
import { valueTests } from './values.ts'
import { writeTests } from './writes.ts'

export type { Id, NewResume, OpenTransaction, OrmGround, ResumeRow, ResumeValues } from './ground.ts'
export type { StartGround } from './kit.ts'
export { OrmPlace } from './place.ts'
export { BREAK_COMMIT, clearing, type Dialect, NAMES, pinning, TITLES, tablesOf } from './tables.ts'

/** Defines the tests of an adapter. `start` is called four times, each time with another place, and each ground is closed. */
export function ormConformance<Tx>(name: string, start: StartGround<Tx>): void {
  Kit.describe(`${name}, random names`, start, { naming: 'random' }, kit => {
    it('has every part of the ground, or says why not', () => {
      for (const part of OPTIONAL_PARTS) {
        const reason = kit.ground.lacks?.[part]
        if (kit.ground[part] === undefined) expect(reason, part).toMatch(/^.{10,}/)
        else expect(reason, part).toBeUndefined()
      }
    })
    valueTests(kit)
    writeTests(kit)
    transactionTests(kit)
    savepointTests(kit)
  })
  Kit.describe(`${name}, freed names are given again`, start, { naming: 'underscore' }, kit => randomTests(kit))
  Kit.describe(`${name}, an overwriting storage`, start, { naming: 'overwriting' }, kit => {
    overwritingTests(kit)
    randomTests(kit, { overwrites: true })
  })
  Kit.describe(`${name}, names made of the row`, start, { naming: 'random', namesByRow: true }, rowNameTests)
}
