import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { migrate, readStatus } from '../../../src/transfer/index.ts'
import { Kinds } from '../../storage/kinds.ts'
import { filesIn, fill } from '../support.ts'

const kinds = await Kinds.start()
const folder = await mkdtemp(join(tmpdir(), 'holdall-migrate-test-'))
afterAll(async () => {
  await kinds.end()
  await rm(folder, { recursive: true })
})
let ledgers = 0
const newLedger = (): string => join(folder, `ledger-${ledgers++}.sqlite`)

describe('migrate', () => {
  it('copies, verifies and deletes, and copies nothing again', async () => {
    const [source, target] = [kinds.local(), kinds.s3()]
    const files = { a: 'one', 'b/c': 'two', 'd.txt': 'three' }
    await fill(source, files)
    await fill(target, { old: 'x' })
    const ledger = newLedger()
    const report = await migrate(source, target, { ledger, delete: true })
    expect(report).toMatchObject({
      state: 'done',
      isDone: true,
      counts: { seen: 3, copied: 3, verified: 3, extra: 1, deleted: 1, failed: 0, bytes: 11 },
    })
    expect(await filesIn(target)).toEqual(files)
    expect(await readStatus(ledger)).toMatchObject({ state: 'done', counts: report.counts })
    const again = await migrate(source, target, { ledger, delete: true })
    expect(again).toMatchObject({ isDone: true, counts: { seen: 3, copied: 0, unchanged: 3, deleted: 0 } })
  })
})
