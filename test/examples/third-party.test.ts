import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { SqliteStorage } from '../../examples/sqlite-storage.ts'
import { isStorageError } from '../../src/core/errors.ts'
import { driverConformance, registerConformance, storageConformance } from '../../src/testing/index.ts'

const text = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
const inMemory = (options: object = {}): SqliteStorage => new SqliteStorage({ database: ':memory:', ...options })

const cases = driverConformance({
  create: () => inMemory().calls.driver,
  limits: true,
  keeps: ['modifiedAt', 'etag'],
  expects: { features: { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true }, methods: [] },
})
registerConformance({ describe, it }, cases, 'the SQLite driver of docs/writing-a-backend.md')
registerConformance({ describe, it }, storageConformance({ create: inMemory }), 'the SQLite storage')

describe('the page on writing a backend', () => {
  it('has the example word for word, in under 100 lines', async () => {
    const page = await text('docs/writing-a-backend.md')
    const example = await text('examples/sqlite-storage.ts')
    const block = page.split('<!-- example: examples/sqlite-storage.ts -->\n```ts\n')[1]?.split('```')[0]
    expect(block).toBe(example)
    expect(example.trimEnd().split('\n').length).toBeLessThan(100)
  })
})

describe('SqliteStorage, which is a Storage like any other', () => {
  it('gives concurrent saves of one name a name each', async () => {
    await using storage = inMemory({ location: 'media' })
    const names = await Promise.all(Array.from({ length: 8 }, (_, n) => storage.save('a/report.txt', `text ${n}`)))
    expect(new Set(names).size).toBe(8)
    expect(names).toContain('a/report.txt')
    const texts = await Promise.all(names.map(async name => (await (await storage.open(name)).read()).toString()))
    expect(texts.sort()).toEqual(Array.from({ length: 8 }, (_, n) => `text ${n}`))
  })

  it('appends, changes and reads text through files', async () => {
    await using storage = inMemory()
    await storage.edit('log.txt', 'w', file => file.write('one\n'))
    await storage.edit('log.txt', 'a', file => file.write('zwö\n'))
    expect(await storage.edit('log.txt', 'r', file => file.read())).toBe('one\nzwö\n')
    await expect(storage.edit('log.txt', 'x', file => file.write('no'))).rejects.toThrow(
      expect.objectContaining({ code: 'exists' }),
    )
  })

  it('keeps an edit that throws out of the database', async () => {
    await using storage = inMemory()
    const failure = new Error('changed my mind')
    const edit = storage.edit('draft.txt', 'w', async file => {
      await file.write('half')
      throw failure
    })
    await expect(edit).rejects.toBe(failure)
    expect(await storage.exists('draft.txt')).toBe(false)
  })

  it('lists folders, refuses names outside its location and has no URL', async () => {
    await using storage = inMemory({ location: 'media' })
    for (const name of ['b.txt', 'a/x.txt', 'a/deep/y.txt']) await storage.save(name, name)
    expect(await storage.listdir()).toEqual([['a'], ['b.txt']])
    expect(await storage.listdir('a')).toEqual([['deep'], ['x.txt']])
    expect(await storage.listdir('none')).toEqual([[], []])
    const refusal = await storage.save('../out.txt', '').catch((error: unknown) => error)
    expect(isStorageError(refusal, 'suspicious_name')).toBe(true)
    await expect(storage.url('b.txt')).rejects.toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  it('takes its own setting from the environment and refuses an unknown one', () => {
    const env = { SQLITE_DATABASE: '/srv/files.db' }
    expect(new SqliteStorage({}, { env }).options.database).toBe('/srv/files.db')
    expect(() => inMemory({ databse: 'x' })).toThrow("Invalid setting 'databse' for SqliteStorage")
  })
})
