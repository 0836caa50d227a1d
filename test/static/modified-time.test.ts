/** Runs that compare modified times, as Django does. */
import { expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import { collect, namesIn, SourceMap } from './support.ts'

const CSS = 'a { color: red }\n'.repeat(40)
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`${at}.css`, CSS]))

test.each([false, true])('leave the compressed siblings of what is up to date (manifest: %s)', async manifest => {
  const storage = new MemoryStorage()
  // More files than are read before the target is known.
  const files = new StaticFiles({
    storage,
    finders: [new SourceMap(many(100))],
    manifest,
    compress: { codings: ['gzip'] },
  })
  await collect(files)
  const before = await namesIn(storage)
  const run = await collect(files, { compare: 'modifiedTime' })
  expect(run.summary).toMatchObject({ copied: 0, unmodified: 100, deleted: 0 })
  expect(await namesIn(storage)).toEqual(before)
})

test('make no sibling of other bytes than those that stay in the target', async () => {
  const storage = new MemoryStorage()
  const source = new SourceMap({ 'a.css': CSS })
  const files = new StaticFiles({ storage, finders: [source], compress: { codings: ['gzip'] } })
  await collect(files)
  const packed = await storage.readBytes('a.css.gz')
  source.files_ = { 'a.css': CSS.replaceAll('red', 'tan') }
  expect((await collect(files, { compare: 'modifiedTime' })).summary.unmodified).toBe(1)
  expect(await storage.readText('a.css')).toBe(CSS)
  expect((await storage.readBytes('a.css.gz')).equals(packed)).toBe(true)
})

test('make the siblings that are now wanted', async () => {
  const storage = new MemoryStorage()
  const finders = [new SourceMap(many(100))]
  await collect(new StaticFiles({ storage, finders }))
  await collect(new StaticFiles({ storage, finders, compress: { codings: ['gzip'] } }), { compare: 'modifiedTime' })
  expect((await namesIn(storage)).filter(name => name.endsWith('.gz'))).toHaveLength(100)
})
