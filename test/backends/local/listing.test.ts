import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readNames } from '../../../src/backends/local/folder-names.ts'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { compareKeys, sortKeys } from '../../../src/core/key-order.ts'
import { ctx, localDriver, openIn, temporaryFolder } from './fixture.ts'

test('a large folder is read lot by lot, in order and completely', async () => {
  using folder = temporaryFolder()
  const names: string[] = []
  for (let at = 0; at < 500; at++) {
    const name = `${(at * 7919) % 500}${['', '-\u{1f642}', '-\uff5e'][at % 3]}`
    if (at % 5 === 0) mkdirSync(join(folder.path, name))
    else writeFileSync(join(folder.path, name), '')
    names.push(at % 5 === 0 ? `${name}/` : name)
  }
  const seen: string[] = []
  for (let after = '', lots = 0; ; lots++) {
    const lot = await readNames(folder.path, { after, onlyFolders: false, max: 30 })
    expect(lot.names.length).toBeLessThanOrEqual(30)
    seen.push(...lot.names)
    if (lot.isOver) break
    expect(lots).toBeLessThan(30)
    after = lot.names.at(-1)!
  }
  expect(seen).toEqual(sortKeys([...names]))
  expect(seen).toEqual([...seen].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
})

test('keys are compared by their UTF-8 bytes', () => {
  const keys = [
    '',
    'a',
    'a/',
    'a/b',
    'a-b',
    'b',
    '\u{10ffff}',
    '\u{10000}',
    '\ue000',
    '\uffff',
    '\ud7ff',
    'é',
    'e\u0301',
  ]
  for (const a of keys) {
    for (const b of keys) {
      expect(Math.sign(compareKeys(a, b)), `${a} ${b}`).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }
  }
})

test.runIf(process.platform === 'linux')('64 listings that nobody goes on with hold nothing open', async () => {
  using folder = temporaryFolder()
  const deep = 'a/'.repeat(30)
  mkdirSync(join(folder.path, deep), { recursive: true })
  for (const name of ['one', 'two', 'three']) writeFileSync(join(folder.path, deep, name), '')
  const driver = localDriver(folder.path)
  const pages = await Promise.all(Array.from({ length: 64 }, () => driver.list('', { recursive: true, limit: 1 }, ctx)))
  expect(openIn(folder.path)).toBe(0)
  for (const { next } of pages) {
    const { files } = await driver.list('', { recursive: true, limit: 5, token: next }, ctx)
    expect(files.map(({ key }) => key)).toEqual([`${deep}three`, `${deep}two`])
  }
  await driver.close()
})

test('a listing goes on in the folder to which the location was turned', async () => {
  using folder = temporaryFolder()
  const at = (name: string) => join(folder.path, name)
  for (const name of ['old/a', 'old/b', 'old/c', 'new/a', 'new/b2', 'new/d']) {
    mkdirSync(join(at(name), '..'), { recursive: true })
    writeFileSync(at(name), '')
  }
  symlinkSync('old', at('now'))
  const driver = localDriver(at('now'))
  const first = await driver.list('', { recursive: true, limit: 1 }, ctx)
  symlinkSync('new', at('next'))
  renameSync(at('next'), at('now'))
  const { files } = await driver.list('', { recursive: true, token: first.next }, ctx)
  expect(files.map(({ key }) => key)).toEqual(['b2', 'd'])
})

test('a folder that is turned into a link between pages is not gone into', async () => {
  using folder = temporaryFolder()
  const root = join(folder.path, 'root')
  for (const name of ['d/a', 'd/b', 'd/c', 'e/f']) {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), '')
  }
  mkdirSync(join(root, 'other'))
  writeFileSync(join(root, 'other/x'), '')
  const driver = localDriver(root)
  const first = await driver.list('', { recursive: true, limit: 1 }, ctx)
  renameSync(join(root, 'd'), join(folder.path, 'away'))
  symlinkSync('other', join(root, 'd'))
  const { files } = await driver.list('', { recursive: true, token: first.next }, ctx)
  expect(files.map(({ key }) => key)).toEqual(['e/f', 'other/x'])
})

test('a start that is no path leads nowhere else', async () => {
  using folder = temporaryFolder()
  const root = join(folder.path, 'root')
  for (const name of ['a', 'd/x']) {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), '')
  }
  writeFileSync(join(folder.path, 'secret'), '')
  const storage = new LocalStorage({ location: root }, { settings: {}, env: {} })
  for (const startAfter of ['', '../', '../s', './', '//', 'd/../', 'd/../../', 'd//', '\0/', '.holdall-1-ab.tmp/']) {
    for (const recursive of [true, false]) {
      const names: string[] = []
      for await (const { name } of storage.entries('', { recursive, startAfter })) names.push(name)
      const wanted = (recursive ? ['a', 'd/x'] : ['d', 'a']).filter(
        name => compareKeys(name === 'd' ? 'd/' : name, startAfter) > 0,
      )
      expect(names, JSON.stringify(startAfter)).toEqual(wanted)
    }
  }
})
