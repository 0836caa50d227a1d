import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { asContent, bytesContent, type ContentSource } from '../core/content.ts'
import type { CaseOf } from './case.ts'
import { type DriverPlace, patternBytes, sameBytes } from './driver-place.ts'

/** Written bytes are read back. */
export const contentCases: readonly CaseOf<DriverPlace>[] = [
  {
    title: 'An empty file is written and read, or refused without a change.',
    async run(place) {
      if (place.options.refusesEmpty === true) {
        await place.put('empty', 'old')
        for (const content of ['', pieces(Buffer.alloc(0), 1)])
          await place.fails(place.put('empty', content), 'unsupported')
        return assert.equal(await place.text('empty'), 'old')
      }
      await place.put('empty', '')
      assert.equal((await place.get('empty')).byteLength, 0)
      assert.equal((await place.stat('empty')).size, 0)
    },
  },
  {
    title: 'All 256 values of a byte come back as they were.',
    async run(place) {
      const bytes = Uint8Array.from({ length: 256 }, (_, value) => value)
      await place.put('bytes', bytes)
      sameBytes(await place.get('bytes'), bytes)
    },
  },
  {
    title: 'Line ends and a byte order mark are not touched.',
    async run(place) {
      const text = '\uFEFFone\r\ntwo\nthree\rfour\u001a'
      await place.put('text.txt', text, { contentType: 'text/plain' })
      assert.equal(await place.text('text.txt'), text)
    },
  },
  {
    title: 'A large file in memory comes back whole.',
    async run(place) {
      const bytes = patternBytes(place.largeSize)
      await place.put('large', bytes)
      sameBytes(await place.get('large'), bytes)
      assert.equal((await place.stat('large')).size, bytes.byteLength)
    },
  },
  {
    title: 'A large stream of unknown length comes back whole, and its progress is told.',
    async run(place) {
      const bytes = patternBytes(place.largeSize, 5)
      let beats = 0
      const told: number[] = []
      const ctx = place.context(undefined, () => void beats++)
      await place.put('stream', pieces(bytes, 65_521), { onProgress: sent => void told.push(sent) }, ctx)
      sameBytes(await place.get('stream'), bytes)
      assert.ok(beats > 0, 'ctx.progress() was never called')
      assert.equal(told.at(-1), bytes.byteLength, 'onProgress: the last number is not the size')
      assert.ok(
        told.every((sent, at) => sent >= (told[at - 1] ?? 0)),
        'onProgress went backwards',
      )
    },
  },
  ...sources().map(
    ([kind, make]): CaseOf<DriverPlace> => ({
      title: `Content may be ${kind}.`,
      async run(place) {
        await place.put('kind', make())
        assert.equal(await place.text('kind'), 'häppy bytes')
        assert.equal((await place.stat('kind')).size, Buffer.byteLength('häppy bytes'))
      },
    }),
  ),
  {
    title: 'A stream that content came from is left open.',
    async run(place) {
      const source = new Readable({ autoDestroy: false, read() {} })
      source.push('mine')
      source.push(null)
      await place.put('mine', source)
      assert.equal(source.destroyed, false, 'the stream was destroyed')
      assert.equal(await place.text('mine'), 'mine')
    },
  },
  {
    title: 'Writing again replaces the file, also by a shorter one.',
    async run(place) {
      await place.put('file', 'a long first version')
      await place.put('file', 'short')
      assert.equal(await place.text('file'), 'short')
      assert.equal((await place.stat('file')).size, 5)
    },
  },
  {
    title: 'Bytes changed after the write, or in what was read, do not change the file.',
    async run(place) {
      const bytes = Buffer.from('original')
      await place.put('own', bytes)
      bytes.fill(0)
      const read = await place.driver.read(place.key('own'), {}, place.ctx)
      for await (const chunk of read.body.stream()) (chunk as Uint8Array).fill(0)
      assert.equal(await place.text('own'), 'original')
    },
  },
  {
    title: 'A file that is replaced while it is being read is never a mixture.',
    async run(place) {
      const [old, fresh] = [patternBytes(300_000, 1), patternBytes(300_000, 99)]
      await place.put('mixed', old)
      const { body } = await place.driver.read(place.key('mixed'), {}, place.ctx)
      await place.put('mixed', fresh)
      const chunks: Uint8Array[] = []
      for await (const chunk of body.stream()) chunks.push(chunk)
      const read = Buffer.concat(chunks)
      assert.ok(read.equals(old) || read.equals(fresh), 'what was read is neither the old nor the new file')
    },
  },
  {
    title: 'Eight files written at once keep to themselves.',
    async run(place) {
      const files = Array.from({ length: 8 }, (_, at) => patternBytes(20_000 + at, at))
      await Promise.all(files.map((bytes, at) => place.put(`many/${at}`, bytes)))
      const read = await Promise.all(files.map((_, at) => place.get(`many/${at}`)))
      for (const [at, bytes] of files.entries()) sameBytes(read[at]!, bytes, `many/${at}`)
    },
  },
]

function sources(): [kind: string, make: () => ContentSource][] {
  const text = 'häppy bytes'
  const bytes = Buffer.from(text)
  const halves = [bytes.subarray(0, 3), bytes.subarray(3)]
  const exact = Uint8Array.from(bytes)
  const padded = Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('yy')])
  return [
    ['a string', () => text],
    ['a Uint8Array', () => exact],
    ['an ArrayBuffer', () => exact.buffer],
    ['a DataView of a part of a buffer', () => new DataView(padded.buffer, padded.byteOffset + 2, bytes.byteLength)],
    ['a Blob', () => new Blob([bytes])],
    ['a File', () => new File([bytes], 'name.txt', { type: 'text/plain' })],
    ['a web stream', () => new Blob([bytes]).stream()],
    ['a Readable', () => Readable.from(halves, { objectMode: false })],
    ['an iterable of bytes and strings', () => [halves[0]!, halves[1]!.toString()]],
    ['an async iterable', () => pieces(bytes, 3)],
    ['a file object of ours', () => ({ [asContent]: () => bytesContent(bytes) })],
  ]
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}
