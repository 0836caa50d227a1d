/** Sources that cannot be read, or change while they are collected. */
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StorageError } from '../../src/core/errors.ts'
import { digestOf, IN_MEMORY, sourceContent } from '../../src/static/digest.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import type { StaticFile } from '../../src/static/types.ts'
import { collect, namesIn, SourceMap } from './support.ts'

describe('a source with references', () => {
  const sources = {
    'a.css': '@import "b.css";',
    'b.css': 'b{}',
    'one.css': '@import "two.css";',
    'two.css': '@import "one.css";',
    'z.css': '@import "b.css"; @import "a.css";',
  }

  test.each([
    ['a.css', ['b', 'one', 'two', 'z']],
    ['two.css', ['a', 'b', 'z']],
  ])('that is gone when its turn comes (%s) fails alone', async (gone, left) => {
    const source = new SourceMap(sources)
    let reads = 0
    source.onRead = name => {
      // Its size and its bytes are asked for when it is scanned.
      if (name === gone && ++reads > 2) throw new StorageError('not_found', 'it is gone')
    }
    const storage = new MemoryStorage()
    const manifest = { keepOriginals: false }
    const run = await collect(new StaticFiles({ storage, finders: [source], manifest }))
    expect(run.of('failed')).toEqual([gone])
    const hashed = (await namesIn(storage)).filter(name => name.endsWith('.css'))
    expect(hashed.map(name => name.split('.')[0])).toEqual(left)
    expect(await storage.exists('staticfiles.json')).toBe(false)
  })
})

test.each([true, false])(
  'many that cannot be read are each reported, and the others go on (manifest: %s)',
  async manifest => {
    const storage = new MemoryStorage()
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`${at}.txt`, `${at}`]))
    const source = new SourceMap(many)
    source.onRead = name => {
      if (Number.parseInt(name, 10) < 20) throw new StorageError('permission_denied', 'no right to read it')
    }
    const { summary } = await collect(new StaticFiles({ storage, finders: [source], manifest }))
    expect(summary).toMatchObject({ failed: 20, copied: 40 })
  },
)

test('a large one that has changed never reaches a target whole', async () => {
  const bytes = Buffer.alloc(IN_MEMORY + 1, 'x')
  async function* chunks(): AsyncGenerator<Buffer> {
    yield bytes.subarray(0, IN_MEMORY)
    yield bytes.subarray(IN_MEMORY)
    // The end of a file is seen by one more read.
    await setTimeout(20)
  }
  const file: StaticFile = {
    name: 'large.bin',
    path: undefined,
    origin: 'memory:large.bin',
    modifiedAt: async () => undefined,
    readUpTo: async () => undefined,
    open: () => Readable.from(chunks()),
  }
  const received = async (md5: string): Promise<[size: number, error: unknown]> => {
    const content = await sourceContent(file, { md5, size: bytes.length }, new AbortController().signal)
    let size = 0
    try {
      for await (const chunk of content.open() as AsyncIterable<Buffer>) size += chunk.length
    } catch (error) {
      return [size, error]
    }
    return [size, undefined]
  }
  expect(await received(digestOf(bytes).md5)).toEqual([bytes.length, undefined])
  const [size, error] = await received('0'.repeat(32))
  expect(size).toBeLessThan(bytes.length)
  expect(error).toMatchObject({ code: 'source_failed' })
})
