import { describe, expect, test } from 'vitest'
import { followed, parallel, piecesOf, takeFirst } from '../../../src/backends/s3/pieces.ts'
import { bytesContent, streamContent } from '../../../src/core/content.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { distinctBytes } from './fault-ground.ts'

const bytes = distinctBytes(10_000)

async function* chunks(size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

async function collect(pieces: AsyncIterable<{ number: number; bytes: Buffer }>): Promise<[number[], Buffer]> {
  const all: Buffer[] = []
  let number = 0
  for await (const piece of pieces) {
    expect(piece.number).toBe(++number)
    all.push(piece.bytes)
  }
  return [all.map(each => each.length), Buffer.concat(all)]
}

describe('the pieces of a content', () => {
  for (const size of [1, 7, 999, 1000, 4096, 10_000]) {
    test(`are of one size, the last one smaller, for chunks of ${size} bytes`, async () => {
      const [sizes, joined] = await collect(piecesOf(streamContent(chunks(size)), 4000, plainContext()))
      expect(sizes).toEqual([4000, 4000, 2000])
      expect(joined.equals(bytes)).toBe(true)
    })
  }

  test('end without an empty one when the content is a multiple of their size', async () => {
    expect((await collect(piecesOf(streamContent(chunks(3000)), 5000, plainContext())))[0]).toEqual([5000, 5000])
    expect((await collect(piecesOf(bytesContent(bytes), 5000, plainContext())))[0]).toEqual([5000, 5000])
  })

  test('are one when there are no bytes', async () => {
    expect(await collect(piecesOf(streamContent([]), 5000, plainContext()))).toEqual([[0], Buffer.alloc(0)])
    expect(await collect(piecesOf(bytesContent(Buffer.alloc(0)), 5000, plainContext()))).toEqual([[0], Buffer.alloc(0)])
  })

  test('fill the memory of a part again once it was released, and never before', async () => {
    const kept: Buffer[] = []
    const memories = new Set<ArrayBufferLike>()
    let number = 0
    for await (const piece of piecesOf(streamContent(chunks(700)), 1000, plainContext())) {
      memories.add(piece.bytes.buffer)
      if (++number % 2 === 0) piece.release?.()
      else kept.push(piece.bytes)
    }
    const odd = [0, 2, 4, 6, 8].map(at => bytes.subarray(at * 1000, at * 1000 + 1000))
    expect(Buffer.concat(kept).equals(Buffer.concat(odd))).toBe(true)
    expect([number, memories.size]).toEqual([10, 6])
  })

  test('of bytes that are the caller’s own cannot be released', async () => {
    for await (const { release } of piecesOf(bytesContent(bytes), 1000, plainContext())) expect(release).toBeUndefined()
  })

  test('of bytes in memory are no copies', async () => {
    const own = new Uint8Array(bytes.buffer, bytes.byteOffset + 1, 9000)
    const pieces: Buffer[] = []
    for await (const piece of piecesOf(bytesContent(own), 4000, plainContext())) pieces.push(piece.bytes)
    expect(pieces.map(piece => [piece.buffer === own.buffer, piece.byteOffset - own.byteOffset, piece.length])).toEqual(
      [
        [true, 0, 4000],
        [true, 4000, 4000],
        [true, 8000, 1000],
      ],
    )
  })

  test('end with the abort of the call, also while the source hangs, and let the source go', async () => {
    const controller = new AbortController()
    const source = chunks(4000)
    async function* hanging(): AsyncGenerator<Buffer> {
      yield* source
      controller.abort()
      await new Promise(() => {})
    }
    const pieces = piecesOf(streamContent(hanging()), 4000, plainContext(controller.signal))
    expect(await takeFirst(pieces, 2)).toHaveLength(2)
    await expect(pieces.next()).rejects.toMatchObject({ name: 'AbortError' })
    expect(await pieces.next()).toMatchObject({ done: true })
  })

  test('can be looked at beforehand without being kept', async () => {
    const pieces = piecesOf(streamContent(chunks(1000)), 4000, plainContext())
    const taken = await takeFirst(pieces, 2)
    const all = followed(taken, pieces)
    await all.next()
    await all.next()
    expect(taken).toHaveLength(0)
    expect((await all.next()).value.number).toBe(3)
  })
})

describe('work side by side', () => {
  test('is never more than the limit, and gives all results', async () => {
    let running = 0
    let most = 0
    const results = await parallel(
      bytes.subarray(0, 50).values(),
      4,
      () => {},
      async byte => {
        most = Math.max(most, ++running)
        await new Promise(setImmediate)
        running--
        return byte
      },
    )
    expect(most).toBe(4)
    expect(results.sort()).toEqual([...bytes.subarray(0, 50)].sort())
  })

  test('is stopped by its first failure, which waits for the rest', async () => {
    const reasons: unknown[] = []
    const ended: number[] = []
    const failing = parallel(
      [1, 2, 3, 4, 5].values(),
      3,
      reason => reasons.push(reason),
      async number => {
        await new Promise(setImmediate)
        if (number === 2) throw new Error('second')
        await new Promise(setImmediate)
        ended.push(number)
        if (number === 3) throw new Error('third')
      },
    )
    await expect(failing).rejects.toThrow('second')
    expect(ended).toEqual([1, 3])
    expect(reasons).toEqual([new Error('second')])
  })

  test('is stopped by a failure of its source', async () => {
    async function* source(): AsyncGenerator<number> {
      yield 1
      throw new Error('no more')
    }
    let stopped = 0
    await expect(
      parallel(
        source(),
        3,
        () => stopped++,
        async number => number,
      ),
    ).rejects.toThrow('no more')
    expect(stopped).toBe(1)
  })
})
