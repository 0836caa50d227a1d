/** A folder that is missing, or a setting with a wrong name, must not empty a site. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { FolderFinder, StaticFiles } from '../../src/static/index.ts'
import type { CollectOptions } from '../../src/static/types.ts'
import { Tree } from './finders/fixture.ts'
import { collect, namesIn, SourceMap } from './support.ts'

const DELETING: readonly CollectOptions[] = [{ deleteStale: true }, { keep: 0 }, { clear: true }]

function storageOf(): MemoryStorage {
  return new MemoryStorage({ fileOverwrite: true, baseUrl: '/static/' }, { settings: {}, env: {} })
}

describe('a run that finds no file', () => {
  test.each(DELETING)('deletes nothing with %j', async options => {
    const [storage, sources] = [storageOf(), new SourceMap({ 'a.css': 'a' })]
    const files = new StaticFiles({ storage, finders: [sources] })
    await collect(files)
    const before = await namesIn(storage)
    sources.files_ = {}
    await expect(collect(files, options)).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringMatching(/no static files were found; set STATICFILES_DIRS .* so nothing was changed/),
    })
    expect(await namesIn(storage)).toEqual(before)
  })

  test('leaves the manifest of the run before', async () => {
    const [storage, sources] = [storageOf(), new SourceMap({ 'a.css': 'a' })]
    const files = new StaticFiles({ storage, finders: [sources], manifest: true })
    await collect(files)
    const manifest = await storage.readText('staticfiles.json')
    sources.files_ = {}
    await expect(collect(files)).rejects.toMatchObject({ code: 'improperly_configured' })
    expect(await storage.readText('staticfiles.json')).toBe(manifest)
  })

  test.each([{}, ...DELETING])('warns with %j where nothing was collected before', async options => {
    const { warnings, summary } = await collect(
      new StaticFiles({ storage: storageOf(), finders: [], manifest: true }),
      options,
    )
    expect(warnings).toEqual([':: no static files were found; set STATICFILES_DIRS or STATICFILES_PACKAGES'])
    expect(summary).toMatchObject({ copied: 0, failed: 0 })
  })
})

test.each(DELETING)(
  'a folder that is missing is a failure with %j, and nothing that came from it is deleted',
  async options => {
    using tree = new Tree({ 'one/a.css': 'a', 'two/b.css': 'b' })
    const storage = storageOf()
    const files = new StaticFiles({ storage, finders: [new FolderFinder(['one', 'two'], { base: tree.path })] })
    await collect(files)
    const before = await namesIn(storage)
    await rm(join(tree.path, 'two'), { recursive: true })
    const { failures } = await collect(files, options)
    expect(failures).toEqual([
      expect.stringMatching(/STATICFILES_DIRS setting does not exist, and this run would delete/),
    ])
    expect(await namesIn(storage)).toEqual(before)
    expect((await collect(files)).failures).toEqual([])
  },
)
