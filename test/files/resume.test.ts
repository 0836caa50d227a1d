import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { StreamBody } from '../../src/core/body.ts'
import { StorageError } from '../../src/core/errors.ts'
import { resumeBody, resumeBytes } from '../../src/files/resume.ts'
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

describe.each([
  ['as a stream', (...given: Parameters<typeof resumeBody>) => bytesOf(resumeBody(...given))],
  ['as bytes', (open, first, options) => resumeBytes(open, { body: new StreamBody(first) }, options)],
])('a body %s', (_, read) => {
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
    const resumed = read(async () => body('b'), body('a', busy), { delayMs, classify: () => 'unavailable' })
    expect(String(await resumed)).toBe('ab')
  })

  test('a body that is too short or closed without a word is continued', async () => {
    expect(String(await read(async () => body('cd'), body('ab'), { delayMs, length: 4 }))).toBe('abcd')
    const silent = new Readable({ read: () => undefined })
    const resumed = read(async () => body('x'), silent, { delayMs })
    silent.destroy()
    expect(String(await resumed)).toBe('x')
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
    const resumed = resumeBody(async () => body(''), first, { delayMs })
    for await (const _ of resumed) break
    expect(first.destroyed).toBe(true)

    const { promise, resolve } = Promise.withResolvers<Readable>()
    const opened = Promise.withResolvers<void>()
    const late = body('late')
    const waiting = resumeBody(
      () => {
        opened.resolve()
        return promise
      },
      body('', reset()),
      { delayMs },
    )
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
    const resumed = resumeBody(async () => endless, endless)
    for await (const _ of resumed) {
      if (given > 10_000_000) break
      if (given > 500_000) expect.fail(`read ${given} bytes ahead`)
      break
    }
    expect(given).toBeLessThan(500_000)
  })
})
