import { describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import { SourceText } from '../../src/static/text.ts'
import { collect, pathsIn, SourceMap } from './support.ts'

describe('in a text that is no UTF-8', () => {
  const LATIN1_COMMENT = Buffer.from('/* \xe9 */', 'latin1')

  test.each([
    ['is UTF-8', Buffer.from('a{b:url("€.png")}'), '€.png', 'utf8', '€.'],
    ['is Latin-1', Buffer.from('a{b:url("é.png")}', 'latin1'), 'é.png', 'latin1', 'é.'],
    ['has an escape', Buffer.from('a{b:url("\\20AC .png")}'), '€.png', 'utf8', '%E2%82%AC.'],
  ] as const)('a reference that %s leads to its file', async (_, rule, image, encoding, written) => {
    const storage = new MemoryStorage()
    const source = new SourceMap({ 'a.css': Buffer.concat([LATIN1_COMMENT, rule]), [image]: 'x' })
    const run = await collect(new StaticFiles({ storage, finders: [source], manifest: true }))
    expect(run.failures).toEqual([])
    const paths = await pathsIn(storage)
    const bytes = await storage.readBytes(paths['a.css']!)
    const hash = paths[image]!.split('.')[1]
    expect(bytes.toString(encoding)).toContain(`url("${written}${hash}.png")`)
    expect(bytes.subarray(0, LATIN1_COMMENT.length).equals(LATIN1_COMMENT)).toBe(true)
  })
})

test('lines are counted from 1, in any order of offsets', () => {
  const text = new SourceText(Buffer.from('a\nb\n\nc'))
  expect([0, 1, 2, 3, 4, 5, 2, 0].map(offset => text.lineOf(offset))).toEqual([1, 1, 2, 2, 3, 4, 2, 1])
})
