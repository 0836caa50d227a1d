import { expect, it } from 'vitest'
import { FileRegistry, FileTransaction } from '../../src/fields/index.ts'

it('a rollback undoes what was noted, the last first, with what savepoints have committed; a commit does not', async () => {
  const done: string[] = []
  const outer = new FileTransaction(new FileRegistry())
  outer.onRollback(() => done.push('first'))
  const kept = outer.savepoint()
  kept.onRollback(() => done.push('kept'))
  await kept.commit()
  const gone = outer.savepoint()
  gone.onRollback(() => done.push('gone'))
  await gone.rollback()
  expect(done).toEqual(['gone'])
  await outer.rollback()
  expect(done).toEqual(['gone', 'kept', 'first'])
  const committed = new FileTransaction(new FileRegistry())
  committed.onRollback(() => done.push('never'))
  await committed.commit()
  expect(done).toHaveLength(3)
})
