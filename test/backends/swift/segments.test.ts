/** Segments that must stay, and segments that must go: lost answers, several writers, versions that a container keeps. */
import { afterAll, describe, expect, it, vi } from 'vitest'
import { BytesBody, readBytes } from '../../../src/core/body.ts'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { HttpClient, HttpRequest } from '../../../src/http/request.ts'
import { FORBIDDEN } from '../../faults/faults.ts'
import { distinctBytes } from '../../faults/ground.ts'
import { type StrictSwift, startStrictSwift } from '../../servers/strict-swift.ts'
import { at, SMALL_PARTS, storageWith } from './support.ts'

const LARGE = distinctBytes(150_000)
const OTHER = distinctBytes(140_000).subarray(3)

const servers: StrictSwift[] = []
async function started(options: Parameters<typeof startStrictSwift>[0] = {}): Promise<StrictSwift> {
  const server = await startStrictSwift({ containers: ['media', 'media_segments'], ...options })
  servers.push(server)
  return server
}
afterAll(async () => {
  await Promise.all(servers.map(server => server.close()))
  expect(servers.flatMap(({ complaints }) => complaints)).toEqual([])
})

const files = (server: StrictSwift, options: Parameters<typeof storageWith>[0] = {}, httpClient?: HttpClient) =>
  storageWith({ ...at(server), ...SMALL_PARTS, fileOverwrite: true, ...options }, httpClient && { httpClient })

const isObject = ({ url }: HttpRequest): boolean => url.includes('/media/')
const isManifest = (request: HttpRequest): boolean => request.method === 'PUT' && request.url.includes('manifest=put')
const brokenOff = (): Error => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })

/** A client that is shown other manifests than there are, and loses the answer to each one that it writes. */
function shown(change: (rows: Array<Record<string, unknown>>) => unknown): HttpClient {
  const inner = new NodeClient()
  return {
    async request(request, context) {
      const answer = await inner.request(request, context)
      if (isManifest(request)) throw brokenOff()
      if (!request.url.includes('manifest=get')) return answer
      const rows = JSON.parse((await readBytes(answer, 1e6)).toString())
      return { ...answer, body: new BytesBody(Buffer.from(JSON.stringify(change(rows)))) }
    },
    close: () => inner.close(),
  }
}

/** A client that calls `after` when a request was carried out, before its answer is seen. */
function watched(after: (request: HttpRequest) => unknown): HttpClient & AsyncDisposable {
  const inner = new NodeClient()
  return {
    async request(request, context) {
      const answer = await inner.request(request, context)
      await after(request)
      return answer
    },
    close: async () => undefined,
    [Symbol.asyncDispose]: () => inner.close(),
  }
}

describe('segments are not left', () => {
  it('where manifests are shown as they were uploaded, as by the gateway of Ceph', async () => {
    const server = await started()
    const uploaded = ({ name, hash, bytes }: Record<string, unknown>) => ({ path: name, etag: hash, size_bytes: bytes })
    const storage = files(
      server,
      {},
      shown(rows => rows.map(uploaded)),
    )
    await storage.save('large', LARGE)
    await storage.save('large', OTHER)
    expect([server.names('media_segments').length, (await storage.readBytes('large')).equals(OTHER)]).toEqual([3, true])
    await storage.delete('large')
    await storage.close()
    expect(server.names('media_segments')).toEqual([])
  })

  it.each([true, false])('when the answer to the deletion of their object is lost (bulk deletion: %s)', async bulk => {
    const server = await started({ features: { bulk } })
    let losses = 0
    await using client = watched(({ method, url }) => {
      const isDeletion = (method === 'DELETE' && url.includes('/media/')) || url.includes('bulk-delete')
      if (isDeletion && losses++ === 0) throw brokenOff()
    })
    const storage = files(server, {}, client)
    for (const many of [false, true]) {
      losses = 0
      await storage.save('large', LARGE)
      if (many) expect(await storage.deleteMany(['large'])).toMatchObject({ errors: [] })
      else await storage.delete('large')
      expect([losses > 1, server.names(), server.names('media_segments')]).toEqual([true, [], []])
    }
  })
})

describe('segments stay', () => {
  it('where the container keeps old versions of its objects, whose manifests refer to them', async () => {
    for (const header of ['x-versions-location', 'x-history-location', 'x-versions-enabled']) {
      const server = await started()
      const { meta } = server.container()
      meta.set(header, header === 'x-versions-enabled' ? 'True' : 'old')
      await using storage = files(server)
      await storage.save('large', LARGE)
      await storage.save('large', OTHER)
      await storage.delete('large')
      await storage.save('large', LARGE)
      await storage.deleteMany(['large'])
      expect([server.names(), server.names('media_segments')]).toEqual([[], Array(9).fill(expect.any(String))])
      meta.set(header, header === 'x-versions-enabled' ? 'False' : '')
      await storage.save('large', LARGE)
      await storage.delete('large')
      expect(server.names('media_segments')).toHaveLength(9)
    }
  })

  it('where another writer has put the manifest back that refers to them', async () => {
    const server = await started()
    await using one = files(server)
    await one.save('large', LARGE)
    const old = server.object('large')!
    const restore = (): unknown => server.container().objects.set('large', old)
    await using replacing = watched(request => isManifest(request) && restore())
    await files(server, {}, replacing).save('large', OTHER)
    expect((await one.readBytes('large')).equals(LARGE)).toBe(true)
    await using deleting = watched(request => request.method === 'DELETE' && isObject(request) && restore())
    await files(server, {}, deleting).delete('large')
    expect((await one.readBytes('large')).equals(LARGE)).toBe(true)
  })

  it('where the manifest that may refer to them cannot be read', async () => {
    const server = await started()
    for (const change of [() => ({}), () => [], (rows: unknown[]) => [...rows.slice(1), { bytes: 1 }]]) {
      const storage = files(server, { maxAttempts: 1 }, shown(change))
      await expect(storage.save('large', LARGE)).rejects.toMatchObject({ outcome: 'unknown' })
      await storage.close()
      await using reader = files(server)
      expect((await reader.readBytes('large')).equals(LARGE)).toBe(true)
      await reader.delete('large')
      expect(server.names('media_segments')).toEqual([])
    }
  })

  it('until a manifest that was given up can no longer arrive', async () => {
    const server = await started()
    const puts: HttpRequest[] = []
    const inner = new NodeClient()
    const client: HttpClient = {
      async request(request, context) {
        if (!isManifest(request)) return inner.request(request, context)
        puts.push(request)
        throw brokenOff()
      },
      close: () => inner.close(),
    }
    const storage = files(server, { maxAttempts: 1 }, client)
    await expect(storage.save('large', LARGE)).rejects.toMatchObject({ outcome: 'unknown' })
    // It arrives after its call has failed.
    const { url, headers, body } = puts.at(-1)!
    const late = await fetch(url, { method: 'PUT', headers, body: body as Buffer })
    expect(late.status).toBe(201)
    await storage.close()
    await using reader = files(server)
    expect((await reader.readBytes('large')).equals(LARGE)).toBe(true)
  })

  it('as long as their object does, when it gets an earlier end and that fails', async () => {
    const server = await started()
    await using storage = files(server, { maxAttempts: 1 })
    const now = Math.floor(Date.now() / 1000)
    await storage.save('large', LARGE, { extra: { deleteAt: now + 5000 } })
    const ends = () => server.names('media_segments').map(name => server.object(name, 'media_segments')?.deleteAt)
    for (const deleteAt of [now + 1000, now + 9000]) {
      server.faults.add({ operation: 'object.post', key: 'large', times: 1, fault: FORBIDDEN })
      await expect(storage.copy('large', 'large', { overwrite: true, extra: { deleteAt } })).rejects.toThrow()
      expect(Math.min(...ends().map(Number))).toBeGreaterThanOrEqual(server.object('large')!.deleteAt!)
      server.faults.clear()
    }
    await storage.copy('large', 'large', { overwrite: true, extra: { deleteAt: now + 1000 } })
    expect(ends()).toEqual([now + 1000, now + 1000, now + 1000])
  })
})

it('segments of a public container are public, also where it had none before', async () => {
  const server = await started({ containers: ['media'] })
  await using storage = files(server)
  await storage.setPublic(true)
  await storage.save('large', LARGE)
  const answer = await fetch(await storage.url('large'))
  expect(Buffer.from(await answer.arrayBuffer()).equals(LARGE)).toBe(true)
})

describe('requests are spared', () => {
  it('where there is no container of segments: one for each file that is replaced or deleted', async () => {
    const server = await started({ containers: ['media'] })
    await using storage = files(server)
    await storage.save('a', 'one')
    const before = server.requests.length
    await storage.save('a', 'two')
    await storage.save('b', 'one')
    await storage.delete('a')
    const sent = server.requests.slice(before).map(({ operation }) => operation)
    expect(sent).toEqual(['object.put', 'object.put', 'object.delete'])
    await storage.save('b', LARGE)
    await storage.save('b', 'three')
    expect(server.names('media_segments')).toEqual([])
  })

  it('and a container of segments that another program makes is found', async () => {
    const server = await started({ containers: ['media'] })
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    await using storage = files(server)
    await using other = files(server)
    await storage.save('a', 'one')
    await other.save('a', LARGE)
    now = 10_001
    await storage.save('a', 'two')
    expect(server.names('media_segments')).toEqual([])
    vi.restoreAllMocks()
  })
})
