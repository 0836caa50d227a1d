import { describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { bytesContent } from '../../src/core/content.ts'
import type { CollectOptions } from '../../src/static/index.ts'
import type { StaticFilesOptions } from '../../src/static/options.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import { collect, namesIn, pathsIn, SourceMap } from './support.ts'

/** A target that deploy after deploy is collected into. */
function deploys(options: Partial<StaticFilesOptions> = {}) {
  const storage = new MemoryStorage()
  const source = new SourceMap({})
  const files = new StaticFiles({ storage, finders: [source], manifest: true, ...options })
  const hashed: string[] = []
  return {
    storage,
    hashed,
    async deploy(css: string, run: CollectOptions = {}) {
      source.files_ = { 'a.css': css, 'same.txt': 'same' }
      const done = await collect(files, run)
      hashed.push((await pathsIn(storage))['a.css'] ?? '')
      return done
    },
    /** Which deploys' stylesheets can be read. */
    async readable() {
      const kept = await Promise.all(hashed.map(name => storage.exists(name)))
      return kept.flatMap((isKept, at) => (isKept ? [at] : []))
    },
  }
}

describe('files of former deploys', () => {
  test('stay unless they are to go', async () => {
    const { deploy, readable } = deploys()
    for (const css of ['a{}', 'b{}', 'c{}']) await deploy(css)
    expect(await readable()).toEqual([0, 1, 2])
  })

  test.each([
    [0, [4]],
    [1, [3, 4]],
    [2, [2, 3, 4]],
    [undefined, [3, 4]],
  ])('of %s deploys stay with deleteStale', async (keep, expected) => {
    const { deploy, readable, storage } = deploys()
    for (const css of ['a{}', 'b{}', 'c{}', 'd{}', 'e{}']) await deploy(css, { deleteStale: true, keep })
    expect(await readable()).toEqual(expected)
    expect(await storage.exists((await pathsIn(storage))['same.txt']!)).toBe(true)
  })

  test('of so many deploys stay with keep alone, which leaves plain files', async () => {
    const { deploy, readable, storage } = deploys()
    for (const css of ['a{}', 'b{}', 'c{}']) await deploy(css, { keep: 0 })
    expect(await readable()).toEqual([2])
    expect(await storage.exists('a.css')).toBe(true)
  })

  test('a run that changes nothing is no deploy', async () => {
    const { deploy, readable } = deploys()
    for (const css of ['a{}', 'b{}', 'b{}', 'b{}']) await deploy(css, { deleteStale: true, keep: 1 })
    expect(await readable()).toEqual([0, 1, 2, 3])
  })

  test('a file that comes back is the newest again', async () => {
    const { deploy, readable } = deploys()
    for (const css of ['a{}', 'b{}', 'a{}', 'c{}']) await deploy(css, { deleteStale: true, keep: 1 })
    expect(await readable()).toEqual([0, 2, 3])
  })

  test('go with their compressed siblings', async () => {
    const { deploy, storage, hashed } = deploys({ compress: { minSize: 0 } })
    await deploy('a { color: red }'.repeat(9))
    await deploy('b { color: red }'.repeat(9), { deleteStale: true, keep: 0 })
    const names = await namesIn(storage)
    expect(names.filter(name => name.startsWith(hashed[0]!))).toEqual([])
    expect(names.filter(name => name.startsWith(hashed[1]!))).toHaveLength(3)
  })

  test('what no run has stored is never touched', async () => {
    const { deploy, storage } = deploys()
    for (const name of ['media/photo.jpg', 'x.0123456789ab.css']) await storage.save(name, 'x')
    await deploy('a{}', { deleteStale: true, keep: 0 })
    await deploy('b{}', { deleteStale: true, keep: 0 })
    expect(await storage.exists('media/photo.jpg')).toBe(true)
    expect(await storage.exists('x.0123456789ab.css')).toBe(true)
  })

  test('nothing goes where another run has written the manifest meanwhile', async () => {
    const { deploy, storage, readable } = deploys()
    await deploy('a{}')
    const { driver } = storage.calls
    const write = driver.write.bind(driver)
    driver.write = async (key, content, ...rest) => {
      const stat = await write(key, content, ...rest)
      if (key === 'staticfiles.json') {
        await write(key, bytesContent(Buffer.from('{"paths": {}, "version": "1.1", "hash": ""}')), ...rest)
      }
      return stat
    }
    const run = await deploy('b{}', { deleteStale: true, keep: 0 })
    driver.write = write
    expect(run.warnings).toEqual([expect.stringContaining('another run has written the manifest meanwhile')])
    expect(await readable()).toContain(0)
  })

  test('of the former deploy stay also where its run ended before it wrote the record', async () => {
    const { deploy, storage, readable } = deploys()
    for (const css of ['a{}', 'b{}', 'c{}']) await deploy(css)
    const record = await storage.readText('staticfiles.collected.json')
    // A deploy is rolled back to the first one.
    await deploy('a{}')
    await storage.save('staticfiles.collected.json', record, { overwrite: true })
    await deploy('d{}', { deleteStale: true, keep: 1 })
    expect(await readable()).toContain(0)
    await storage.save('staticfiles.collected.json', record, { overwrite: true })
    await deploy('a{}')
    await storage.save('staticfiles.collected.json', record, { overwrite: true })
    await deploy('a{}', { deleteStale: true, keep: 0, postProcess: false })
    expect(await readable()).toContain(0)
  })

  test('a run that others disturb again and again says that it has not ended well', async () => {
    const { deploy, storage } = deploys()
    await deploy('a{}')
    const { driver } = storage.calls
    const read = driver.read.bind(driver)
    let reads = 0
    driver.read = async (key, ...rest) => {
      if (key === 'staticfiles.collected.json') {
        const text = `{"version":1,"deploy":${reads++},"manifest":"","removing":0,"files":{\n}}\n`
        await storage.save(key, text, { overwrite: true })
      }
      return read(key, ...rest)
    }
    await expect(deploy('b{}')).rejects.toMatchObject({
      code: 'precondition_failed',
      message: expect.stringContaining('Run it again'),
    })
  })

  test('plain files whose source is gone go at once, and stay without deleteStale', async () => {
    const storage = new MemoryStorage()
    const source = new SourceMap({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' })
    const files = new StaticFiles({ storage, finders: [source] })
    await collect(files)
    delete source.files_['a.txt']
    expect((await collect(files)).summary.deleted).toBe(0)
    delete source.files_['b.txt']
    const run = await collect(files, { deleteStale: true, dryRun: true })
    expect(run.of('deleted')).toEqual(['a.txt', 'b.txt'])
    expect(await storage.exists('a.txt')).toBe(true)
    expect((await collect(files, { deleteStale: true })).of('deleted')).toEqual(['a.txt', 'b.txt'])
    expect(await namesIn(storage)).toEqual(['c.txt', 'staticfiles.collected.json'])
  })
})
