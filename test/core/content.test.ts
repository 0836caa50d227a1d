import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { abortable, release } from '../../src/core/abort.ts'
import { StreamBody } from '../../src/core/body.ts'
import {
  asContent,
  bytesContent,
  type Content,
  type ContentSource,
  contentChunks,
  streamContent,
  toContent,
} from '../../src/core/content.ts'
import { StorageError } from '../../src/core/errors.ts'
import { all, bytesOf, context } from '../files/helpers.ts'

const textOf = async (content: Content): Promise<string> => (await bytesOf(content.open())).toString()

describe('toContent', () => {
  const bytes = Buffer.from('häppy')
  it.each<[string, () => ContentSource, size: number | undefined, replayable: boolean]>([
    ['a string', () => 'häppy', 6, true],
    ['bytes', () => bytes, 6, true],
    ['a part of a buffer', () => new DataView(bytes.buffer, bytes.byteOffset, 6), 6, true],
    ['an ArrayBuffer', () => Uint8Array.from(bytes).buffer, 6, true],
    ['a Blob', () => new Blob([bytes]), 6, true],
    ['a web stream', () => new Blob([bytes]).stream(), undefined, false],
    ['a Readable', () => Readable.from([bytes]), undefined, false],
    ['an iterable', () => ['h', Buffer.from('äppy')], undefined, false],
    [
      'a generator',
      () =>
        (async function* () {
          yield* ['hä', 'ppy']
        })(),
      undefined,
      false,
    ],
    ['a file object', () => ({ [asContent]: () => bytesContent(bytes) }), 6, true],
  ])('takes %s', async (_, make, size, replayable) => {
    const content = toContent(make())
    expect([content.size, content.replayable]).toEqual([size, replayable])
    expect(await textOf(content)).toBe('häppy')
    if (replayable) expect(await textOf(content)).toBe('häppy')
    else expect(() => content.open()).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })

  it.each([[null], [undefined], [5], [true], [{}], [() => 'x']])('refuses %s', value => {
    expect(() => toContent(value as never)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })

  it('takes the last part of an uploaded file’s name, and its type', () => {
    for (const name of ['photo.png', 'C:\\fakepath\\photo.png', '../../etc/photo.png', 'a\\b/photo.png']) {
      expect(toContent(new File(['x'], name, { type: 'image/png' }))).toMatchObject({
        name: 'photo.png',
        contentType: 'image/png',
      })
    }
    expect(toContent(new Blob(['x']))).toMatchObject({ name: undefined, contentType: undefined })
  })

  it('refuses a stream that was read, destroyed or is locked, since it would give nothing', async () => {
    const read = Readable.from(['x'])
    await buffer(read)
    const destroyed = Readable.from(['x'])
    destroyed.destroy()
    const locked = new Blob(['x']).stream()
    locked.getReader()
    for (const used of [read, destroyed, locked]) {
      expect(() => toContent(used)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    }
    const half = Readable.from(['one', 'two'])
    for await (const _ of half.iterator({ destroyOnReturn: false })) break
    expect(await textOf(toContent(half))).toBe('two')
  })

  it('reads a stream that somebody else listens to, and leaves one that is not read to its end as it was', async () => {
    const watched = Readable.from(['one', 'two'])
    watched.on('readable', () => undefined)
    expect(await textOf(toContent(watched))).toBe('onetwo')
    const given = Readable.from(['one', 'two', 'three'])
    for await (const _ of contentChunks(toContent(given), context())) break
    let rest = ''
    given.on('data', chunk => {
      rest += chunk
    })
    await once(given, 'end')
    expect(rest).toBe('twothree')
  })

  it.each([
    ['a Promise (await it first)', Promise.resolve('x')],
    ['a Response (pass its body)', new Response('x')],
    ['null', null],
    ['object', { a: 1 }],
    ['number', 1],
  ])('says that content cannot be %s', (kind, value) => {
    expect(() => toContent(value as never)).toThrow(
      `content must be a string, bytes, Blob, stream, iterable or file, not ${kind}.`,
    )
  })

  it('tells a source that fails, also one that fails before it is read, and a chunk that is none', async () => {
    const missing = createReadStream('/no/such/file')
    const content = toContent(missing)
    await once(missing, 'close').catch(() => undefined)
    await expect(textOf(content)).rejects.toMatchObject({ code: 'source_failed', cause: { code: 'ENOENT' } })
    expect(() => toContent(missing)).toThrow(expect.objectContaining({ code: 'source_failed' }))
    await expect(textOf(toContent([7] as never))).rejects.toMatchObject({ code: 'invalid_argument' })
    const own = new StorageError('not_found', 'the source of the source')
    const failing = (async function* () {
      yield 'x'
      throw own
    })()
    await expect(textOf(toContent(failing))).rejects.toBe(own)
  })
})

describe('contentChunks', () => {
  it('gives the bytes, and tells what was taken', async () => {
    let beats = 0
    const told: number[] = []
    const content = streamContent(['one', 'two', 'three'], 11)
    const ctx = { ...context(), progress: () => void beats++ }
    expect(Buffer.concat(await all(contentChunks(content, ctx, sent => told.push(sent)))).toString()).toBe(
      'onetwothree',
    )
    expect([beats, told]).toEqual([3, [3, 6, 11]])
  })

  it('asks an iterable for no chunk before the last one was done with', async () => {
    const memory = Buffer.alloc(3)
    const refilled = function* () {
      for (const text of ['one', 'two', 'six']) {
        memory.write(text)
        yield memory
      }
    }
    const seen: string[] = []
    for await (const chunk of contentChunks(streamContent(refilled()), context())) {
      await new Promise(setImmediate)
      seen.push(chunk.toString())
    }
    expect(seen).toEqual(['one', 'two', 'six'])
  })

  it.each([
    ['less', 12],
    ['more', 10],
  ])('refuses %s than was promised', async (_, size) => {
    const chunks = all(contentChunks(streamContent(['one', 'two', 'three'], size), context()))
    await expect(chunks).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('stops an endless source at the size that was promised', async () => {
    let given = 0
    const endless = (function* () {
      for (;;) yield `${given++}`.padStart(10)
    })()
    await expect(all(contentChunks(streamContent(endless, 25), context()))).rejects.toThrow('more bytes')
    expect(given).toBeLessThan(50)
  })

  it('ends a source that hangs when it is aborted, and destroys the stream that it opened', async () => {
    const controller = new AbortController()
    const source = new Readable({ read: () => controller.abort(new Error('enough')) })
    const content: Content = { size: undefined, replayable: false, open: () => source }
    await expect(all(contentChunks(content, context(controller.signal)))).rejects.toThrow('enough')
    expect(source.destroyed).toBe(true)
  })

  it('destroys its stream when it is left, and says when the caller’s callback throws', async () => {
    const source = Readable.from(['one', 'two'])
    const content: Content = { size: undefined, replayable: false, open: () => source }
    for await (const _ of contentChunks(content, context())) break
    expect(source.destroyed).toBe(true)
    const thrown = new Error('in the callback')
    const told = (): never => {
      throw thrown
    }
    await expect(all(contentChunks(streamContent(['x']), context(), told))).rejects.toMatchObject({
      code: 'source_failed',
      outcome: 'not_applied',
      message: 'onProgress threw: in the callback',
      cause: thrown,
    })
  })
})

describe('abortable', () => {
  it('gives what the work gives, and throws what it throws', async () => {
    const { signal } = new AbortController()
    expect(await abortable(Promise.resolve(7), signal)).toBe(7)
    await expect(abortable(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed')
  })

  it('waits no longer than the signal, and releases what comes too late', async () => {
    const controller = new AbortController()
    const { promise, resolve } = Promise.withResolvers<string>()
    const late: string[] = []
    const waiting = abortable(promise, controller.signal, each => late.push(each))
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await expect(abortable(promise, controller.signal, each => late.push(each))).rejects.toThrow('enough')
    resolve('late')
    await promise
    await new Promise(setImmediate)
    expect(late).toEqual(['late', 'late'])
  })

  it('releases bodies and open files, and lets everything else be', async () => {
    const body = Readable.from(['x'])
    release({ body: new StreamBody(body) })
    expect(body.destroyed).toBe(true)
    let discarded = 0
    release({ discard: async () => void discarded++ })
    for (const other of [undefined, null, 5, 'x', {}, { body: 'text' }]) release(other)
    expect(discarded).toBe(1)
  })
})
