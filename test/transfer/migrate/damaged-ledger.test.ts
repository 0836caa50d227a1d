import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, it } from 'vitest'
import { isStorageError } from '../../../src/core/errors.ts'
import { lastFinishedRun, ledgerFailures, migrate, readStatus, retryFailures } from '../../../src/transfer/index.ts'
import { seeded } from '../../oracles/seeded.ts'
import { isFull } from '../../support/sampled.ts'
import { changedStorage, fill, memory } from '../support.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdall-damaged-ledger-'))
afterAll(() => rm(folder, { recursive: true }))
const whole = join(folder, 'whole.sqlite')
const source = memory()
await fill(source, Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`file ${at}`, 'text'])))
const target = changedStorage(driver => ({
  async write(key, ...rest) {
    if (key.endsWith('7')) throw new Error('not this one')
    return driver.write(key, ...rest)
  },
}))
await migrate(source, target, { ledger: whole })

async function failuresIn(ledger: string): Promise<number> {
  let count = 0
  for await (const _ of ledgerFailures(ledger)) count++
  return count
}

const USES: Readonly<Record<string, (ledger: string) => Promise<unknown>>> = {
  readStatus,
  lastFinishedRun,
  failuresIn,
  dryRun: ledger => migrate(source, target, { ledger, dryRun: true }),
  retryFailures: ledger => retryFailures(source, target, { ledger }),
  migrate: ledger => migrate(source, target, { ledger }),
}

describe('a damaged ledger', () => {
  it('is an error that names the file, whatever the damage', async () => {
    const random = seeded(7)
    const bytes = await readFile(whole)
    for (let round = 0; round < (isFull ? 300 : 25); round++) {
      const damaged = Buffer.from(bytes)
      if (round % 2 === 0) damaged.fill(0, 4096 * Math.floor(random() * (bytes.length / 4096)), bytes.length)
      else for (let at = 0; at < 50; at++) damaged[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
      for (const [name, use] of Object.entries(USES)) {
        const ledger = join(folder, `${round} ${name}.sqlite`)
        await writeFile(ledger, damaged)
        await use(ledger).catch((error: unknown) => {
          if (!isStorageError(error)) throw error
          expect(error.message).toContain(`'${ledger}`)
        })
      }
    }
  })

  it.each([
    "plan = 'null'",
    "plan = '{'",
    'counts = \'{"copied":"many"}\'',
    "pass = 'lunch'",
    "rates = '7'",
    "begun_ms = 'now'",
    "places = x'00ff'",
  ])('such as a run with %s', async change => {
    const ledger = join(folder, 'run.sqlite')
    await copyFile(whole, ledger)
    const database = new DatabaseSync(ledger)
    database.exec(`UPDATE runs SET ${change}`)
    database.close()
    for (const name of ['readStatus', 'retryFailures', 'migrate']) {
      const message = `ledger: '${ledger}' is damaged: a run cannot be read.`
      await expect(USES[name]!(ledger)).rejects.toMatchObject({ code: 'unknown', message })
    }
  })
})

it('a ledger is read where no file can be created beside it', async () => {
  const ledger = join(folder, 'fixed.sqlite')
  await copyFile(whole, ledger)
  await mkdir(`${ledger}-shm`)
  expect(await readStatus(ledger)).toMatchObject({ state: 'failed' })
  expect(await failuresIn(ledger)).toBe(6)
})
