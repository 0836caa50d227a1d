import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StorageError } from '../../src/core/errors.ts'
import { IMMUTABLE } from '../../src/static/headers.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import type { CollectEvent } from '../../src/static/types.ts'
import { collect, namesIn, pathsIn, SourceMap } from './support.ts'

const SITE = {
  'css/site.css': '@import "base.css";\nbody { background: url(../img/back.png) }\n',
  'css/base.css': 'a { color: red }\n',
  'img/back.png': Buffer.from([0x89, 0x50, 0x4e, 0x47]),
  'robots.txt': 'User-agent: *\n',
}
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function localStorage(): LocalStorage {
  const location = mkdtempSync(join(tmpdir(), 'holdall-static-'))
  folders.push(location)
  return new LocalStorage({ location, baseUrl: '/static/' })
}

describe('a run without a manifest', () => {
  test('stores every file under its name, and a second run stores nothing', async () => {
    for (const storage of [new MemoryStorage(), localStorage()]) {
      const files = new StaticFiles({ storage, finders: [new SourceMap(SITE)] })
      const first = await collect(files)
      expect(first.of('copied')).toEqual(Object.keys(SITE).sort())
      expect(first.summary).toMatchObject({ copied: 4, unmodified: 0, postProcessed: 0, failed: 0 })
      expect(await storage.readText('css/base.css')).toBe(SITE['css/base.css'])
      const before = await storage.stat('css/base.css')
      const second = await collect(files)
      expect(second.summary).toMatchObject({ copied: 0, unmodified: 4 })
      expect((await storage.stat('css/base.css')).etag).toBe(before.etag)
    }
  })

  test('stores what has changed, and what was changed in the target', async () => {
    for (const storage of [new MemoryStorage(), localStorage()]) {
      const source = new SourceMap({ ...SITE })
      const files = new StaticFiles({ storage, finders: [source] })
      await collect(files)
      source.files_['css/base.css'] = 'b { color: red }\n'
      await storage.save('robots.txt', 'User-agent: x\n', { overwrite: true })
      expect((await collect(files)).of('copied')).toEqual(['css/base.css', 'robots.txt'])
      expect(await storage.readText('robots.txt')).toBe(SITE['robots.txt'])
      expect(await storage.readText('css/base.css')).toBe('b { color: red }\n')
    }
  })

  test('where listings have no etags, a file of the same size that is newer than the record is stored anew', async () => {
    class Etagless extends MemoryStorage {
      override async *entries(...args: Parameters<MemoryStorage['entries']>): ReturnType<MemoryStorage['entries']> {
        for await (const entry of super.entries(...args)) yield { ...entry, etag: undefined, versionId: undefined }
      }
    }
    const storage = new Etagless()
    const files = new StaticFiles({ storage, finders: [new SourceMap(SITE)] })
    await collect(files)
    expect((await collect(files)).summary).toMatchObject({ copied: 0, unmodified: 4 })
    const written = await storage.getModifiedTime('staticfiles.collected.json')
    while (Date.now() <= written.getTime()) await new Promise(setImmediate)
    await storage.save('robots.txt', 'User-agent: x\n', { overwrite: true })
    expect((await collect(files)).of('copied')).toEqual(['robots.txt'])
  })

  test('takes files that are in the target without a record for equal by their bytes, where these are on this machine', async () => {
    const storage = localStorage()
    for (const [name, content] of Object.entries(SITE)) await storage.save(name, content)
    const run = await collect(
      new StaticFiles({ storage, finders: [new SourceMap({ ...SITE, 'robots.txt': 'User-agent: y\n' })] }),
    )
    expect(run.of('copied')).toEqual(['robots.txt'])
  })

  test('the first of two files of one name is meant, and the second is reported', async () => {
    const storage = new MemoryStorage()
    const finders = [new SourceMap({ 'a.txt': 'first' }), new SourceMap({ 'a.txt': 'second', 'b.txt': 'b' })]
    const run = await collect(new StaticFiles({ storage, finders }))
    expect(run.events).toContainEqual({
      type: 'duplicate',
      name: 'a.txt',
      origin: 'memory:a.txt',
      first: 'memory:a.txt',
    })
    expect(await storage.readText('a.txt')).toBe('first')
    expect(run.summary.copied).toBe(2)
  })

  test('a dry run changes nothing, and says what would be done', async () => {
    const storage = new MemoryStorage()
    const files = new StaticFiles({ storage, finders: [new SourceMap(SITE)], manifest: true, compress: true })
    const run = await collect(files, { dryRun: true })
    expect(run.summary).toMatchObject({ copied: 4, dryRun: true })
    expect(await namesIn(storage)).toEqual([])
  })

  test('by modified times, whole seconds count', async () => {
    const storage = localStorage()
    const source = new SourceMap({ 'a.txt': 'one' })
    const files = new StaticFiles({ storage, finders: [source] })
    await collect(files)
    const stored = (await storage.getModifiedTime('a.txt')).getTime()
    source.files_['a.txt'] = 'two'
    source.modifiedAt = new Date(Math.floor(stored / 1000) * 1000 + 999)
    expect((await collect(files, { compare: 'modifiedTime' })).summary).toMatchObject({ copied: 0, unmodified: 1 })
    source.modifiedAt = new Date(stored + 1000)
    expect((await collect(files, { compare: 'modifiedTime' })).summary).toMatchObject({ copied: 1, unmodified: 0 })
    expect(await storage.readText('a.txt')).toBe('two')
  })

  test('a changed header stores the file anew', async () => {
    const storage = new MemoryStorage()
    const finders = [new SourceMap(SITE)]
    await collect(new StaticFiles({ storage, finders }))
    const headers = { '*.css': { cacheControl: 'max-age=60' } }
    const run = await collect(new StaticFiles({ storage, finders, headers }))
    expect(run.of('copied')).toEqual(['css/base.css', 'css/site.css'])
    expect((await storage.stat('css/base.css')).cacheControl).toBe('max-age=60')
    expect((await storage.stat('robots.txt')).cacheControl).toBeUndefined()
  })

  test('clear removes what else is in the target', async () => {
    const storage = new MemoryStorage()
    await storage.save('old/file.txt', 'x')
    const run = await collect(new StaticFiles({ storage, finders: [new SourceMap(SITE)] }), { clear: true })
    expect(run.of('deleted')).toEqual(['old/file.txt'])
    expect(run.summary).toMatchObject({ copied: 4, deleted: 1 })
    const again = await collect(new StaticFiles({ storage, finders: [new SourceMap(SITE)] }), { clear: true })
    expect(again.of('deleted')).toEqual(Object.keys(SITE).sort())
    expect(again.summary.copied).toBe(4)
  })

  test('one failing file is reported, and the others go on', async () => {
    const storage = new MemoryStorage()
    const source = new SourceMap(SITE)
    source.onRead = name => {
      if (name === 'robots.txt') throw new StorageError('permission_denied', 'no right to read it')
    }
    const run = await collect(new StaticFiles({ storage, finders: [source] }))
    expect(run.of('failed')).toEqual(['robots.txt'])
    expect(run.summary).toMatchObject({ copied: 3, failed: 1 })
  })

  test('a target that refuses everything ends the run', async () => {
    const storage = new MemoryStorage({ readOnly: true })
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${at}.txt`, `${at}`]))
    const events: CollectEvent[] = []
    const run = (async () => {
      for await (const event of new StaticFiles({ storage, finders: [new SourceMap(many)] }).collect())
        events.push(event)
    })()
    await expect(run).rejects.toMatchObject({ code: 'permission_denied' })
    expect(events.filter(({ type }) => type === 'failed').length).toBeLessThan(50)
  })

  test('an abort ends it, and so does the end of the iteration', async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${at}.txt`, `${at}`]))
    const storage = new MemoryStorage()
    const files = new StaticFiles({ storage, finders: [new SourceMap(many)] })
    for await (const event of files.collect()) if (event.type === 'copied') break
    const stored = await namesIn(storage)
    expect(stored.length).toBeLessThan(500)
    const stop = new AbortController()
    const run = (async () => {
      for await (const event of files.collect({ signal: stop.signal })) if (event.type === 'copied') stop.abort()
    })()
    await expect(run).rejects.toMatchObject({ code: 'aborted' })
    await expect(collect(files, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    expect((await collect(files)).summary.failed).toBe(0)
    expect(await namesIn(storage)).toHaveLength(501)
  })

  test('names of the run itself are not free for sources', async () => {
    const storage = new MemoryStorage()
    const sources = new SourceMap({ 'staticfiles.json': '{}', 'staticfiles.collected.json': '{}', 'a.txt': 'a' })
    const run = await collect(new StaticFiles({ storage, finders: [sources], manifest: true }))
    expect(run.of('copied')).toEqual(['a.txt'])
    expect(run.warnings).toHaveLength(2)
    expect(Object.keys(await pathsIn(storage))).toEqual(['a.txt'])
  })
})

describe('a run with a manifest', () => {
  test('stores each file under its plain name and under that with its hash, once', async () => {
    const storage = new MemoryStorage({ baseUrl: '/static/' })
    const writes: string[] = []
    const { driver } = storage.calls
    const write = driver.write.bind(driver)
    driver.write = (key, ...rest) => {
      writes.push(key)
      return write(key, ...rest)
    }
    const files = new StaticFiles({ storage, finders: [new SourceMap(SITE)], manifest: true })
    const run = await collect(files)
    const paths = await pathsIn(storage)
    expect(Object.keys(paths)).toEqual(Object.keys(SITE).sort())
    expect(writes.toSorted()).toEqual(
      [...Object.keys(SITE), ...Object.values(paths), 'staticfiles.json', 'staticfiles.collected.json'].sort(),
    )
    // The manifest comes when all that it names is there.
    expect(writes.slice(-2)).toEqual(['staticfiles.json', 'staticfiles.collected.json'])
    expect(run.summary).toMatchObject({ copied: 4, postProcessed: 4 })
    expect(await storage.readText(paths['css/site.css']!)).toBe(
      `@import url("${paths['css/base.css']!.slice(4)}");\nbody { background: url("../${paths['img/back.png']}") }\n`,
    )
    writes.length = 0
    expect((await collect(files)).summary).toMatchObject({ copied: 0, unmodified: 4, postProcessed: 0 })
    expect(writes).toEqual([])
    await files.load()
    expect(files.url('css/site.css')).toBe(`/static/${paths['css/site.css']}`)
  })

  test('the plain files stay as they are, or are left out', async () => {
    const storage = new MemoryStorage()
    await collect(new StaticFiles({ storage, finders: [new SourceMap(SITE)], manifest: true }))
    expect(await storage.readText('css/site.css')).toBe(SITE['css/site.css'])
    const other = new MemoryStorage()
    await collect(
      new StaticFiles({ storage: other, finders: [new SourceMap(SITE)], manifest: { keepOriginals: false } }),
    )
    const paths = await pathsIn(other)
    expect(await namesIn(other)).toEqual(
      [...Object.values(paths), 'staticfiles.collected.json', 'staticfiles.json'].sort(),
    )
  })

  test('hashed files are for ever, the others and the manifest are not, and patterns have the last word', async () => {
    const storage = new MemoryStorage()
    const headers = { '*.png': { cacheControl: 'max-age=5' }, 'css/*': { contentLanguage: 'en' } }
    await collect(new StaticFiles({ storage, finders: [new SourceMap(SITE)], manifest: true, headers }))
    const paths = await pathsIn(storage)
    const cached = async (name: string) => (await storage.stat(name)).cacheControl
    expect(await cached(paths['css/site.css']!)).toBe(IMMUTABLE)
    expect((await storage.stat(paths['css/site.css']!)).contentLanguage).toBe('en')
    expect(await cached('css/site.css')).toBeUndefined()
    expect(await cached(paths['img/back.png']!)).toBe('max-age=5')
    expect(await cached('staticfiles.json')).toBe('no-cache')
  })

  test('a file packed by its name keeps its type and encoding under the hashed one', async () => {
    const storage = new MemoryStorage()
    await collect(
      new StaticFiles({ storage, finders: [new SourceMap({ 'a.css.gz': 'x', LICENSE: 'y' })], manifest: true }),
    )
    const paths = await pathsIn(storage)
    const { contentType, contentEncoding } = await storage.stat(paths['a.css.gz']!)
    expect([contentType, contentEncoding]).toEqual(['text/css', 'gzip'])
    expect(paths['LICENSE']).toMatch(/^LICENSE\.[0-9a-f]{12}$/)
  })

  test('without post-processing the old manifest stays', async () => {
    const storage = new MemoryStorage()
    const source = new SourceMap({ ...SITE })
    const files = new StaticFiles({ storage, finders: [source], manifest: true })
    await collect(files)
    const before = await storage.readText('staticfiles.json')
    source.files_['robots.txt'] = 'changed'
    const run = await collect(files, { postProcess: false, deleteStale: true, keep: 0 })
    expect(run.summary).toMatchObject({ copied: 1, unmodified: 3, postProcessed: 0, deleted: 0 })
    expect(await storage.readText('staticfiles.json')).toBe(before)
    for (const name of Object.values(await pathsIn(storage))) expect(await storage.exists(name)).toBe(true)
  })

  test('the manifest may be in another storage', async () => {
    const storage = new MemoryStorage()
    const other = new MemoryStorage()
    const options = {
      storage,
      finders: [new SourceMap(SITE)],
      manifest: { storage: other, name: 'deploy/static.json' },
    }
    await collect(new StaticFiles(options))
    expect(await namesIn(other)).toEqual(['deploy/static.json'])
    expect(await storage.exists('deploy/static.json')).toBe(false)
    expect((await collect(new StaticFiles(options))).summary.postProcessed).toBe(0)
    const files = await new StaticFiles({ ...options, baseUrl: 'https://cdn.example.com' }).load()
    expect(files.url('robots.txt')).toMatch(/^https:\/\/cdn\.example\.com\/robots\.[0-9a-f]{12}\.txt$/)
  })

  test('a damaged manifest is an error, a damaged record is not', async () => {
    const storage = new MemoryStorage()
    const files = new StaticFiles({ storage, finders: [new SourceMap(SITE)], manifest: true })
    await collect(files)
    await storage.save('staticfiles.collected.json', '{"version":1,"files":', { overwrite: true })
    expect((await collect(files)).summary.failed).toBe(0)
    await storage.save('staticfiles.json', '{"paths": {}, "version": "2.0"}', { overwrite: true })
    await expect(collect(files)).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining("Couldn't load manifest 'staticfiles.json' (version 1.1)"),
    })
  })
})
