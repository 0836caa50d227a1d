import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Anchor } from '../../../src/backends/local/anchor.ts'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { isFull } from '../../support/sampled.ts'
import { allFiles, ctx, localDriver, openIn, temporaryFolder } from './fixture.ts'
import { before, warningsDuring } from './hooks.ts'

const LEVELS = isFull ? 1000 : 300
/** Descriptors of a walk, whatever it goes through. */
const MAX_OPEN = 40

/** A chain of folders, each with a file and another folder that has one. */
function grow(root: string, levels: number): string[] {
  const keys: string[] = []
  let prefix = ''
  for (let level = 0; level < levels; level++) {
    mkdirSync(join(root, prefix, 'other'), { recursive: true })
    for (const name of ['file', 'other/file']) {
      writeFileSync(join(root, prefix, name), '')
      keys.push(`${prefix}${name}`)
    }
    prefix += 'a/'
  }
  return keys.sort()
}

test.runIf(process.platform === 'linux')(
  `a tree of ${LEVELS} levels takes few descriptors`,
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder()
    const storage = new LocalStorage({ location: folder.path, fsync: false }, { settings: {}, env: {} })
    const keys = grow(folder.path, LEVELS)
    const deepest = `${'a/'.repeat(LEVELS - 1)}file`
    const seen: string[] = []
    let most = 0
    {
      using _ = before('lstat', () => {
        most = Math.max(most, openIn(folder.path))
      })
      for (let token: string | undefined, page = 0; page === 0 || token !== undefined; page++) {
        const { files, next } = await storage.calls.driver.list('', { recursive: true, limit: 77, token }, ctx)
        seen.push(...files.map(file => file.key))
        expect(openIn(folder.path)).toBe(0)
        token = next
      }
    }
    expect(seen.sort()).toEqual(keys)
    expect(most).toBeGreaterThan(2)
    expect(most).toBeLessThan(MAX_OPEN)
    expect(openIn(folder.path)).toBe(0)
    await storage.save(deepest, 'x', { overwrite: true })
    expect((await storage.stat(deepest)).size).toBe(1)
    writeFileSync(join(folder.path, 'a/'.repeat(LEVELS - 1), '.holdall-4194999-abcdef.tmp'), '')
    expect(await storage.sweep({ minAgeSecs: 0 })).toBe(1)
    const { deleted, errors } = await storage.deleteMany(storage.entries('', { recursive: true }))
    expect([deleted, errors]).toEqual([keys.length, []])
    expect(await allFiles(localDriver(folder.path))).toEqual([])
  },
)

test('folders that are removed or moved away while they are read end nothing', async () => {
  using folder = temporaryFolder()
  const root = join(folder.path, 'root')
  const keys = grow(root, 60)
  const driver = localDriver(root)
  const list = async (change: () => void): Promise<string[]> => {
    const { files, next } = await driver.list('', { recursive: true, limit: 90 }, ctx)
    change()
    const seen = files.map(file => file.key)
    for (let token = next; token !== undefined; ) {
      const page = await driver.list('', { recursive: true, token }, ctx)
      seen.push(...page.files.map(file => file.key))
      token = page.next
    }
    return seen.sort()
  }
  const moved = join(root, 'a/'.repeat(20))
  const kept = (seen: string[]) => seen.filter(key => !key.startsWith('a/'.repeat(20)))
  // The walk is somewhere below; what lies above comes all the same.
  const warnings = await warningsDuring(async () => {
    const seen = await list(() => renameSync(moved, join(folder.path, 'away')))
    expect(kept(seen)).toEqual(kept(keys))
    expect(new Set(seen).size).toBe(seen.length)
  })
  expect(warnings).toEqual([])
  renameSync(join(folder.path, 'away'), moved)
  expect(kept(await list(() => rmSync(moved, { recursive: true })))).toEqual(kept(keys))
  await driver.close()
})

test('a folder with more folders than wait in memory is read to its end', async () => {
  using folder = temporaryFolder()
  for (let n = 0; n < 5000; n++) mkdirSync(join(folder.path, `${n}`))
  for (const n of [0, 2500, 4999]) writeFileSync(join(folder.path, `${n}/file`), '')
  const driver = localDriver(folder.path)
  expect((await allFiles(driver)).map(file => file.key).sort()).toEqual(['0/file', '2500/file', '4999/file'])
})

test('what lies deeper than a path can say is reported, and the rest is listed', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  writeFileSync(join(folder.path, 'file'), '')
  const name = 'n'.repeat(250)
  const chain = [await Anchor.at(folder.path, { folder: true })]
  for (let level = 0; level < 20; level++) {
    const { path } = chain.at(-1)!
    mkdirSync(join(path, name))
    writeFileSync(join(path, name, 'file'), '')
    chain.push(await Anchor.at(join(path, name), { folder: true }))
  }
  const warnings = await warningsDuring(async () => {
    const keys = (await allFiles(driver)).map(file => file.key)
    expect(keys.length).toBeGreaterThan(10)
    for (const key of keys) expect((await driver.stat(key, ctx)).size).toBe(0)
    expect(await driver.sweep({ prefix: '', minAgeMs: 0, dryRun: false }, ctx)).toBe(0)
  })
  expect(warnings[0]).toMatch(/^"\.\.\.n+.* is left out: its path is longer than the system allows\.$/)
  // What removes it by path cannot reach the end either.
  for (const anchor of chain.toReversed()) {
    rmSync(join(anchor.path, name), { recursive: true, force: true })
    anchor.release()
  }
})
