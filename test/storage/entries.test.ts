import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { bytesContent } from '../../src/core/content.ts'
import type { Features, Page } from '../../src/core/driver.ts'
import type { Storage } from '../../src/storage/storage.ts'
import type { Entry } from '../../src/storage/types.ts'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
afterAll(() => kinds.end())

/** Keys whose names lead elsewhere, or nowhere, each with what its name would lead to. */
const ODD: ReadonlyArray<readonly [key: string, other: string]> = [
  ['a//b', 'a/b'],
  ['/abs', 'abs'],
  ['./dot', 'dot'],
  ['x/./y', 'x/y'],
  ['up/../z', 'z'],
  ['../out', 'out'],
  ['back\\slash', 'back/slash'],
  ['tail/../..', 'tail'],
]

/** A bucket with the odd keys and what they could be taken for. */
async function oddBucket(): Promise<{ storage: Storage; odd: Entry[]; keys: () => Promise<string[]> }> {
  const storage = kinds.s3()
  const { driver } = storage.calls
  const ctx = storage.calls.context()
  for (const [key, other] of [...ODD, ['tail/..', 'tail/x'] as const]) {
    for (const each of new Set([key, other])) {
      await driver.write(storage.prefix + each, bytesContent(Buffer.from(`at ${each}`)), {}, ctx)
    }
  }
  const entries = await all(storage.entries('', { recursive: true }))
  const odd = ODD.map(([key]) => entries.find(entry => entry.name === key)!)
  const keys = async () => (await all(storage.entries('', { recursive: true }))).map(entry => entry.name)
  return { storage, odd, keys }
}

describe('an entry whose name would lead to another object', () => {
  it('is read, asked about and opened as what it is', async () => {
    const { storage, odd } = await oddBucket()
    for (const [at, [key]] of ODD.entries()) {
      const entry = odd[at]!
      expect(await storage.readText(entry)).toBe(`at ${key}`)
      expect((await storage.stat(entry)).size).toBe(`at ${key}`.length)
      expect(await storage.readText(await storage.stat(entry))).toBe(`at ${key}`)
      expect(await storage.exists(entry)).toBe(true)
      await using file = await storage.open(entry, 'r')
      expect(await file.read()).toBe(`at ${key}`)
    }
  })

  it('is changed and appended to as what it is, also where conditions are not kept', async () => {
    const { storage, odd, keys } = await oddBucket()
    const before = await keys()
    for (const conditionalWrites of ['on', 'off']) {
      const same = kinds.s3({ conditionalWrites, location: storage.options.location })
      const entries = await all(same.entries('', { recursive: true }))
      for (const { name } of odd) {
        const entry = entries.find(each => each.name === name)!
        await same.edit(entry, 'a', file => file.write('+'))
        expect((await same.readText(entry)).endsWith('+')).toBe(true)
      }
      const file = await same.open(`new//${conditionalWrites}`, 'x')
      await file.write('x')
      await file.close()
      expect(await same.readText(`new/${conditionalWrites}`)).toBe('x')
    }
    expect((await keys()).filter(name => !name.startsWith('new/'))).toEqual(before)
    expect(await storage.readText('a/b')).toBe('at a/b')
  })

  it('is refused by its name alone, so that nothing else is read or deleted', async () => {
    const { storage, odd, keys } = await oddBucket()
    const before = await keys()
    for (const entry of odd) {
      for (const given of [entry.name, { ...entry }, JSON.parse(JSON.stringify(entry)) as Entry]) {
        const calls = [
          storage.readText(given),
          storage.stat(given),
          storage.exists(given),
          storage.open(given),
          storage.open(given, 'r+'),
          storage.delete(given),
          storage.copy(given, 'copy'),
          storage.move(given, 'moved'),
          storage.url(given, { method: 'DELETE' }),
        ]
        const codes = (await Promise.allSettled(calls)).map(each => each.status === 'rejected' && each.reason.code)
        expect(codes).toEqual(codes.map(() => 'suspicious_name'))
      }
    }
    expect(await keys()).toEqual(before)
  })

  it('is copied, moved and deleted as what it is', async () => {
    const { storage, odd, keys } = await oddBucket()
    const before = await keys()
    for (const [at, [key]] of ODD.entries()) {
      const entry = odd[at]!
      expect(await storage.copy(entry, `copies/${at}`)).toBe(`copies/${at}`)
      expect(await storage.readText(`copies/${at}`)).toBe(`at ${key}`)
      if (at % 2 === 0) await storage.delete(entry)
      else expect(await storage.readText(await storage.move(entry, `moved/${at}`))).toBe(`at ${key}`)
      expect(await storage.exists(entry)).toBe(false)
    }
    const left = (await keys()).filter(name => !/^(copies|moved)\//.test(name))
    expect(left).toEqual(before.filter(name => !ODD.some(([key]) => key === name)))
  })

  it('is deleted among others, and what cannot be a name stops nothing', async () => {
    const { storage, odd, keys } = await oddBucket()
    const others = (await keys()).filter(name => !ODD.some(([key]) => key === name))
    const { deleted, errors } = await storage.deleteMany(['../outside', ...odd, 'a//other', others[0]!])
    expect(deleted).toBe(odd.length + 1)
    expect(errors.map(({ name, error }) => [name, error.code])).toEqual([
      ['../outside', 'suspicious_name'],
      ['a//other', 'suspicious_name'],
    ])
    expect(await keys()).toEqual(others.slice(1))
    await storage.deleteMany(storage.entries('', { recursive: true }))
    expect(await keys()).toEqual([])
  })

  it('is taken by its name in another storage', async () => {
    const { odd } = await oddBucket()
    const other = kinds.s3()
    await other.save('a/b', 'other')
    for (const entry of odd) await expect(other.delete(entry)).rejects.toMatchObject({ code: 'suspicious_name' })
    const plain = (await all(kinds.memory().entries())).length
    expect([plain, await other.readText('a/b')]).toEqual([0, 'other'])
  })

  it('is a file of its own on a disk that has such names', { skip: process.platform === 'win32' }, async () => {
    const location = kinds.folder()
    const storage = kinds.local({ location })
    mkdirSync(join(location, 'a'))
    writeFileSync(join(location, 'a/b'), 'innocent')
    writeFileSync(join(location, 'a\\b'), 'odd')
    const entries = await all(storage.entries())
    const entry = entries.find(({ name }) => name === 'a\\b')!
    expect(await storage.readText(entry)).toBe('odd')
    await expect(storage.readText('a\\b')).rejects.toMatchObject({ code: 'suspicious_name' })
    await storage.edit(entry, 'a', file => file.write('er'))
    expect(readFileSync(join(location, 'a\\b'), 'utf8')).toBe('odder')
    expect(await storage.copy(entry, 'copied')).toBe('copied')
    expect((await storage.deleteMany([entry])).deleted).toBe(1)
    expect([existsSync(join(location, 'a\\b')), readFileSync(join(location, 'a/b'), 'utf8')]).toEqual([
      false,
      'innocent',
    ])
  })
})

describe('listdir and folders', () => {
  it("never gives '', '.' or '..'", async () => {
    const { storage } = await oddBucket()
    for (const path of ['', 'a', 'tail', 'x', 'up']) {
      const names = (await storage.listdir(path)).flat()
      expect(names.filter(name => ['', '.', '..'].includes(name))).toEqual([])
      for await (const { name, isDirectory } of storage.entries(path)) {
        if (isDirectory) expect(name).not.toMatch(/(^|\/)\.{0,2}$/)
      }
    }
    expect(await storage.listdir('x')).toEqual([[], ['y']])
  })

  it('saves under another spelling give the name that was stored, on every backend', async () => {
    for (const storage of [kinds.memory(), kinds.local(), kinds.s3()]) {
      expect(await storage.save('back\\slash', 'x')).toBe('back/slash')
      expect((await storage.open('w\\x', 'w')).name).toBe('w/x')
      for (const call of [
        storage.readText('back\\slash'),
        storage.delete('back\\slash'),
        storage.stat('back//slash'),
      ]) {
        await expect(call).rejects.toMatchObject({ code: 'suspicious_name', fileName: expect.stringMatching(/^back/) })
      }
      expect(await storage.readText('back/slash')).toBe('x')
    }
  })
})

describe('pages', () => {
  it('give the entries of a folder, with a token for the next ones', async () => {
    for (const storage of [kinds.memory(), kinds.local(), kinds.s3()]) {
      for (const name of ['p/a', 'p/b/1', 'p/b/2', 'p/c', 'q']) await storage.save(name, 'x')
      const names: string[] = []
      let token: string | undefined
      do {
        const page = await storage.page('p', { recursive: true, limit: 1, token })
        expect(page.entries.length).toBeLessThan(2)
        names.push(...page.entries.map(entry => entry.name))
        token = page.next
      } while (token !== undefined)
      expect(names).toEqual(['p/a', 'p/b/1', 'p/b/2', 'p/c'])
      const { entries, next } = await storage.page('p')
      expect(entries.map(({ name, isDirectory }) => [name, isDirectory])).toEqual([
        ['p/b', true],
        ['p/a', false],
        ['p/c', false],
      ])
      expect([next, await storage.page('missing')]).toEqual([undefined, { entries: [], next: undefined }])
      const part = { recursive: true, startAfter: 'p/b', until: 'p/c' }
      const between = await all(storage.entries('', part))
      expect(between.map(entry => entry.name)).toEqual(['p/b/1', 'p/b/2'])
      expect((await storage.page('p', part)).entries).toHaveLength(2)
      expect(storage.supports('listRange')).toBe(true)
    }
  })

  it('refuse odd options, and a range where the backend has none', async () => {
    const storage = kinds.memory()
    for (const options of [{ limit: 0 }, { limit: 1.5 }, { startAfter: 7 }, { until: '\ud800' }, { token: 7 }]) {
      await expect(storage.page('', options as object)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    class Plain extends MemoryDriver {
      override readonly features: Features = { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true }
    }
    const plain = new MemoryStorage({}, { driver: new Plain() })
    expect(plain.supports('listRange')).toBe(false)
    await expect(plain.page('', { until: 'x' })).rejects.toMatchObject({ code: 'unsupported' })
    await expect(all(plain.entries('', { startAfter: 'x' }))).rejects.toMatchObject({ code: 'unsupported' })
  })

  it.each([
    ['one token again and again', (): string => 'same', 4],
    ['tokens that go round', (page: number): string => `token ${page % 5}`, 20],
    ['the first file again', (page: number): string => `token ${page}`, 4],
  ])('that do not go on end with an error: %s', async (title, tokenOf, most) => {
    let pages = 0
    const key = (page: number) => (title.includes('file') ? 'first' : `file ${page}`)
    const storage = storageOf(async () => ({
      files: [{ key: key(++pages), size: 1 }],
      directories: [],
      next: tokenOf(pages),
    }))
    await expect(all(storage.entries('d'))).rejects.toMatchObject({
      code: 'unavailable',
      operation: 'list',
      fileName: 'd',
    })
    expect(pages).toBeLessThanOrEqual(most)
  })

  it('without entries are passed over, and end with an error where they do not end', async () => {
    let pages = 0
    const empty = (last: number) =>
      storageOf(async () => {
        const next = ++pages < last ? `token ${pages}` : undefined
        return { files: next === undefined ? [{ key: 'at last', size: 1 }] : [], directories: [], next }
      })
    expect(await empty(3000).listdir()).toEqual([[], ['at last']])
    pages = 0
    await expect(empty(Number.POSITIVE_INFINITY).listdir()).rejects.toMatchObject({ code: 'unavailable' })
    expect(pages).toBeLessThan(11_000)
  })
})

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

function storageOf(list: () => Promise<Page>): MemoryStorage {
  class Scripted extends MemoryDriver {
    override list(): Promise<Page> {
      return list()
    }
  }
  return new MemoryStorage({}, { driver: new Scripted() })
}
