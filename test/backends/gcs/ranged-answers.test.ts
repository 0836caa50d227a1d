/** Answers to ranged reads that are not what was asked for: no byte is given that does not belong there. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { GcsStorage } from '../../../src/backends/gcs/index.ts'
import { all } from '../../files/helpers.ts'
import { serve } from '../../http/support.ts'
import { checksum } from '../../servers/strict-s3/checksums.ts'
import { storageWith } from './support.ts'

const TEXT = Array.from({ length: 100_000 }, (_, at) => String(at).padStart(5, '0')).join('')
const CRC32C = checksum('crc32c', Buffer.from(TEXT)).toString('base64')

/** How an answer to a GET of the text is made; `from` is where its range begins. */
type Answer = (request: IncomingMessage, response: ServerResponse, from: number, count: number) => void

interface Asked {
  readonly method: string | undefined
  readonly range: string | undefined
  /** The generation that the read is tied to. */
  readonly match: string | undefined
}

/** Reads from a service that answers so, with the requests that it took. */
async function reading<T>(
  answer: Answer,
  work: (files: GcsStorage) => Promise<T>,
): Promise<{ result: T; asked: readonly Asked[]; connections: number }> {
  const asked: Asked[] = []
  const ports = new Set<number | undefined>()
  await using server = await serve((request, response) => {
    const { method, headers } = request
    ports.add(request.socket.remotePort)
    const match = headers['x-goog-if-generation-match']
    asked.push({ method, range: headers.range, match: match === undefined ? undefined : String(match) })
    const from = Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0)
    request.resume().on('end', () => answer(request, response, from, asked.length - 1))
  })
  await using files = storageWith({ endpointUrl: server.url, credentials: 'anonymous', maxAttempts: 1 })
  return { result: await work(files), asked, connections: ports.size }
}

const headersOf = (from: number, generation: string | undefined = '7', isPart = from > 0, size = TEXT.length) => ({
  ...(generation === '' ? {} : { 'x-goog-generation': generation }),
  'x-goog-hash': `crc32c=${CRC32C}`,
  'x-goog-stored-content-encoding': 'identity',
  'content-length': size - from,
  ...(isPart ? { 'content-range': `bytes ${from}-${size - 1}/${size}` } : {}),
})

/** Answers as a server should. */
const right: Answer = ({ headers }, response, from) => {
  response.writeHead(headers.range === undefined ? 200 : 206, headersOf(from, undefined, headers.range !== undefined))
  response.end(TEXT.slice(from))
}

/** All ways to read a part of the text. */
const ways: Readonly<Record<string, (files: GcsStorage, start: number, end: number) => Promise<string>>> = {
  readText: (files, start, end) => files.readText('a', { start, end }),
  createReadStream: async (files, start, end) => String(await buffer(files.createReadStream('a', { start, end }))),
  'a file': (files, start, end) =>
    files.edit('a', 'r', async file => {
      await file.seek(start)
      return file.read(end - start)
    }),
}

describe.each(Object.entries(ways))('a part that is read by %s', (_, read) => {
  const part = (files: GcsStorage) => read(files, 300_000, 300_020)

  test('is right where the service ignores the range and sends everything', async () => {
    const { result } = await reading((_request, response) => response.writeHead(200, headersOf(0)).end(TEXT), part)
    expect(result).toBe(TEXT.slice(300_000, 300_020))
  })

  test.each<[string, number, Record<string, string | number>]>([
    ['another place', 206, { 'content-range': `bytes 0-${TEXT.length - 1}/${TEXT.length}` }],
    ['another unit', 206, { 'content-range': `lines 300000-300019/${TEXT.length}` }],
    ['no place', 206, {}],
    ['several parts', 206, { 'content-type': 'multipart/byteranges; boundary=b' }],
    ['another status', 203, {}],
  ])('is an error where the service answers with %s', async (__, status, headers) => {
    const answer: Answer = (request, response, from) => {
      if (request.headers.range === undefined) return right(request, response, from, 0)
      return response.writeHead(status, { 'x-goog-generation': '7', ...headers }).end(TEXT)
    }
    const { result } = await reading(answer, files => part(files).catch(error => error))
    const code = status === 206 ? 'unknown' : 'unavailable'
    expect(result).toMatchObject({ name: 'StorageError', code, fileName: 'a', backend: 'gcs' })
  })

  test('is unsupported where the service unpacks the file on the way', async () => {
    const answer: Answer = (_request, response) => {
      const unpacked = { ...headersOf(0), 'x-goog-stored-content-encoding': 'gzip', 'x-goog-stored-content-length': 99 }
      response.writeHead(200, unpacked).end(TEXT)
    }
    const { result } = await reading(answer, files => part(files).catch(error => error))
    // An opened file reads on to the place, in the bytes that it is given anyway.
    if (read === ways['a file']) expect(result).toBe(TEXT.slice(300_000, 300_020))
    else expect(result).toMatchObject({ code: 'unsupported', fileName: 'a' })
  })
})

describe('a large file of a service that ignores ranges', () => {
  const size = 9_000_000
  const crc32c = checksum('crc32c', Buffer.alloc(size, 'x')).toString('base64')
  const ignoring: Answer = (_request, response) => {
    const headers = { 'x-goog-generation': '7', 'x-goog-hash': `crc32c=${crc32c}`, 'content-length': size }
    response.writeHead(200, headers).end(Buffer.alloc(size, 'x'))
  }

  test('is not read beyond its first 8 MiB to get at a part', async () => {
    for (const read of Object.values(ways)) {
      const { result } = await reading(ignoring, files => read(files, 8_500_000, 8_500_010).catch(error => error))
      expect(result).toMatchObject({ code: 'unsupported', fileName: 'a' })
    }
  })
})

describe('a body that breaks', () => {
  test('goes on at its place where the service sends everything again, without a byte twice', async () => {
    const { result, asked } = await reading(
      (_request, response, __, count) => {
        response.writeHead(200, headersOf(0))
        if (count === 0) response.write(TEXT.slice(0, 100_000), () => response.destroy())
        else response.end(TEXT)
      },
      files => files.readText('a'),
    )
    expect(result).toBe(TEXT)
    expect(asked).toHaveLength(2)
    expect(asked[1]).toMatchObject({ match: '7', range: expect.stringMatching(/^bytes=\d+-$/) })
  })

  test('and goes on with a damaged byte is a checksum_mismatch', async () => {
    const { result } = await reading(
      (_request, response, from, count) => {
        if (count === 0) response.writeHead(200, headersOf(0)).write(TEXT.slice(0, 100_000), () => response.destroy())
        else response.writeHead(206, headersOf(from, '7', true)).end(`x${TEXT.slice(from + 1)}`)
      },
      files => files.readText('a').catch(error => error),
    )
    expect(typeof result === 'string' ? `read ${result.length}, damaged: ${result.includes('x')}` : result.code).toBe(
      'checksum_mismatch',
    )
  })

  test('always at the same place is an error after a few requests', async () => {
    const { result, asked } = await reading(
      (_request, response) => void response.writeHead(200, headersOf(0)).write('01234', () => response.destroy()),
      files => files.readText('a').catch(error => error),
    )
    expect(result).toMatchObject({ code: 'unavailable', fileName: 'a' })
    expect(asked.length).toBeLessThanOrEqual(6)
  })

  test.each([
    ['another generation', '8'],
    ['no generation', ''],
  ])('does not go on in an answer with %s', async (_, generation) => {
    const { result, asked } = await reading(
      (_request, response, from, count) => {
        if (count === 0) response.writeHead(200, headersOf(0)).write(TEXT.slice(0, 100), () => response.destroy())
        else response.writeHead(206, headersOf(from, generation, true)).end(TEXT.slice(from))
      },
      files => files.readText('a').catch(error => error),
    )
    expect(result).toMatchObject({ code: 'precondition_failed', fileName: 'a' })
    expect(asked).toHaveLength(2)
  })

  test('is not continued where the answer told no generation', async () => {
    const { result, asked } = await reading(
      (_request, response) =>
        void response.writeHead(200, headersOf(0, '')).write(TEXT.slice(0, 100), () => response.destroy()),
      files => files.readText('a').catch(error => error),
    )
    expect(result).toMatchObject({ code: 'unavailable' })
    expect(asked).toHaveLength(1)
  })

  test('is not continued where the service unpacks the file, and gives no byte twice', async () => {
    const { result, asked } = await reading(
      (_request, response) => {
        response.writeHead(200, {
          'x-goog-generation': '7',
          'x-goog-stored-content-encoding': 'gzip',
          'x-goog-hash': 'crc32c=AAAAAA==',
        })
        response.write(TEXT.slice(0, 100), () => response.destroy())
      },
      files => files.readText('a').catch(error => error),
    )
    expect(result).toMatchObject({ code: 'unavailable' })
    expect(asked).toHaveLength(1)
  })
})

describe('a packed file', () => {
  const packed = gzipSync(TEXT)
  const hash = checksum('crc32c', packed).toString('base64')
  const told = {
    'x-goog-generation': '7',
    'x-goog-hash': `crc32c=${hash}`,
    'x-goog-stored-content-encoding': 'gzip',
    'content-encoding': 'gzip',
  }

  test('is read as it is stored, and goes on at its place', async () => {
    const { result, asked } = await reading(
      (_request, response, from, count) => {
        const range = {
          'content-length': packed.length - from,
          'content-range': `bytes ${from}-${packed.length - 1}/${packed.length}`,
        }
        if (count === 0)
          response
            .writeHead(200, { ...told, 'content-length': packed.length })
            .write(packed.subarray(0, 5000), () => response.destroy())
        else response.writeHead(206, { ...told, ...range }).end(packed.subarray(from))
      },
      files => files.readBytes('a'),
    )
    expect([result.equals(packed), asked.length]).toEqual([true, 2])
    expect(gunzipSync(result).toString()).toBe(TEXT)
  })
})

describe('a size that no header tells', () => {
  const chunked: Answer = (_request, response) => {
    response.writeHead(200, {
      'x-goog-generation': '7',
      'x-goog-hash': `crc32c=${CRC32C}`,
      'transfer-encoding': 'chunked',
    })
    response.write(TEXT.slice(0, 1000))
    response.end(TEXT.slice(1000))
  }

  test.each(Object.entries(ways))('is no reason for other bytes, by %s', async (_, read) => {
    const { result } = await reading(chunked, files => read(files, 400_000, 400_010))
    expect(result).toBe(TEXT.slice(400_000, 400_010))
  })

  test('is known of an opened file all the same, by one request', async () => {
    const { result, asked } = await reading(chunked, files => files.edit('a', 'rb', file => file.size()))
    expect([result, asked.length]).toEqual([TEXT.length, 1])
  })
})

describe('the requests of an opened file', () => {
  test.each<[string, number, (files: GcsStorage) => Promise<unknown>]>([
    ['all of it', 1, files => files.edit('a', 'r', file => file.read())],
    ['its beginning', 1, files => files.edit('a', 'r', file => file.read(10))],
    ['its size', 1, files => files.edit('a', 'r', file => file.size())],
    ['its lines', 1, async files => all(await files.open('a', 'r'))],
    ['a place after another', 2, files => ways['a file']!(files, 200_000, 200_010)],
    ['nothing of it, opened for changes', 1, files => files.edit('a', 'r+', () => undefined)],
  ])('that reads %s are %d', async (_, count, work) => {
    const { asked } = await reading(right, work)
    expect(asked.map(({ method }) => method)).toEqual(Array(count).fill('GET'))
  })

  test('leave the connection free for the next one when it is closed', async () => {
    const { connections } = await reading(right, async files => {
      for (let turn = 0; turn < 3; turn++) {
        await files.edit('a', 'rb', file => file.read())
        // What is left of a body is read in the background.
        await new Promise(setImmediate)
      }
    })
    expect(connections).toBe(1)
  })
})
