import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { bytesContent, streamContent, toContent } from '../../src/core/content.ts'
import { followed, type PartLimits, type Piece, piecesOf, takeFirst } from '../../src/remote/pieces.ts'
import { plainContext } from '../../src/testing/index.ts'
import { distinctBytes } from '../faults/ground.ts'

const bytes = distinctBytes(10_000)
const LIMITS: PartLimits = { minPart: 1, maxParts: 10_000 }

async function* chunks(size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

async function collect(pieces: AsyncIterable<Piece>): Promise<[number[], Buffer]> {
  const all: Buffer[] = []
  let number = 0
  for await (const piece of pieces) {
    expect(piece.number).toBe(++number)
    const joined = Buffer.concat(piece.chunks)
    expect(joined.length).toBe(piece.size)
    all.push(joined)
  }
  return [all.map(each => each.length), Buffer.concat(all)]
}

describe('the pieces of a content', () => {
  for (const size of [1, 7, 999, 1000, 4096, 10_000]) {
    test(`are of one size, the last one smaller, for chunks of ${size} bytes`, async () => {
      const [sizes, joined] = await collect(piecesOf(streamContent(chunks(size)), 4000, LIMITS, plainContext()))
      expect(sizes).toEqual([4000, 4000, 2000])
      expect(joined.equals(bytes)).toBe(true)
    })
  }

  test('end without an empty one when the content is a multiple of their size', async () => {
    expect((await collect(piecesOf(streamContent(chunks(3000)), 5000, LIMITS, plainContext())))[0]).toEqual([
      5000, 5000,
    ])
    expect((await collect(piecesOf(bytesContent(bytes), 5000, LIMITS, plainContext())))[0]).toEqual([5000, 5000])
  })

  test.each<[string, Partial<PartLimits>, partSize: number, whole: number, isKnown: boolean]>([
    ['of an unknown length', {}, 600, 600 * (1 + 2 + 4 + 8), false],
    ['of one size', { uniform: true }, 2500, 10_000, false],
    ['in order', { sequential: true }, 600, 600 * (1 + 2 + 4 + 8), false],
    ['of a known length', {}, 2500, 10_000, true],
  ])('are as many as there may be when all are full, and one byte more is too_large: %s', async (...row) => {
    const [, more, partSize, whole, isKnown] = row
    const piecesOfBytes = (...chunks: Buffer[]) => {
      const size = isKnown ? Buffer.concat(chunks).length : undefined
      return collect(
        piecesOf(streamContent(chunks, size), partSize, { ...LIMITS, maxParts: 4, ...more }, plainContext()),
      )
    }
    const fitting = bytes.subarray(0, whole)
    const [sizes, joined] = await piecesOfBytes(fitting)
    expect([sizes.length, joined.equals(fitting)]).toEqual([4, true])
    await expect(piecesOfBytes(fitting, Buffer.from('x'))).rejects.toMatchObject({ code: 'too_large' })
  })

  test('are one when there are no bytes', async () => {
    expect(await collect(piecesOf(streamContent([]), 5000, LIMITS, plainContext()))).toEqual([[0], Buffer.alloc(0)])
    expect(await collect(piecesOf(bytesContent(Buffer.alloc(0)), 5000, LIMITS, plainContext()))).toEqual([
      [0],
      Buffer.alloc(0),
    ])
  })

  test('keep the large chunks of a stream as they are, and gather small ones', async () => {
    const whole = () => Buffer.from(new Uint8Array(256 * 1024).buffer)
    const given = [whole(), Buffer.alloc(100), Buffer.alloc(200), whole(), whole().subarray(0, 131_072)]
    const [only] = await takeFirst(piecesOf(toContent(Readable.from(given)), 1024 ** 2, LIMITS, plainContext()), 1)
    const found = only!.chunks.map(({ byteLength, buffer }) => [byteLength, given.some(each => each.buffer === buffer)])
    // The last one would keep twice its bytes alive.
    expect(found).toEqual([
      [262_144, true],
      [300, false],
      [262_144, true],
      [131_072, false],
    ])
    expect(only!.size).toBe(2 * 262_144 + 300 + 131_072)
  })

  test('cut a chunk that is larger than they are', async () => {
    const large = Buffer.concat(Array(60).fill(bytes))
    const content = toContent(Readable.from([large], { objectMode: false }))
    const [sizes, joined] = await collect(piecesOf(content, 250_000, LIMITS, plainContext()))
    expect(sizes).toEqual([250_000, 250_000, 100_000])
    expect(joined.equals(large)).toBe(true)
  })

  test('copy what a generator gives, which may fill the same memory again', async () => {
    const memory = Buffer.alloc(256 * 1024)
    const source = async function* () {
      for (let turn = 1; turn <= 4; turn++) yield memory.fill(turn)
    }
    const [, joined] = await collect(piecesOf(streamContent(source()), 1024 ** 2, LIMITS, plainContext()))
    expect([...new Set(joined)]).toEqual([1, 2, 3, 4])
  })

  test('let memory for small chunks go where all are large', async () => {
    const memories = new Set<ArrayBufferLike>()
    const source = [Buffer.alloc(1000, 1), Buffer.alloc(200_000, 2), Buffer.alloc(1000, 3), Buffer.alloc(199_000, 4)]
    for await (const { chunks: own, release } of piecesOf(
      toContent(Readable.from(source)),
      1000,
      { ...LIMITS, uniform: true },
      plainContext(),
    )) {
      if (own[0]!.buffer.byteLength === 1000) memories.add(own[0]!.buffer)
      release?.()
    }
    expect(memories.size).toBe(2)
  })

  test('fill the memory of a part again once it was released, and never before', async () => {
    const kept: Buffer[] = []
    const memories = new Set<ArrayBufferLike>()
    let number = 0
    for await (const { chunks: own, release } of piecesOf(streamContent(chunks(700)), 1000, LIMITS, plainContext())) {
      for (const { buffer } of own) memories.add(buffer)
      if (++number % 2 === 0) release?.()
      else kept.push(...(own as Buffer[]))
    }
    const odd = [0, 2, 4, 6, 8].map(at => bytes.subarray(at * 1000, at * 1000 + 1000))
    expect(Buffer.concat(kept).equals(Buffer.concat(odd))).toBe(true)
    expect([number, memories.size]).toEqual([10, 6])
  })

  test('take hardly more memory than they have bytes, however small the chunks', async () => {
    const tiny = (function* () {
      for (let at = 0; at < 100_000; at++) yield Buffer.from('0123456789')
    })()
    const [only] = await takeFirst(piecesOf(streamContent(tiny), 1024 ** 2, LIMITS, plainContext()), 1)
    const memories = new Set(only!.chunks.map(({ buffer }) => buffer))
    const held = [...memories].reduce((sum, { byteLength }) => sum + byteLength, 0)
    expect([only!.size, only!.chunks.length < 20, held < 1_100_000]).toEqual([1_000_000, true, true])
  })

  test('of bytes in memory are no copies', async () => {
    const own = new Uint8Array(bytes.buffer, bytes.byteOffset + 1, 9000)
    const pieces: Uint8Array[] = []
    for await (const { chunks } of piecesOf(bytesContent(own), 4000, LIMITS, plainContext())) pieces.push(...chunks)
    const places = pieces.map(({ buffer, byteOffset, length }) => [
      buffer === own.buffer,
      byteOffset - own.byteOffset,
      length,
    ])
    expect(places).toEqual([
      [true, 0, 4000],
      [true, 4000, 4000],
      [true, 8000, 1000],
    ])
  })

  test('end with the abort of the call, also while the source hangs, and let the source go', async () => {
    const controller = new AbortController()
    const source = chunks(4000)
    async function* hanging(): AsyncGenerator<Buffer> {
      yield* source
      controller.abort()
      await new Promise(() => {})
    }
    const pieces = piecesOf(streamContent(hanging()), 4000, LIMITS, plainContext(controller.signal))
    expect(await takeFirst(pieces, 2)).toHaveLength(2)
    await expect(pieces.next()).rejects.toMatchObject({ name: 'AbortError' })
    expect(await pieces.next()).toMatchObject({ done: true })
  })

  test('can be looked at beforehand without being kept', async () => {
    const pieces = piecesOf(streamContent(chunks(1000)), 4000, LIMITS, plainContext())
    const taken = await takeFirst(pieces, 2)
    const all = followed(taken, pieces)
    await all.next()
    await all.next()
    expect(taken).toHaveLength(0)
    expect((await all.next()).value.number).toBe(3)
  })
})
