import type { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Content } from '../../src/core/content.ts'
import { StorageError } from '../../src/core/errors.ts'
import { StorageFile } from '../../src/files/storage-file.ts'
import { UploadAccess } from '../../src/files/upload-access.ts'
import { bytesOf, context } from './helpers.ts'

const KiB = 1024
const MiB = 1024 * KiB

/** A store that publishes what it has read to the end, and only that. */
class Shelf {
  readonly published: Buffer[] = []
  readonly contents: Content[] = []
  stream: Readable | undefined

  readonly send = async (content: Content): Promise<void> => {
    this.contents.push(content)
    this.stream = content.open()
    this.published.push(await bytesOf(this.stream))
  }
}

describe('UploadAccess', () => {
  test('a small file is one content of known size that can be sent again', async () => {
    const shelf = new Shelf()
    const file = new StorageFile('n', 'w', new UploadAccess(shelf.send), { ctx: () => context() })
    const reused = Buffer.from('one ')
    await file.write(reused)
    reused.fill(0)
    await file.write('two')
    expect([await file.size(), shelf.contents.length]).toEqual([7, 0])
    await file.close()
    expect(shelf.contents[0]).toMatchObject({ size: 7, replayable: true })
    expect(shelf.published.map(String)).toEqual(['one two'])
  })

  test('nothing written is an empty file; nothing written and discarded is none', async () => {
    const shelf = new Shelf()
    await new UploadAccess(shelf.send).discard()
    expect(shelf.contents).toEqual([])
    await new UploadAccess(shelf.send).commit(context())
    expect(shelf.published.map(String)).toEqual([''])
  })

  test('a large file leaves while it is written', async () => {
    const shelf = new Shelf()
    const access = new UploadAccess(shelf.send, { bufferSize: 1000 })
    const whole = Buffer.from(Array.from({ length: 25_000 }, (_, i) => i % 251))
    for (let at = 0; at < whole.length; at += 3333) await access.write(at, whole.subarray(at, at + 3333), context())
    expect(shelf.contents[0]).toMatchObject({ size: undefined, replayable: false })
    expect(() => shelf.contents[0]?.open()).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    expect(shelf.published).toEqual([])
    await access.commit(context())
    expect(shelf.published).toEqual([whole])
  })

  test.each([10, 25_000])('a file of %i bytes that is not confirmed is not published', async size => {
    const shelf = new Shelf()
    const refusal = new StorageError('exists', 'The name was taken meanwhile.')
    const confirm = async (): Promise<void> => {
      expect(shelf.published).toEqual([])
      throw refusal
    }
    const access = new UploadAccess(shelf.send, { bufferSize: 1000, confirm })
    await access.write(0, Buffer.alloc(size), context())
    await expect(access.commit(context())).rejects.toBe(refusal)
    expect(shelf.published).toEqual([])
    expect(shelf.stream?.destroyed).toBe(size > 1000 ? true : undefined)
  })

  test('only from the beginning to the end', async () => {
    const access = new UploadAccess(new Shelf().send)
    await access.write(0, Buffer.from('abc'), context())
    await access.truncate(3)
    await expect(access.write(0, Buffer.from('x'), context())).rejects.toMatchObject({ code: 'unsupported' })
    await expect(access.truncate(0)).rejects.toMatchObject({ code: 'unsupported' })
    await expect(access.read()).rejects.toMatchObject({ code: 'unsupported_mode' })
    await access.discard()
    await expect(access.write(3, Buffer.from('x'), context())).rejects.toMatchObject({ code: 'closed' })
  })

  test('discard breaks the stream, publishes nothing and frees a waiting write', async () => {
    const shelf = new Shelf()
    const access = new UploadAccess(shelf.send, { bufferSize: 10 })
    await access.write(0, Buffer.alloc(100), context())
    await access.discard()
    expect(shelf.stream?.errored).toMatchObject({ code: 'aborted' })
    expect(shelf.published).toEqual([])

    let refuse: (error: Error) => void = () => undefined
    const stuck = new UploadAccess(
      content =>
        new Promise((_, reject) => {
          refuse = reject
          content.open().on('error', reject)
        }),
      { bufferSize: 10 },
    )
    const write = expect(stuck.write(0, Buffer.alloc(100), context())).rejects.toBeDefined()
    await stuck.discard()
    await write
    refuse(new Error('unused'))
  })

  test('a send that fails, fails the write or the commit', async () => {
    const early = new UploadAccess(() => Promise.reject(new Error('refused')), { bufferSize: 10 })
    await expect(early.write(0, Buffer.alloc(1000), context())).rejects.toThrow('refused')
    await expect(early.commit(context())).rejects.toThrow('refused')
    const late = new UploadAccess(
      async content => {
        await bytesOf(content.open())
        throw new Error('refused')
      },
      { bufferSize: 10 },
    )
    await late.write(0, Buffer.alloc(1000), context())
    await expect(late.commit(context())).rejects.toThrow('refused')
    const careless = new UploadAccess(async content => void content.open(), { bufferSize: 10 })
    await expect(careless.write(0, Buffer.alloc(1000), context())).rejects.toMatchObject({ code: 'unknown' })
  })

  test('an aborted call does not wait for the consumer', async () => {
    const controller = new AbortController()
    const stuck = new UploadAccess(content => new Promise((_, reject) => content.open().on('error', reject)), {
      bufferSize: 10,
    })
    const write = expect(stuck.write(0, Buffer.alloc(100), context(controller.signal))).rejects.toMatchObject({
      name: 'AbortError',
    })
    controller.abort()
    await write
    await stuck.discard()
  })

  test('256 MiB to a slow consumer stay out of memory', async () => {
    let consumed = 0
    let ahead = 0
    let written = 0
    const access = new UploadAccess(async content => {
      for await (const chunk of content.open()) {
        await setImmediate()
        consumed += (chunk as Buffer).length
      }
    })
    const before = process.memoryUsage().rss
    let peak = 0
    const piece = Buffer.alloc(MiB, 7)
    for (; written < 256 * MiB; written += MiB) {
      await access.write(written, piece, context())
      ahead = Math.max(ahead, written + MiB - consumed)
      peak = Math.max(peak, process.memoryUsage().rss - before)
    }
    await access.commit(context())
    expect(consumed).toBe(256 * MiB)
    expect(ahead).toBeLessThanOrEqual(1024 * KiB)
    expect(peak).toBeLessThan(128 * MiB)
  })
})
