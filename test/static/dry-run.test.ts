/** What a dry run says is what the next run does. */
import { describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import type { CollectOptions } from '../../src/static/index.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import { collect, SourceMap } from './support.ts'

const CSS = 'a { color: red }\n'.repeat(40)

describe('a dry run says of each file what the next run does', () => {
  test.each<[string, CollectOptions]>([
    ['as it is', {}],
    ['that clears the target', { clear: true }],
    ['that removes what is stale', { deleteStale: true, keep: 0 }],
  ])('a run %s', async (_, options) => {
    const storage = new MemoryStorage()
    const source = new SourceMap({ 'a.css': CSS, 'b.css': CSS, 'same.css': `${CSS} ` })
    const files = new StaticFiles({ storage, finders: [source], manifest: true, compress: true })
    await collect(files)
    for (const sources of [source.files_, { 'a.css': `${CSS}b{}`, 'same.css': `${CSS} ` }]) {
      source.files_ = sources
      const dry = await collect(files, { ...options, dryRun: true })
      const real = await collect(files, options)
      for (const type of ['copied', 'unmodified', 'postProcessed'] as const) expect(dry.of(type)).toEqual(real.of(type))
      // Siblings of files that change are made anew.
      expect(dry.of('deleted')).toEqual(real.of('deleted'))
    }
  })
})
