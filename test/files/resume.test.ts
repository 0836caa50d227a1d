import { createHash } from 'node:crypto'
import { getEventListeners, once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { BytesBody, StreamBody } from '../../src/core/body.ts'
import type { ExpectedHash } from '../../src/core/driver.ts'
import { StorageError } from '../../src/core/errors.ts'
import { ResumedBody, type ResumeOptions } from '../../src/files/resume.ts'
import { bytesOf } from './helpers.ts'

const reset = (): Error => Object.assign(new Error('reset'), { code: 'ECONNRESET' })
const delayMs = (): number => 0

/** Gives `text` and then fails, or ends. */
function body(text: string, error?: Error): Readable {
  const pieces: (string | null)[] = text === '' ? [] : [text]
  return new Readable({
    read() {
      const piece = pieces.shift()
      if (piece !== undefined) this.push(Buffer.from(piece as string))
      else if (error === undefined) this.push(null)
      else this.destroy(error)
    },
  })
}

/** What a service has stored of a text. */
function expectedOf(text: string): ExpectedHash {
  const begin = () => {
    const hash = createHash('md5')
    return { update: (bytes: Uint8Array) => hash.update(bytes), digest: () => hash.digest('base64') }
  }
  return { name: 'MD5', value: createHash('md5').update(text).digest('base64'), begin }
}

test('bytes at hand are compared with the expected hash', async () => {
  const bodyOf = (text: string) => new ResumedBody(new BytesBody(Buffer.from(text)), { expected: expectedOf('abc') })
  expect(String(bodyOf('abc').take())).toBe('abc')
  expect(bodyOf('abd').take()).toBeUndefined()
  await expect(bodyOf('abd').bytes()).rejects.toMatchObject({
    code: 'checksum_mismatch',
    message: 'The MD5 of the received bytes differs from that of the stored file.',
  })
  const given: Buffer[] = []
  const reading = (async () => {
    for await (const chunk of bodyOf('abd').stream()) given.push(chunk)
  })()
  await expect(reading).rejects.toMatchObject({ code: 'checksum_mismatch' })
  expect(given).toEqual([])
})

type Open = (offset: number) => Promise<Readable>

/** A body that begins with one stream and goes on with others. */
function resumed(open: Open, first: Readable, options: Omit<ResumeOptions, 'again'>): ResumedBody {
  return new ResumedBody(new StreamBody(first), { ...options, again: async at => new StreamBody(await open(at)) })
}

describe.each<[string, (...given: Parameters<typeof resumed>) => Promise<Buffer>]>([
  ['as a stream', (...given) => bytesOf(resumed(...given).stream())],
  ['as bytes', (...given) => resumed(...given).bytes()],
])('a body %s', (_, read) => {
  test.each([
    ['the bytes that were stored', 'abcdef', 'abcdef'],
    ['other bytes', 'abcxef', 'checksum_mismatch'],
    ['other bytes of another length', 'abcde', 'checksum_mismatch'],
  ])('is compared as a whole with the expected hash, also when it was continued: %s', async (__, came, outcome) => {
    const expected = expectedOf('abcdef')
    const open = async (offset: number): Promise<Readable> => body(came.slice(offset))
    for (const first of [body(came.slice(0, 2), reset()), body(came)]) {
      const text = await read(open, first, { expected, delayMs }).then(String, error => error.code)
      expect(text).toBe(outcome)
    }
  })

  test('continues at its offset', async () => {
    const offsets: number[] = []
    const open = async (offset: number): Promise<Readable> => {
      offsets.push(offset)
      return offset < 8 ? body('0123456789'.slice(offset, offset + 2), reset()) : body('0123456789'.slice(offset))
    }
    expect(String(await read(open, body('0123', reset()), { delayMs, maxAttempts: 1 }))).toBe('0123456789')
    expect(offsets).toEqual([4, 6, 8])
  })

  test('gives up after so many requests without a byte', async () => {
    let opened = 0
    const open = async (): Promise<Readable> => {
      opened += 1
      if (opened === 2) throw new StorageError('unavailable', 'down')
      return body('', reset())
    }
    const broken = read(open, body('ab', reset()), { delayMs, maxAttempts: 3 })
    await expect(broken).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(opened).toBe(3)
  })

  test('a changed file and errors that will not pass are passed on', async () => {
    const changed = async (): Promise<Readable> => {
      throw new StorageError('precondition_failed', 'changed')
    }
    await expect(read(changed, body('a', reset()), { delayMs })).rejects.toMatchObject({
      code: 'precondition_failed',
    })
    const never = async (): Promise<Readable> => expect.fail('must not be opened')
    for (const error of [
      new Error('odd'),
      new StorageError('permission_denied', 'no'),
      new DOMException('', 'AbortError'),
    ]) {
      await expect(read(never, body('a', error), { delayMs })).rejects.toBe(error)
    }
    await expect(read(never, body('a', reset()), { maxAttempts: 0 })).rejects.toThrow('reset')
  })

  test('a driver says what its own errors are', async () => {
    const busy = new Error('421 busy')
    const whole = read(async () => body('b'), body('a', busy), { delayMs, classify: () => 'unavailable' })
    expect(String(await whole)).toBe('ab')
  })

  test('a body that is too short or closed without a word is continued', async () => {
    expect(String(await read(async () => body('cd'), body('ab'), { delayMs, length: 4 }))).toBe('abcd')
    const silent = new Readable({ read: () => undefined })
    const whole = read(async () => body('x'), silent, { delayMs })
    silent.destroy()
    expect(String(await whole)).toBe('x')
  })

  test('a body that is longer than announced is an error, also when it was continued', async () => {
    const tooLong = { code: 'unknown', message: 'The answer has more than the 3 bytes that it announced.' }
    const never = async (): Promise<Readable> => expect.fail('must not be opened')
    await expect(read(never, body('abcd'), { delayMs, length: 3 })).rejects.toMatchObject(tooLong)
    const whole = async (): Promise<Readable> => body('abc')
    await expect(read(whole, body('a', reset()), { delayMs, length: 3 })).rejects.toMatchObject(tooLong)
  })

  test('what happens to the connection after the last byte does not matter, what is said of the bytes does', async () => {
    const never = async (): Promise<Readable> => expect.fail('must not be opened')
    expect(String(await read(never, body('abc', reset()), { delayMs, length: 3 }))).toBe('abc')
    const damaged = new StorageError('checksum_mismatch', 'The checksum is another one.')
    await expect(read(never, body('abc', damaged), { delayMs, length: 3 })).rejects.toBe(damaged)
  })

  test('a server that gives one byte and breaks, again and again, is not asked for ever', async () => {
    let opened = 0
    const open = async (): Promise<Readable> => {
      opened += 1
      return body('x', reset())
    }
    const broken = read(open, body('x', reset()), { delayMs, length: 1_000_000 })
    await expect(broken).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(opened).toBe(16)
  })

  test('a file that is large enough may break as often as it makes progress', async () => {
    const piece = 'x'.repeat(65_536)
    let left = 40
    const open = async (): Promise<Readable> => body(piece, --left > 0 ? reset() : undefined)
    expect(await read(open, body(piece, reset()), { delayMs, length: 41 * piece.length })).toHaveLength(41 * 65_536)
  })

  test('the signal ends it, before the first byte, while it hangs and while it is asked for again', async () => {
    const never = async (): Promise<Readable> => expect.fail('must not be opened')
    const aborted = { code: 'aborted', message: "read 'a': the call was aborted.", fileName: 'a' }
    const details = { operation: 'read', fileName: 'a' }
    const hanging = (): Readable => new Readable({ read: () => undefined })
    const before = hanging()
    await expect(read(never, before, { signal: AbortSignal.abort(), details })).rejects.toMatchObject(aborted)
    expect(before.destroyed).toBe(true)

    const controller = new AbortController()
    const { signal } = controller
    const reading = hanging()
    const late = hanging()
    const { promise, resolve } = Promise.withResolvers<Readable>()
    const asked = Promise.withResolvers<void>()
    const again = (): Promise<Readable> => {
      asked.resolve()
      return promise
    }
    const results = [read(never, reading, { signal, details }), read(again, body('', reset()), { signal, details })]
    await asked.promise
    controller.abort()
    for (const result of results) await expect(result).rejects.toMatchObject(aborted)
    expect(reading.destroyed).toBe(true)
    resolve(late)
    await promise
    await vi.waitFor(() => expect(late.destroyed).toBe(true))
  })

  test('a body that has ended before it was taken is whole, unless bytes are missing', async () => {
    const ended = async (): Promise<Readable> => {
      const empty = body('').resume()
      await once(empty, 'close')
      return empty
    }
    const open = async (): Promise<Readable> => body('x')
    expect(await read(open, await ended(), { delayMs })).toHaveLength(0)
    expect(await read(open, await ended(), { delayMs, length: 0 })).toHaveLength(0)
    expect(String(await read(open, await ended(), { delayMs, length: 1 }))).toBe('x')
  })

  test('over HTTP, with a server that hangs up after every 300 kB', async () => {
    const whole = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => i % 253))
    const starts: number[] = []
    const server = createServer((request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1])
      starts.push(start)
      response.writeHead(206, { 'content-length': whole.length - start })
      const part = whole.subarray(start, start + 300_000)
      response.write(part, () => {
        if (start + part.length === whole.length) response.end()
        else response.socket?.destroySoon()
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const open = async (offset: number): Promise<Readable> => {
      const request = get({ port, host: '127.0.0.1', headers: { range: `bytes=${offset}-` }, agent: false })
      return ((await once(request, 'response')) as [IncomingMessage])[0]
    }
    const body = await read(open, await open(0), { delayMs, maxAttempts: 1 })
    server.close()
    expect(body.equals(whole)).toBe(true)
    expect(starts.length).toBeGreaterThanOrEqual(4)
  })
})

describe('a body as a stream', () => {
  test('an abandoned body gives its connection up, a late one too', async () => {
    const first = body('abc')
    for await (const _ of resumed(async () => body(''), first, { delayMs }).stream()) break
    expect(first.destroyed).toBe(true)

    const { promise, resolve } = Promise.withResolvers<Readable>()
    const opened = Promise.withResolvers<void>()
    const late = body('late')
    const open = (): Promise<Readable> => {
      opened.resolve()
      return promise
    }
    const waiting = resumed(open, body('', reset()), { delayMs }).stream()
    waiting.resume()
    await opened.promise
    waiting.destroy()
    const closed = new Promise(done => late.on('close', done))
    resolve(late)
    await closed
    expect(late.destroyed).toBe(true)
  })

  test('waits for its reader', async () => {
    let given = 0
    const endless = new Readable({
      read() {
        given += 16384
        this.push(Buffer.alloc(16384))
      },
    })
    for await (const _ of resumed(async () => endless, endless, {}).stream()) {
      if (given > 10_000_000) break
      if (given > 500_000) expect.fail(`read ${given} bytes ahead`)
      break
    }
    expect(given).toBeLessThan(500_000)
  })
})

describe('a body at hand', () => {
  const again = async (): Promise<BytesBody> => new BytesBody(Buffer.from('cd'))

  test('is taken without a stream, once', async () => {
    const { signal } = new AbortController()
    const whole = new ResumedBody(new BytesBody(Buffer.from('abcd')), { length: 4, again, signal })
    expect(whole.take()?.toString()).toBe('abcd')
    expect(whole.take()).toBeUndefined()
    expect(await bytesOf(whole.stream())).toHaveLength(0)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('is not taken when it is too short or too long, or aborted', async () => {
    const short = new ResumedBody(new BytesBody(Buffer.from('ab')), { length: 4, again })
    expect(short.take()).toBeUndefined()
    expect(String(await short.bytes())).toBe('abcd')
    const long = new ResumedBody(new BytesBody(Buffer.from('abcde')), { length: 4, again })
    expect(long.take()).toBeUndefined()
    await expect(bytesOf(long.stream())).rejects.toMatchObject({ code: 'unknown' })
    const aborted = new ResumedBody(new BytesBody(Buffer.from('abcd')), { signal: AbortSignal.abort() })
    expect(aborted.take()).toBeUndefined()
    await expect(aborted.bytes()).rejects.toMatchObject({ code: 'aborted' })
  })

  test('that nobody takes gives its connection up when the signal fires', () => {
    const controller = new AbortController()
    const first = body('abc')
    const idle = new ResumedBody(new StreamBody(first), { signal: controller.signal })
    controller.abort()
    expect(first.destroyed).toBe(true)
    idle.release()
  })
})
