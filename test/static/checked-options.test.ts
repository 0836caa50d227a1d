import { expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import { collect, SourceMap } from './support.ts'

const base = { storage: new MemoryStorage(), finders: [new SourceMap({ 'a.css': 'a{}' })] }

test.each([
  [{ finders: undefined }, /^finders: expected a list/],
  [{ manifest: 5 }, /^manifest: expected true, false or an object/],
  [{ manifest: { name: 5 } }, /^manifest: name: /],
  [{ manifest: { version: '2.0' } }, /^manifest: version: .*1\.1/],
  [{ manifest: { javaScript: 'all' } }, /^manifest: javaScript: .*modules/],
  [{ manifest: { nmae: 'x' } }, /^manifest: nmae: there is no such option.*name/],
  [{ compress: { codings: ['gz'] } }, /^compress: codings: .*gzip/],
  [{ compress: { minSize: -1 } }, /^compress: minSize: /],
  [{ headers: { '*.css': { cachecontrol: 'x' } } }, /^headers: .*cacheControl/],
  [{ headers: { '*.css': { cacheControl: 5 } } }, /^headers: .*cacheControl/],
  [{ ignore: 5 }, /^ignore: /],
])('the options %j are refused with the name of the wrong one', (options, message) => {
  const make = () => new StaticFiles({ ...base, ...options } as never)
  expect(make).toThrow(
    expect.objectContaining({ code: 'improperly_configured', message: expect.stringMatching(message) }),
  )
})

test.each([
  [{ concurrency: 0 }, /concurrency: expected a whole number from 1, got 0/],
  [{ concurrency: Number.NaN }, /concurrency/],
  [{ concurrency: '4' }, /concurrency/],
  [{ keep: -1 }, /keep: expected a whole number from 0, got -1/],
  [{ compare: 'mtime' }, /compare: expected 'digest' or 'modifiedTime', got "mtime"/],
  [{ ignore: '*.txt' }, /ignore: expected a list of patterns/],
])('a run with %j is refused', async (options, message) => {
  await expect(collect(new StaticFiles(base), options as never)).rejects.toMatchObject({
    code: 'invalid_argument',
    message: expect.stringMatching(message),
  })
})

test('a manifest may be in a storage of its own, and true, false and null are understood', () => {
  const other = new MemoryStorage()
  expect(new StaticFiles({ ...base, manifest: { storage: other, name: 'x.json' } }).options.manifest).toEqual({
    storage: other,
    name: 'x.json',
  })
  for (const manifest of [true, false]) expect(new StaticFiles({ ...base, manifest }).options.manifest).toBe(manifest)
})
