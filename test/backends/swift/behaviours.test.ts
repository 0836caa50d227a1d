/** The cases of the Libcloud chapter that are about Swift, by their numbers there, and what users of other clients expect. */
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { type SwiftDriverOptions, type SwiftOptions, SwiftStorage } from '../../../src/backends/swift/index.ts'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { HttpClient } from '../../../src/http/request.ts'
import type { Services } from '../../../src/storage/types.ts'
import { distinctBytes, streamed } from '../../faults/ground.ts'
import { rateLimited, type StrictSwift, startStrictSwift, unavailable } from '../../servers/strict-swift.ts'
import { folderOf } from './fault-steps.ts'
import { at, clear, ctx, driverFor, keystone, PART, SMALL_PARTS, storageWith } from './support.ts'

const md5 = (bytes: Uint8Array | string): string => createHash('md5').update(bytes).digest('hex')
const LARGE = distinctBytes(3 * PART - 1000)

const server = await startStrictSwift({ containers: ['media', 'media_segments'], zulu: true })
const files = storageWith({ ...at(server), ...SMALL_PARTS })
afterAll(async () => {
  await files.close()
  await server.close()
  expect(server.complaints).toEqual([])
})

async function withServer(options: Parameters<typeof startStrictSwift>[0], work: (own: StrictSwift) => Promise<void>) {
  const own = await startStrictSwift(options)
  try {
    await work(own)
    expect(own.complaints).toEqual([])
  } finally {
    await own.close()
  }
}

describe('case 63: containers', () => {
  it('201 is a new one, 202 exists, 404 not_found, 409 not_empty', async () => {
    const { driver } = files
    await driver.createContainer('My Pictures ü')
    await expect(driver.createContainer('My Pictures ü')).rejects.toMatchObject({ code: 'exists' })
    server.put('x', 'four', { container: 'My Pictures ü' })
    expect(await driver.getContainer('My Pictures ü')).toMatchObject({ name: 'My Pictures ü', count: 1, size: 4 })
    await expect(driver.deleteContainer('My Pictures ü')).rejects.toMatchObject({ code: 'not_empty' })
    await expect(driver.deleteContainer('none')).rejects.toMatchObject({ code: 'not_found' })
    await expect(driver.getContainer('none')).rejects.toMatchObject({ code: 'not_found' })
    expect((await driver.listContainers()).map(({ name }) => name)).toEqual([
      'My Pictures ü',
      'media',
      'media_segments',
    ])
    clear(server)
    server.container('My Pictures ü').objects.clear()
    await driver.deleteContainer('My Pictures ü')
    await expect(driver.createContainer('x'.repeat(257))).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('a missing one of the storage is created where that is wanted, readable by anybody where that is wanted', async () => {
    await withServer({ containers: [] }, async own => {
      await using none = storageWith({ ...at(own), maxAttempts: 1 })
      await expect(none.save('a', 'x')).rejects.toMatchObject({ code: 'improperly_configured' })
      await expect(none.listdir('')).rejects.toMatchObject({ code: 'improperly_configured' })
      expect(await none.exists('a')).toBe(false)
      const wanted = { autoCreateContainer: true, autoCreateContainerPublic: true, autoCreateContainerAllowOrigin: '*' }
      await using some = storageWith({ ...at(own), ...SMALL_PARTS, ...wanted })
      await Promise.all([some.save('a', 'x'), some.listdir(''), some.save('large', LARGE)])
      for (const name of ['media', 'media_segments']) {
        expect(own.container(name).read).toBe('.r:*')
        expect(own.container(name).meta.get('x-container-meta-access-control-allow-origin')).toBe('*')
      }
      const answer = await fetch(await some.url('large'))
      expect(Buffer.from(await answer.arrayBuffer()).equals(LARGE)).toBe(true)
    })
  })
})

describe('case 64: a listing', () => {
  it('goes on through rows of folders, page by page, in the order of UTF-8 bytes', async () => {
    await withServer({}, async own => {
      const names = Array.from({ length: 60 }, (_, at) => `d${String(at).padStart(2, '0')}/x`)
      for (const name of [...names, ...names.map(each => `${each}2`), 'é', 'z', '\uffee', '😀']) own.put(name, 'x')
      const driver = driverFor(own)
      const seen: string[] = []
      let token: string | undefined
      let pages = 0
      do {
        const page = await driver.list('', { recursive: false, limit: 7, token }, ctx())
        seen.push(...page.directories.map(each => `${each}/`), ...page.files.map(({ key }) => key))
        token = page.next
        pages++
      } while (token !== undefined)
      expect(seen).toEqual([...names.map(each => each.slice(0, 4)), 'z', 'é', '\uffee', '😀'])
      expect(pages).toBe(10)
      await driver.close()
    })
  })

  it('ends only with a page that is empty where the cluster does not tell how many rows a page has', async () => {
    await withServer({}, async own => {
      for (const name of ['a', 'b', 'c']) own.put(name, 'x')
      const inner = new NodeClient()
      const httpClient: HttpClient = {
        // `/info` is closed by what stands before the cluster.
        request: (request, context) =>
          inner.request({ ...request, url: request.url.replace('/info', '/none') }, context),
        close: () => inner.close(),
      }
      await using storage = storageWith(at(own), { httpClient })
      expect((await storage.listdir(''))[1]).toEqual(['a', 'b', 'c'])
      expect(own.requests.filter(({ operation }) => operation === 'container.get')).toHaveLength(2)
      await inner.close()
      own.complaints.length = 0
    })
  })

  it('has folders that are marked by an empty object, and no file for them', async () => {
    server.put('folder', '', { contentType: 'application/directory' })
    server.put('full', '', { contentType: 'application/directory; charset=utf-8' })
    server.put('full/a', 'x')
    server.put('marked/', '')
    server.put('empty', '')
    expect(await files.listdir('')).toEqual([['folder', 'full', 'marked'], ['empty']])
    const recursive = []
    for await (const { name } of files.entries('', { recursive: true })) recursive.push(name)
    expect(recursive).toEqual(['empty', 'full/a'])
    await expect(files.readBytes('folder')).rejects.toMatchObject({ code: 'is_directory' })
    expect((await files.readBytes('empty')).length).toBe(0)
    clear(server)
  })

  it('has the time to the millisecond, as stat has it', async () => {
    await files.save('timed', 'x')
    const { modifiedAt } = await files.stat('timed')
    const [entry] = (await files.page('')).entries
    expect(entry?.modifiedAt).toEqual(modifiedAt)
    expect(Math.abs((modifiedAt?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
    clear(server)
  })
})

const NOTHING = { settings: {}, env: {} }

/** A storage that waits only shortly for a dynamic large object to have its size. */
class Impatient extends SwiftStorage {
  protected override driverOptions(options: Readonly<SwiftOptions>, services: Services): SwiftDriverOptions {
    return { ...super.driverOptions(options, services), settleMs: 150 }
  }
}

describe('cases 66 and 67: uploads', () => {
  it('66: a stream of unknown length goes chunked as one object where no large objects are wanted, its ETag compared', async () => {
    await using storage = storageWith({ ...at(server), ...SMALL_PARTS, largeObjects: 'none' })
    const stat = await storage.save('stream', streamed(LARGE)).then(name => storage.stat(name))
    expect([stat.size, stat.etag]).toEqual([LARGE.length, md5(LARGE)])
    const put = server.requests.findLast(({ operation, key }) => operation === 'object.put' && key === 'stream')
    expect(put?.headers).toMatchObject({ 'transfer-encoding': 'chunked' })
    await storage.save('known', LARGE)
    expect(server.object('known')?.etag).toBe(md5(LARGE))
    clear(server)
  })

  it('a stream that fails, or is shorter than it said, leaves nothing', async () => {
    await using storage = storageWith({ ...at(server), ...SMALL_PARTS, largeObjects: 'none', maxAttempts: 1 })
    async function* failing(): AsyncGenerator<Buffer> {
      yield LARGE.subarray(0, 100_000)
      throw new Error('the disk is gone')
    }
    await expect(storage.save('failed', failing())).rejects.toMatchObject({ code: 'source_failed' })
    expect(server.object('failed')).toBeUndefined()
  })

  it.each(['missing', 'changed'])('67: a manifest whose segment is %s is refused, and nothing is left', async what => {
    await withServer({ containers: ['media', 'media_segments'] }, async own => {
      await using storage = storageWith({ ...at(own), ...SMALL_PARTS, maxAttempts: 1 })
      const saving = storage.save('large', LARGE, {
        onProgress: ({ loaded: bytes }) => {
          if (bytes !== LARGE.length) return
          const [name = ''] = own.names('media_segments')
          own.container('media_segments').objects.delete(name)
          if (what === 'changed') own.put(name, Buffer.alloc(PART), { container: 'media_segments' })
        },
      })
      await expect(saving).rejects.toMatchObject({ outcome: 'not_applied' })
      expect([own.names(), own.names('media_segments')]).toEqual([[], []])
    })
  })

  it('a file with an end, and its segments, end together', async () => {
    const before = Math.floor(Date.now() / 1000)
    await files.save('large', LARGE, { extra: { deleteAfter: 1000 } })
    const { deleteAt = 0 } = server.object('large')!
    expect(deleteAt - before).toBeGreaterThanOrEqual(1000)
    const segments = server.names('media_segments').filter(name => name.startsWith(folderOf('large')))
    const ends = segments.map(name => server.object(name, 'media_segments')?.deleteAt)
    expect(ends).toEqual([deleteAt, deleteAt, deleteAt])
    await files.save('small', 'x', { extra: { delete_at: new Date(2_000_000_000_000) } })
    expect(server.object('small')?.deleteAt).toBe(2_000_000_000)
    await expect(files.save('bad', 'x', { extra: { deleteAfter: 'soon' } })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    await expect(files.save('bad', 'x', { extra: { color: 'red' } })).rejects.toThrow(
      "'color' is not a parameter of a Swift upload",
    )
    clear(server)
  })

  it('a dynamic large object that never has its size is a timeout', async () => {
    await withServer({ features: { slo: false }, containers: ['media', 'media_segments'] }, async own => {
      await using storage = new Impatient(
        { ...at(own), ...SMALL_PARTS, containerName: 'media', maxAttempts: 1 },
        NOTHING,
      )
      const saving = storage.save('large', LARGE, {
        onProgress: ({ loaded: bytes }) => {
          const [first] = own.names('media_segments')
          if (bytes === LARGE.length) own.container('media_segments').late.set(first!, 1000)
        },
      })
      await expect(saving).rejects.toMatchObject({ code: 'timeout', outcome: 'unknown' })
    })
  })
})

describe('cases 81 to 91', () => {
  it('81: a missing file is not_found', async () => {
    await expect(files.readBytes('missing')).rejects.toMatchObject({ code: 'not_found' })
    await expect(files.open('missing')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('82: read(n), then the rest; an empty file', async () => {
    await files.save('ten', '0123456789')
    await files.save('none', '')
    const [start, rest, nothing] = [
      await files.edit('ten', 'r', async file => [await file.read(3), await file.read()]),
      0,
      await files.readText('none'),
    ]
    expect([start, rest, nothing]).toEqual([['012', '3456789'], 0, ''])
  })

  it('84: a file that was opened for reading is not written', async () => {
    await using file = await files.open('ten')
    await expect(file.write('x')).rejects.toMatchObject({ code: 'unsupported_mode' })
  })

  it('85: deleting a missing file is silent', async () => {
    await files.delete('missing')
    await using quick = storageWith({ ...at(server), leaveSegments: true })
    await quick.delete('missing')
  })

  it('87: a folder shows its folders', async () => {
    await files.save('a/b/c.txt', 'x')
    expect(await files.listdir('a')).toEqual([['b'], []])
  })

  it('88: the size of a missing file is an error', async () => {
    await expect(files.size('missing')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('90: names with blank, `#` and é are percent-encoded once', async () => {
    const name = await files.save('a b#é%.txt', 'x')
    expect(server.object('a b#é%.txt')).toBeDefined()
    expect(await files.url(name)).toBe(`${server.storageUrl}/media/a%20b%23%C3%A9%25.txt`)
  })

  it('91: two providers at once do not mix tokens', async () => {
    await withServer({}, async own => {
      await using one = storageWith({ ...at(server) })
      await using other = storageWith({ ...keystone(own, 3) })
      await Promise.all([one.save('same', 'one'), other.save('same', 'other')])
      expect(await Promise.all([one.readText('same'), other.readText('same')])).toEqual(['one', 'other'])
      clear(server)
    })
  })
})

describe('an overloaded cluster', () => {
  it.each([
    [429, rateLimited(429, 0)],
    [498, rateLimited(498, 0)],
    [503, unavailable()],
  ] as const)('%d is waited for', async (_, fault) => {
    server.faults.add({ operation: 'object.get', key: 'busy', times: 1, fault })
    server.put('busy', 'text')
    expect(await files.readText('busy')).toBe('text')
  })

  it('that goes on is throttled', async () => {
    await using once = storageWith({ ...at(server), maxAttempts: 1 })
    server.faults.add({ operation: 'object.get', key: 'busy', times: 1, fault: rateLimited(498, 0) })
    await expect(once.readText('busy')).rejects.toMatchObject({ code: 'throttled' })
  })
})

describe('a new name', () => {
  it('is not taken over where somebody else was faster', async () => {
    for (const content of ['text', LARGE]) {
      await using storage = storageWith({ ...at(server), ...SMALL_PARTS })
      const driver = storage.calls.driver
      const write = driver.write.bind(driver)
      let isFirst = true
      driver.write = async (key, given, options, context) => {
        if (isFirst) server.put(key, 'of somebody else')
        isFirst = false
        return write(key, given, options, context)
      }
      const name = await storage.save('wanted', content)
      expect(name).not.toBe('wanted')
      expect(server.object('wanted')?.bytes.toString()).toBe('of somebody else')
      expect((await storage.readBytes(name)).length).toBe(content.length)
      clear(server)
    }
  })
})

describe('a user who may write only', () => {
  it('replaces and deletes all the same', async () => {
    await withServer({}, async own => {
      const inner = new NodeClient()
      const httpClient: HttpClient = {
        async request(request, context) {
          const answer = await inner.request(request, context)
          if (request.method !== 'HEAD') return answer
          return { ...answer, status: 403, headers: { 'x-trans-id': 'tx1' } }
        },
        close: () => inner.close(),
      }
      await using storage = storageWith({ ...at(own), fileOverwrite: true, maxAttempts: 1 }, { httpClient })
      await storage.save('a', 'one')
      await storage.save('a', 'two')
      expect(own.object('a')?.bytes.toString()).toBe('two')
      await storage.save('b', 'x')
      await storage.delete('a')
      expect(await storage.deleteMany(['b'])).toMatchObject({ deleted: 1, errors: [] })
      expect(own.names()).toEqual([])
      await inner.close()
    })
  })
})
