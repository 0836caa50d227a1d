import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { derivedStream, limitedStream } from '../../src/core/body.ts'
import { StorageError } from '../../src/core/errors.ts'

async function* same(body: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) yield chunk
}

/** A body that gives one chunk and hangs then. */
function hanging(): Readable {
  const body = new Readable({ read: () => undefined })
  body.push('first')
  return body
}

/** A resource below a stream: waits until both are closed. */
async function closed(...streams: readonly Readable[]): Promise<void> {
  for (const stream of streams) await finished(stream).catch(() => undefined)
}

describe('a stream made of another', () => {
  it('gives what the generator gives, and its error', async () => {
    const body = Readable.from(['one', 'two'])
    expect(String(await buffer(derivedStream(body, same(body))))).toBe('onetwo')
    const broken = new Readable({ read: () => void broken.destroy(new Error('broken')) })
    await expect(buffer(derivedStream(broken, same(broken)))).rejects.toThrow('broken')
  })

  it('ends the other one when it is destroyed before its first byte', async () => {
    const body = hanging()
    const stream = derivedStream(body, same(body))
    stream.destroy()
    await closed(stream, body)
    expect([stream.closed, body.closed]).toEqual([true, true])
  })

  it('ends the other one while that hangs, and reports why', async () => {
    const body = hanging()
    const stream = derivedStream(body, same(body))
    const chunks = stream[Symbol.asyncIterator]()
    expect(String((await chunks.next()).value)).toBe('first')
    const next = chunks.next()
    stream.destroy(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
    await closed(stream, body)
    expect(body.closed).toBe(true)
  })
})

describe('a limited stream', () => {
  const excess = () => new StorageError('too_large', 'More than that.')

  it('passes as many bytes as are allowed, and ends the source at one more', async () => {
    expect(String(await buffer(limitedStream(Readable.from(['ab', 'cd']), 4, excess)))).toBe('abcd')
    const body = hanging()
    await expect(buffer(limitedStream(body, 4, excess))).rejects.toMatchObject({ code: 'too_large' })
    await closed(body)
    expect(body.closed).toBe(true)
  })
})
