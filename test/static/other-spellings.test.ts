/** Files whose names change only in letter case. */
import { describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import type { CollectOptions } from '../../src/static/index.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import { collect, namesIn, pathsIn, SourceMap } from './support.ts'

/** A target that ignores letter case, and keeps the name that came first. */
class CaselessStorage extends MemoryStorage {
  constructor() {
    super()
    const names = new Map<string, string>()
    const first = (key: string): string => {
      const folded = key.toLowerCase()
      if (!names.has(folded)) names.set(folded, key)
      return names.get(folded)!
    }
    const { driver } = this.calls
    const { read, write, stat } = driver
    const { delete: remove } = driver
    driver.read = (key, ...rest) => read.call(driver, first(key), ...rest)
    driver.write = (key, ...rest) => write.call(driver, first(key), ...rest)
    driver.stat = (key, ...rest) => stat.call(driver, first(key), ...rest)
    driver.delete = (key, ...rest) => remove.call(driver, first(key), ...rest)
  }
}

const RUNS: ReadonlyArray<[string, CollectOptions]> = [
  ['removes what is stale', { deleteStale: true, keep: 0 }],
  ['clears the target', { clear: true }],
]

describe.each(RUNS)('a rename in letter case only, by a run that %s', (_, options) => {
  test('leaves the file in a target that ignores letter case', async () => {
    const storage = new CaselessStorage()
    const source = new SourceMap({ 'Img/Logo.png': 'x', 'b.txt': 'b' })
    const files = new StaticFiles({ storage, finders: [source], manifest: true })
    await collect(files)
    source.files_ = { 'img/logo.png': 'x', 'b.txt': 'b' }
    for (let runs = 0; runs < 2; runs++) {
      expect((await collect(files, options)).summary.failed).toBe(0)
      const paths = await pathsIn(storage)
      for (const name of [...Object.keys(paths), ...Object.values(paths)]) expect(await storage.exists(name)).toBe(true)
    }
  })

  test('removes the old name where both are files', async () => {
    const storage = new MemoryStorage()
    const source = new SourceMap({ 'Logo.png': 'x' })
    const files = new StaticFiles({ storage, finders: [source], manifest: true })
    await collect(files)
    source.files_ = { 'logo.png': 'x' }
    await collect(files, options)
    expect((await namesIn(storage)).filter(name => name.startsWith('Logo'))).toEqual([])
  })
})
