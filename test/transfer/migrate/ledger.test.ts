import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, it } from 'vitest'
import { StorageError } from '../../../src/core/errors.ts'
import {
  type LedgerFailure,
  lastFinishedRun,
  ledgerFailures,
  listLedgers,
  migrate,
  readStatus,
  retryFailures,
} from '../../../src/transfer/index.ts'
import { changedStorage, fill, memory } from '../support.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdall-ledger-test-'))
afterAll(() => rm(folder, { recursive: true }))
let ledgers = 0
const newLedger = (): string => join(folder, `ledger-${ledgers++}.sqlite`)

async function failuresIn(ledger: string): Promise<readonly LedgerFailure[]> {
  const rows: LedgerFailure[] = []
  for await (const row of ledgerFailures(ledger)) rows.push(row)
  return rows
}

/** A storage whose writes of some names fail. */
function failing(names: ReadonlySet<string>, code: 'unavailable' | 'permission_denied' = 'unavailable') {
  return changedStorage(driver => ({
    async write(key, ...rest) {
      if (names.has(key)) throw new StorageError(code, `no room for ${key}`, { outcome: 'not_applied' })
      return driver.write(key, ...rest)
    },
  }))
}

describe('a ledger', () => {
  it('can be read by its owner only, in a folder of the owner', async () => {
    const ledger = join(folder, 'new folder', 'ledger.sqlite')
    const [source, target] = [memory(), memory()]
    await fill(source, { a: 'a' })
    const modes: number[] = []
    const onEvent = async (): Promise<void> => {
      for (const ending of ['', '-wal', '.lock']) modes.push((await stat(`${ledger}${ending}`)).mode & 0o777)
    }
    await migrate(source, target, { ledger, onEvent })
    expect(new Set(modes)).toEqual(new Set([0o600]))
    expect((await stat(join(folder, 'new folder'))).mode & 0o777).toBe(0o700)
  })

  it('is refused and left as it is where it is none, or that of a newer version', async () => {
    const text = newLedger()
    await writeFile(text, 'a shopping list, much longer than the header of a database, which it is certainly not')
    const other = newLedger()
    const newer = newLedger()
    for (const [path, pragma] of [
      [other, 'PRAGMA application_id = 7'],
      [newer, 'PRAGMA application_id = 0x484f4c44; PRAGMA user_version = 2'],
    ] as const) {
      const database = new DatabaseSync(path)
      database.exec(`CREATE TABLE t (a); ${pragma}`)
      database.close()
    }
    for (const ledger of [text, other, newer]) {
      const before = await readFile(ledger)
      const refusal = { code: 'invalid_argument', message: expect.stringContaining(ledger) }
      await expect(migrate(memory(), memory(), { ledger, restart: true })).rejects.toMatchObject(refusal)
      await expect(readStatus(ledger)).rejects.toMatchObject(refusal)
      expect((await readFile(ledger)).equals(before)).toBe(true)
    }
    await expect(migrate(memory(), memory(), { ledger: newer })).rejects.toThrow('version 2')
  })

  it('is an error that names the file where it is damaged', async () => {
    const ledger = newLedger()
    const [source, target] = [memory(), memory()]
    await fill(source, Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`file ${at}`, 'x'])))
    await migrate(source, target, { ledger })
    const bytes = await readFile(ledger)
    bytes.fill(0xff, 4096)
    await writeFile(ledger, bytes)
    const error = await migrate(source, target, { ledger }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(StorageError)
    expect((error as Error).message).toContain(ledger)
    expect((error as Error).message).toContain('damaged')
  })

  it('belongs to one process at a time; another one reads its status', async () => {
    const ledger = newLedger()
    const [source, target] = [memory(), memory()]
    await fill(source, { a: 'a', b: 'b' })
    const seen: unknown[] = []
    const onEvent = async ({ type }: { readonly type: string }): Promise<void> => {
      if (type !== 'copied') return
      seen.push((await readStatus(ledger))?.state)
      seen.push(await migrate(source, target, { ledger }).catch((error: StorageError) => error.code))
    }
    await migrate(source, target, { ledger, concurrency: 1, onEvent })
    expect(seen).toEqual(['running', 'exists', 'running', 'exists'])
    expect((await readStatus(ledger))?.state).toBe('done')
  })

  it('belongs to one pair of places, and an unfinished run to one plan', async () => {
    const ledger = newLedger()
    const [source, target] = [memory(), memory()]
    await fill(source, { a: 'a', b: 'b', c: 'c' })
    const controller = new AbortController()
    const onEvent = ({ type }: { readonly type: string }): void => {
      if (type === 'copied') controller.abort()
    }
    const titles = { source: 'old:', target: 'new:' }
    const { signal } = controller
    const interrupted = migrate(source, target, { ledger, onEvent, signal, concurrency: 1, titles, since: new Date(0) })
    await expect(interrupted).rejects.toMatchObject({ code: 'aborted' })
    expect(await readStatus(ledger)).toMatchObject({
      state: 'interrupted',
      source: 'old:',
      target: 'new:',
      pass: 'copy',
    })
    await expect(migrate(source, target, { ledger, targetPath: 'x' })).rejects.toThrow(
      `ledger: '${ledger}' is that of another migration: old: to new:.`,
    )
    const other = migrate(source, target, { ledger, delete: true, exclude: ['*.tmp'], since: new Date(0) })
    await expect(other).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(
        /exclude was not set and is \["\*\.tmp"\]; .*|delete was false and is true.*restart/,
      ),
    })
    // A later `since` continues: the time of a relative one moves on.
    const done = await migrate(source, target, { ledger, since: new Date(1000) })
    expect(done).toMatchObject({ state: 'done', counts: { seen: 3, failed: 0 } })
    expect(done.counts.copied + done.counts.unchanged).toBe(3)
    expect(await migrate(source, target, { ledger, delete: true })).toMatchObject({ isDone: true })
  })

  it('begins a new run with `restart`', async () => {
    const ledger = newLedger()
    const [source, target] = [memory(), memory()]
    await fill(source, { a: 'a', b: 'b' })
    const onEvent = ({ type }: { readonly type: string }): void => {
      if (type === 'copied') throw new TypeError('stop')
    }
    await expect(migrate(source, target, { ledger, onEvent, concurrency: 1 })).rejects.toThrow('stop')
    await fill(source, { '0': 'new' })
    await expect(migrate(source, target, { ledger, verify: 'full' })).rejects.toThrow('verify was "size" and is "full"')
    const report = await migrate(source, target, { ledger, verify: 'full', restart: true })
    // What the first run went past is seen again.
    expect(report).toMatchObject({ isDone: true, counts: { seen: 3, verified: 3 } })
    expect(await target.readText('0')).toBe('new')
  })

  it('names every failure until it is mended, and `retryFailures` tries only these again', async () => {
    const ledger = newLedger()
    const names = new Set(['b', 'd'])
    const [source, target] = [memory(), failing(names)]
    await fill(source, { a: 'a', b: 'b', c: 'c', d: 'd' })
    const report = await migrate(source, target, { ledger, delete: true })
    expect(report).toMatchObject({
      state: 'failed',
      isDone: false,
      counts: { seen: 4, copied: 2, failed: 2 },
      failures: { unavailable: 2 },
      failedFiles: [{ name: 'b', code: 'unavailable', message: 'no room for b' }, { name: 'd' }],
    })
    const rows = await failuresIn(ledger)
    // Once in the pass, and once at its end.
    expect(rows).toMatchObject([
      { name: 'b', code: 'unavailable', message: 'no room for b', attempts: 2, pass: 'copy' },
      { name: 'd', attempts: 2 },
    ])
    names.delete('b')
    await fill(source, { new: 'not a failure' })
    expect(await retryFailures(source, target, { ledger })).toMatchObject({
      state: 'failed',
      counts: { copied: 3, failed: 1 },
    })
    expect(await target.exists('new')).toBe(false)
    await source.delete('d')
    expect(await retryFailures(source, target, { ledger })).toMatchObject({ state: 'done', counts: { failed: 0 } })
    expect(await failuresIn(ledger)).toEqual([])
    await expect(retryFailures(source, target, { ledger: newLedger() })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })

  it('keeps a failure for the next run, which tries it again although it is older than `since`', async () => {
    const ledger = newLedger()
    const names = new Set(['b'])
    const [source, target] = [memory(), failing(names)]
    await fill(source, { a: 'a', b: 'b' })
    await migrate(source, target, { ledger })
    names.clear()
    const begun = await lastFinishedRun(ledger)
    expect(begun).toMatchObject({ counts: { seen: 2 } })
    const since = new Date(Date.now() + 1000)
    const report = await migrate(source, target, { ledger, since })
    expect(report).toMatchObject({ isDone: true, counts: { seen: 2, skipped: 2, copied: 1 } })
    expect(await target.readText('b')).toBe('b')
  })

  it('ends a run after ten failures that are not about one file, and continues it', async () => {
    const ledger = newLedger()
    const all = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`file ${at}`, 'x']))
    const names = new Set(Object.keys(all))
    const [source, target] = [memory(), failing(names)]
    await fill(source, all)
    await expect(migrate(source, target, { ledger, concurrency: 1 })).rejects.toMatchObject({ code: 'unavailable' })
    expect(await readStatus(ledger)).toMatchObject({ state: 'interrupted', counts: { failed: 10 } })
    names.clear()
    const report = await migrate(source, target, { ledger })
    expect(report).toMatchObject({ isDone: true, counts: { seen: 50, copied: 50, failed: 0 } })
  })

  it('is listed with the others of its folder; a broken one is left out with a warning', async () => {
    const place = join(folder, 'several')
    await mkdir(place)
    await chmod(place, 0o700)
    const [source, target] = [memory(), memory()]
    await migrate(source, target, { ledger: join(place, 'one.sqlite') })
    await migrate(source, target, { ledger: join(place, 'two.sqlite'), targetPath: 'x' })
    await writeFile(join(place, 'broken.sqlite'), 'no database, but long enough to be looked at as one, at the least')
    const warnings: string[] = []
    const heard = (warning: Error): void => void warnings.push(warning.message)
    process.on('warning', heard)
    const found = await listLedgers(place)
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', heard)
    expect(found.map(({ ledger }) => ledger).sort()).toEqual([join(place, 'one.sqlite'), join(place, 'two.sqlite')])
    expect(new Set(found.map(({ id }) => id)).size).toBe(2)
    expect(warnings.join()).toContain('broken.sqlite')
    expect(await listLedgers(join(place, 'none'))).toEqual([])
    expect(await readStatus(join(place, 'none.sqlite'))).toBeUndefined()
  })
})
