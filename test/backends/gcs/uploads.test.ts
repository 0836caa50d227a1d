import { Readable } from 'node:stream'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type StrictGcs, startStrictGcs } from '../../servers/strict-gcs.ts'
import { at, KIB_256, storageWith } from './support.ts'

const server = await startStrictGcs()
const completing = await startStrictGcs({ completeOnTotal: true })
const files = storageWith({ ...at(server), multipartThreshold: KIB_256, blobChunkSize: 2 * KIB_256 })
afterAll(async () => {
  await files.close()
  await Promise.all([server.close(), completing.close()])
})
beforeEach(() => {
  server.faults.clear()
  server.requests.length = 0
})

const bytes = Buffer.from(Array.from({ length: 5 * KIB_256 + 77 }, (_, at) => (at * 31 + (at >> 8)) % 251))
const operations = (): string[] => server.requests.map(({ operation }) => operation).filter(name => name !== 'token')
const ranges = (): Array<string | undefined> => server.requests.map(({ headers }) => headers['content-range'])

/** Content that can be read once, of unknown length. */
function once(content: Buffer): Readable {
  return Readable.from(
    (function* () {
      for (let at = 0; at < content.length; at += 10_000) yield content.subarray(at, at + 10_000)
    })(),
    { objectMode: false },
  )
}

/** Lets a server store only some bytes of the next parts. */
function partly({ partialWrites }: StrictGcs, stored: number, answer: 503 | 308 | 'break', times = 1): void {
  partialWrites.add({ stored, answer, times })
}

async function isStored(name: string): Promise<void> {
  expect((await files.readBytes(name)).equals(bytes)).toBe(true)
  expect(server.sessions.open).toEqual([])
}

it('sends small files by one multipart request with their CRC32C', async () => {
  await files.save('small.txt', 'text', { metadata: { colour: 'grün' }, cacheControl: 'no-store' })
  expect(operations()).toEqual(['objects.insert'])
  expect(await files.stat('small.txt')).toMatchObject({
    size: 4,
    cacheControl: 'no-store',
    metadata: { colour: 'grün' },
  })
})

it.each([
  ['of known length', () => bytes],
  ['of unknown length', () => once(bytes)],
])('sends large files %s in parts of a multiple of 256 KiB, and the last one alone tells the size', async (_, make) => {
  await files.save('large.bin', make())
  expect(operations()).toEqual(['objects.insert.start', ...Array(3).fill('objects.insert.part')])
  expect(ranges().filter(Boolean)).toEqual([
    'bytes 0-524287/*',
    'bytes 524288-1048575/*',
    `bytes 1048576-${bytes.length - 1}/${bytes.length}`,
  ])
  expect(server.requests.at(-1)!.headers['x-goog-hash']).toMatch(/^crc32c=/)
  await isStored('large.bin')
})

it('sends a file of exactly one part, and an empty one', async () => {
  const whole = bytes.subarray(0, 2 * KIB_256)
  await files.save('exact.bin', once(whole))
  expect((await files.readBytes('exact.bin')).equals(whole)).toBe(true)
  await files.save('empty.bin', once(Buffer.alloc(0)))
  expect((await files.stat('empty.bin')).size).toBe(0)
  expect(server.sessions.open).toEqual([])
})

describe('a resumable upload', () => {
  it('goes on from byte 0 where a 308 without a Range says that nothing is stored', async () => {
    partly(server, 0, 308)
    await files.save('nothing.bin', once(bytes))
    expect(ranges().filter(range => range?.startsWith('bytes 0-'))).toHaveLength(2)
    await isStored('nothing.bin')
  })

  it.each([503, 308, 'break'] as const)(
    'sends only the bytes that are missing after a part of which 256 KiB were stored (%s)',
    async answer => {
      partly(server, KIB_256 + 5, answer)
      await files.save('partly.bin', once(bytes))
      // A part whose connection breaks is sent again whole by the HTTP client, which the service allows.
      expect(ranges()).toContain(answer === 'break' ? 'bytes 0-524287/*' : 'bytes 262144-524287/*')
      await isStored('partly.bin')
    },
  )

  it.each(['cut', 'refuse'] as const)(
    'is a success where the answer to its last part is lost (%s) and a status query tells the file',
    async kind => {
      const last = ({ headers }: { readonly headers: Readonly<Record<string, string>> }) =>
        headers['content-range']?.endsWith(`/${bytes.length}`) === true &&
        headers['content-range'] !== `bytes */${bytes.length}`
      const fault =
        kind === 'cut'
          ? ({ do: 'cut', bytes: 10 } as const)
          : ({ do: 'refuse', at: 'after', status: 503, code: 'backendError' } as const)
      server.faults.add({ operation: 'objects.insert.part', match: last, fault })
      await files.save('lost.bin', once(bytes))
      expect(operations()).toContain('objects.insert.status')
      expect(server.faults.size).toBe(0)
      await isStored('lost.bin')
    },
  )

  it('is a success where its last part is refused and a status query tells the file', async () => {
    const last = ({ headers }: { readonly headers: Readonly<Record<string, string>> }) =>
      headers['content-range']?.endsWith(`/${bytes.length}`) === true
    const fault = { do: 'refuse', at: 'after', status: 400, code: 'badRequest' } as const
    server.faults.add({ operation: 'objects.insert.part', match: last, fault })
    await files.save('refused.bin', once(bytes))
    expect(operations().slice(-1)).toEqual(['objects.insert.status'])
    await isStored('refused.bin')
  })

  it('is an error where the service tells more bytes than were sent', async () => {
    const more = {
      do: 'lie',
      answer: () => ({
        status: 308,
        headers: [['range', 'bytes=0-99999999'] as const],
        body: Buffer.alloc(0),
      }),
    } as const
    server.faults.add({ operation: 'objects.insert.part', times: 9, fault: more })
    await expect(files.save('more.bin', once(bytes))).rejects.toMatchObject({ code: 'unavailable', retryable: false })
    server.faults.clear()
    expect(await files.exists('more.bin')).toBe(false)
    expect(server.sessions.open).toEqual([])
  })

  it('is an error, not a success, where the service says before the last part that it is complete', async () => {
    const done = {
      do: 'lie',
      answer: () => ({
        status: 200,
        headers: [['content-type', 'application/json'] as const],
        body: Buffer.from('{"generation":"1","size":"524288"}'),
      }),
    } as const
    server.faults.add({ operation: 'objects.insert.part', fault: done })
    await expect(files.save('early.bin', once(bytes))).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('ends where the service keeps refusing bytes, and leaves no session', async () => {
    partly(server, 0, 308, 40)
    await expect(files.save('stuck.bin', once(bytes))).rejects.toMatchObject({
      code: 'unavailable',
      outcome: 'not_applied',
    })
    while (server.partialWrites.size > 0) server.partialWrites.take('stuck.bin')
    expect(server.sessions.open).toEqual([])
  })

  it('is made again from the beginning where its session is gone and the content can be read again', async () => {
    server.faults.add({
      operation: 'objects.insert.part',
      match: () => server.sessions.expireAll() > 0,
      fault: { do: 'refuse', status: 410, code: 'gone' },
    })
    await files.save('gone.bin', bytes)
    await isStored('gone.bin')
  })

  it('fails where its bytes are damaged on the way, and stores nothing', async () => {
    const damaged = server.requests.length
    const wrong = { do: 'refuse', status: 400, code: 'invalid' } as const
    server.faults.add({
      operation: 'objects.insert.part',
      match: ({ headers }) => headers['x-goog-hash'] !== undefined,
      fault: wrong,
    })
    await expect(files.save('bad.bin', once(bytes))).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(server.requests.length).toBeGreaterThan(damaged)
    expect(await files.exists('bad.bin')).toBe(false)
    expect(server.sessions.open).toEqual([])
  })

  it('is complete also where the status query itself completes it', async () => {
    const storage = storageWith({ ...at(completing), multipartThreshold: KIB_256, blobChunkSize: 2 * KIB_256 })
    partly(completing, 10 * KIB_256, 503)
    await storage.save('whole.bin', once(bytes.subarray(0, 4 * KIB_256)))
    expect((await storage.stat('whole.bin')).size).toBe(4 * KIB_256)
    await storage.close()
  })

  it('is cancelled by an abort, and by closing the storage', async () => {
    const controller = new AbortController()
    const hanging = async function* () {
      yield bytes.subarray(0, 3 * KIB_256)
      controller.abort()
      yield* once(bytes)
    }
    const aborted = files.save('aborted.bin', Readable.from(hanging()), { signal: controller.signal })
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' })
    expect(await files.exists('aborted.bin')).toBe(false)
    expect(server.sessions.open).toEqual([])
  })
})
