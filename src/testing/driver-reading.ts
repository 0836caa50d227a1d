import assert from 'node:assert/strict'
import type { CaseOf } from './case.ts'
import { type DriverPlace, patternBytes, sameBytes } from './driver-place.ts'

const ODD_TEXT = 'Grüße, 世界 🙂 = "quoted"; %41 +'

/** Ranges, times, metadata and missing files. */
export const readingCases: readonly CaseOf<DriverPlace>[] = [
  {
    title: 'A range in the middle gives exactly its bytes.',
    run: place => ranged(place, 100, 60_100),
  },
  {
    title: 'A range of one byte gives that byte, also the first and the last.',
    async run(place) {
      for (const start of [0, 77_777, 99_999]) await ranged(place, start, start + 1)
    },
  },
  {
    title: 'A range at the border of a block gives exactly its bytes, and so does one of the whole file.',
    async run(place) {
      for (const [start, end] of [
        [65_535, 65_536],
        [65_535, 65_537],
        [65_536, 100_000],
        [0, 65_536],
        [0, 100_000],
        [0, undefined],
      ] as const) {
        await ranged(place, start, end)
      }
    },
  },
  {
    title: 'A range of a file that was replaced gives bytes of the new one, and its size.',
    async run(place) {
      await place.put('ranged', patternBytes(1000))
      await place.get('ranged')
      const bytes = patternBytes(700, 9)
      await place.put('ranged', bytes)
      if (!place.features.ranges) return
      sameBytes(await place.get('ranged', { range: { start: 690 } }), bytes.subarray(690))
      await place.fails(place.get('ranged', { range: { start: 700 } }), 'invalid_range')
      const { body, stat } = await place.driver.read(place.key('ranged'), { range: { start: 1, end: 2 } }, place.ctx)
      body.stream().resume()
      assert.ok(stat?.size === undefined || stat.size === 700, `the size is ${stat?.size}`)
    },
  },
  {
    title: 'A range without an end reaches to the end of the file.',
    run: place => ranged(place, 99_990, undefined),
  },
  {
    title: 'A range whose end is beyond the file is cut there.',
    run: place => ranged(place, 99_990, 200_000),
  },
  {
    title: 'A range that starts at the end of the file or beyond is an invalid_range.',
    async run(place) {
      await place.put('ranged', 'twelve bytes')
      for (const start of [12, 13, 1000]) {
        await place.fails(
          place.get('ranged', { range: { start } }),
          place.features.ranges ? 'invalid_range' : 'unsupported',
        )
      }
    },
  },
  {
    title: 'The range from 0 of an empty file is empty.',
    async run(place) {
      if (place.options.refusesEmpty === true) return place.fails(place.put('ranged', ''), 'unsupported')
      await place.put('ranged', '')
      const read = place.get('ranged', { range: { start: 0 } })
      if (!place.features.ranges) return place.fails(read, 'unsupported')
      return assert.equal((await read).byteLength, 0)
    },
  },
  {
    title: 'The stat of a read is that of the whole file, also for a range.',
    async run(place) {
      await place.put('whole', 'twelve bytes')
      const range = place.features.ranges ? { start: 3, end: 5 } : undefined
      const { body, stat } = await place.driver.read(place.key('whole'), { range }, place.ctx)
      body.stream().resume()
      if (stat !== undefined) assert.equal(stat.size, 12)
    },
  },
  {
    title: 'A read that is given up half-way leaves the driver usable.',
    async run(place) {
      await place.put('half', patternBytes(place.largeSize))
      const { body } = await place.driver.read(place.key('half'), {}, place.ctx)
      for await (const chunk of body.stream()) {
        assert.ok((chunk as Uint8Array).byteLength > 0)
        break
      }
      assert.equal((await place.stat('half')).size, place.largeSize)
    },
  },
  {
    title: 'A missing file is not_found when it is looked at or read, before any byte.',
    async run(place) {
      await place.fails(place.stat('missing'), 'not_found')
      await place.fails(place.driver.read(place.key('missing'), {}, place.ctx), 'not_found')
      await place.fails(place.stat('missing/folder/file'), 'not_found')
      if (place.features.ranges) await place.fails(place.get('missing', { range: { start: 0, end: 1 } }), 'not_found')
    },
  },
  {
    title: 'A missing file is deleted without an error, and a missing folder is listed as empty.',
    async run(place) {
      await place.driver.delete(place.key('missing'), place.ctx)
      await place.driver.delete(place.key('missing/folder/file'), place.ctx)
      for (const recursive of [false, true]) {
        const { names, directories } = await place.list('missing/', recursive)
        assert.deepEqual([names, directories], [[], []])
      }
    },
  },
  {
    title: 'A key that ends in a slash is no file, and nothing is listed below a file.',
    async run(place) {
      await place.put('file', 'bytes')
      await place.fails(place.stat('file/'), 'not_found')
      await place.driver.delete(place.key('file/'), place.ctx)
      assert.equal(await place.text('file'), 'bytes')
      for (const recursive of [false, true]) {
        const { names, directories } = await place.list('file/', recursive)
        assert.deepEqual([names, directories], [[], []])
      }
    },
  },
  {
    title: 'A deleted file is gone, and its neighbours stay.',
    async run(place) {
      for (const name of ['a/one', 'a/one.txt', 'a/two']) await place.put(name, name)
      await place.driver.delete(place.key('a/one'), place.ctx)
      await place.fails(place.stat('a/one'), 'not_found')
      await place.fails(place.get('a/one'), 'not_found')
      assert.deepEqual((await place.list('a/')).names, ['a/one.txt', 'a/two'])
      await place.put('a/one', 'again')
      assert.equal(await place.text('a/one'), 'again')
    },
  },
  {
    title: 'The stat has the size in bytes and the times and fields that the backend keeps.',
    async run(place) {
      const written = await place.put('stat.txt', 'héllo')
      const stat = await place.stat('stat.txt')
      assert.equal(stat.size, 6)
      assert.ok(stat.isDirectory !== true)
      if (written !== undefined) assert.equal(written.size, 6)
      for (const field of place.options.keeps ?? []) assert.ok(stat[field] !== undefined, `${field} is missing`)
      for (const field of ['modifiedAt', 'createdAt', 'accessedAt'] as const) {
        if (stat[field] !== undefined) place.recent(stat[field], field)
      }
      const { files } = await place.list('')
      assert.deepEqual(
        files.map(file => [file.key, file.size]),
        [[place.key('stat.txt'), 6]],
      )
      if (files[0]?.modifiedAt !== undefined) place.recent(files[0].modifiedAt, 'modifiedAt of the listing')
    },
  },
  {
    title: 'Content type and cache control come back, or are not claimed.',
    async run(place) {
      const given = {
        contentType: 'text/x-odd; charset=utf-8',
        cacheControl: 'max-age=77',
        contentDisposition: 'attachment',
      }
      await place.put('typed.bin', 'text', given)
      const { contentType, cacheControl, contentDisposition } = await place.stat('typed.bin')
      if (place.features.metadata) assert.deepEqual({ contentType, cacheControl, contentDisposition }, given)
      else assert.deepEqual([cacheControl, contentDisposition], [undefined, undefined])
    },
  },
  {
    title: 'Metadata of any Unicode text come back, or are not claimed.',
    async run(place) {
      const metadata = { plain: 'yes', odd: ODD_TEXT, 'with-dash': '1' }
      await place.put('meta', 'text', { metadata })
      const { metadata: kept } = await place.stat('meta')
      if (place.features.metadata) assert.deepEqual({ ...kept }, metadata)
      else assert.deepEqual({ ...kept }, {})
    },
  },
  {
    title: 'A file that is written again has none of its old metadata.',
    async run(place) {
      await place.put('meta', 'old', { metadata: { owner: 'old' }, cacheControl: 'max-age=1' })
      await place.put('meta', 'new', { metadata: { other: 'new' } })
      const { metadata, cacheControl } = await place.stat('meta')
      assert.deepEqual({ ...metadata }, place.features.metadata ? { other: 'new' } : {})
      assert.notEqual(cacheControl, 'max-age=1')
    },
  },
]

async function ranged(place: DriverPlace, start: number, end: number | undefined): Promise<void> {
  const bytes = patternBytes(100_000)
  await place.put('ranged', bytes)
  const read = place.get('ranged', { range: { start, end } })
  if (!place.features.ranges) return place.fails(read, 'unsupported')
  return sameBytes(await read, bytes.subarray(start, end))
}
