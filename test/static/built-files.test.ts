import { describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { fromAssetManifest } from '../../src/static/asset-manifest.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import { collect, namesIn, pathsIn, SourceMap } from './support.ts'

describe('a built file that no finder has', () => {
  const bundles = [fromAssetManifest({ 'main.js': 'main.1f3c.js', 'page.js': 'page.9a.js' })]
  const finders = [new SourceMap({ 'main.1f3c.js': 'main', 'a.txt': 'a' })]

  test('ends a strict run before it has changed anything, and says what to do', async () => {
    const storage = new MemoryStorage()
    const run = await collect(new StaticFiles({ storage, finders, bundles, manifest: true }))
    expect(run.failures).toEqual([expect.stringMatching(/'page\.9a\.js' of 'page\.js' .* Add the folder of the build/)])
    expect(await namesIn(storage)).toEqual([])
  })

  test('is no entry of the manifest of a lenient run', async () => {
    const storage = new MemoryStorage()
    const run = await collect(new StaticFiles({ storage, finders, bundles, manifest: { strict: false } }))
    expect(run.warnings).toHaveLength(1)
    expect(Object.keys(await pathsIn(storage))).toEqual(['a.txt', 'main.1f3c.js', 'main.js'])
  })
})
