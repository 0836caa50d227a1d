/** The methods of libcloud's drivers on `storage.driver`, over one provider of each family. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
import { LibCloudDriver } from '../../../src/backends/libcloud/index.ts'
import { startPlaces } from './places.ts'
import { entryOf, hostOf, storageOf } from './support.ts'

const places = await startPlaces()
const opened = places.map(place => ({ ...place, storage: storageOf(place.entry) }))
const folder = await mkdtemp(join(tmpdir(), 'holdall-driver-'))
afterAll(async () => {
  await Promise.all(opened.map(({ storage }) => storage.close()))
  await Promise.all(places.map(place => place.close()))
  await rm(folder, { recursive: true })
})

const bytes = Buffer.from(Array.from({ length: 4000 }, (_, index) => index % 251))

describe.concurrent.each(opened)('$name', ({ name, entry, storage }) => {
  const { driver } = storage
  const at = (file: string) => join(folder, `${name}-${file}`)

  it('upload_object and upload_object_via_stream store, and give the object', async () => {
    expect(driver).toBeInstanceOf(LibCloudDriver)
    await writeFile(at('up.bin'), bytes)
    const object = await driver.uploadObject(at('up.bin'), 'media', 'up/file.bin')
    expect(object).toMatchObject({ name: 'up/file.bin', size: 4000, container: { name: 'media' } })
    expect(object.hash === null).toBe(name === 'NIMBUS')
    expect(object.extra.lastModified).toBeInstanceOf(Date)
    expect(await storage.readBytes('up/file.bin')).toEqual(bytes)
    // A second one replaces the first, as it does in libcloud.
    const streamed = await driver.uploadObjectViaStream(['a', 'bc'], 'media', 'up/file.bin')
    expect(streamed).toMatchObject({ name: 'up/file.bin', size: 3 })
    expect(await storage.readText('up/file.bin')).toBe('abc')
    await expect(driver.uploadObject(at('missing'), 'media', 'up/x')).rejects.toMatchObject({ code: 'not_found' })
    expect(await storage.exists('up/x')).toBe(false)
  })

  it('content type and metadata go with an upload, and come with the object', async () => {
    if (!storage.features.metadata) return
    const extra = { contentType: 'text/x-odd', metaData: { colour: 'blue' } }
    const object = await driver.uploadObjectViaStream('text', 'media', 'extra', { extra })
    expect([object.extra.contentType, object.metaData]).toEqual(['text/x-odd', { colour: 'blue' }])
  })

  it('objects are listed with their sizes, in other containers too, by a prefix that may end within a name', async () => {
    for (const object of ['list/a', 'list/ab/c', 'list/b']) await driver.uploadObjectViaStream('12345', 'other', object)
    const names = async (prefix?: string) =>
      (await driver.listContainerObjects('other', { prefix })).map(object => object.name).sort()
    expect(await names('list/')).toEqual(['list/a', 'list/ab/c', 'list/b'])
    expect(await names('list/a')).toEqual(['list/a', 'list/ab/c'])
    expect(await names('li')).toEqual(['list/a', 'list/ab/c', 'list/b'])
    expect(await names('none')).toEqual([])
    // Names at both ends of what a prefix may be followed by.
    const ends = ['list/b\u0001', 'list/b\u{10fffd}z', 'list/c', 'list/a\u{10fffd}'].filter(
      () => name === 'S3' || name === 'OPENSTACK_SWIFT',
    )
    for (const object of ends) await driver.uploadObjectViaStream('12345', 'other', object)
    expect(await names('list/b')).toEqual(['list/b', ...ends.slice(0, 2)])
    for (const object of ends) await driver.deleteObject({ container: 'other', name: object })
    expect(await storage.exists('list/a')).toBe(false)
    const seen: unknown[] = []
    for await (const object of driver.iterateContainerObjects({ name: 'other' }, { prefix: 'list/b' })) {
      seen.push({ ...object })
      await driver.deleteObject(object)
    }
    expect(seen).toMatchObject([
      { name: 'list/b', ...(name !== 'NIMBUS' && { size: 5 }), container: { name: 'other' } },
    ])
    expect(await names('list/b')).toEqual([])
  })

  it('get_object and delete_object take a container and a name', async () => {
    await storage.save('one.txt', 'one')
    const object = await driver.getObject('media', 'one.txt')
    expect(object.size).toBe(3)
    await expect(driver.getObject('media', 'zz')).rejects.toMatchObject({ code: 'not_found', fileName: 'zz' })
    await driver.deleteObject(object)
    await driver.deleteObject({ container: 'media', name: 'one.txt' })
    expect(await storage.exists('one.txt')).toBe(false)
  })

  it('case 93: download_object leaves an existing file as it is, unless it may be replaced', async () => {
    await storage.save('down.bin', bytes)
    const object = await driver.getObject('media', 'down.bin')
    const [fresh, taken] = [at('fresh.bin'), at('taken.bin')]
    await driver.downloadObject(object, fresh)
    expect(await readFile(fresh)).toEqual(bytes)
    await writeFile(taken, 'old')
    await expect(driver.downloadObject(object, taken)).rejects.toMatchObject({ code: 'exists' })
    expect(await readFile(taken, 'utf8')).toBe('old')
    await driver.downloadObject(object, taken, { overwriteExisting: true })
    expect(await readFile(taken)).toEqual(bytes)
    // A folder, by the slash at its end.
    await driver.downloadObject(object, `${at('folder')}/`)
    expect(await readdir(at('folder'))).toEqual(['down.bin'])
    await expect(driver.downloadObject({ container: 'media', name: 'zz' }, at('zz'))).rejects.toMatchObject({
      code: 'not_found',
    })
    expect((await readdir(folder)).filter(file => file.startsWith(`${name}-zz`))).toEqual([])
  })

  it('case 94: the end of a range is exclusive; a start below 0, and an end that is not above it, are refused', async () => {
    await storage.save('range.bin', bytes)
    const object = await driver.getObject('media', 'range.bin')
    const read = (start: number, end?: number) => buffer(driver.downloadObjectRangeAsStream(object, { start, end }))
    expect([...(await read(2, 5))]).toEqual([2, 3, 4])
    expect([...(await read(0, 1))]).toEqual([0])
    expect(await read(3990)).toEqual(bytes.subarray(3990))
    await driver.downloadObjectRange(object, at('range.bin'), { start: 10, end: 20 })
    expect(await readFile(at('range.bin'))).toEqual(bytes.subarray(10, 20))
    for (const [start, end] of [
      [-1, 5],
      [5, 5],
      [5, 4],
      [0, 0],
      [1.5, 3],
      [Number.NaN, undefined],
    ] as const) {
      const refused = expect.objectContaining({ code: 'invalid_argument' })
      expect(() => driver.downloadObjectRangeAsStream(object, { start, end })).toThrow(refused)
      await expect(driver.downloadObjectRange(object, at('never'), { start, end: end ?? null })).rejects.toThrow(
        refused,
      )
    }
    expect((await readdir(folder)).includes(`${name}-never`)).toBe(false)
    expect(await buffer(driver.downloadObjectAsStream(object))).toEqual(bytes)
  })

  it('get_object_cdn_url is the URL of the storage; no container has a CDN', async () => {
    await storage.save('cdn.txt', 'cdn')
    const object = { container: 'media', name: 'cdn.txt' }
    const [own, cdn] = await Promise.allSettled([storage.url('cdn.txt'), driver.getObjectCdnUrl(object)])
    expect(cdn.status).toBe(own.status)
    if (cdn.status === 'fulfilled') expect(new URL(cdn.value).pathname.endsWith('/media/cdn.txt')).toBe(true)
    const refused = { code: 'unsupported' }
    await expect(driver.getContainerCdnUrl('media')).rejects.toMatchObject(refused)
    await expect(driver.enableContainerCdn('media')).rejects.toMatchObject(refused)
  })

  it('ContainerDoesNotExistError is not_found and names the container, where the service tells it', async () => {
    const object = { container: 'absent-1', name: 'a.txt' }
    const calls = {
      list: () => driver.listContainerObjects('absent-1'),
      get: () => driver.getObject('absent-1', 'a.txt'),
      remove: () => driver.deleteObject(object),
      download: () => driver.downloadObject(object, at('absent.bin')),
      stream: () => buffer(driver.downloadObjectAsStream(object)),
      range: () => buffer(driver.downloadObjectRangeAsStream(object, { start: 0, end: 1 })),
      upload: () => driver.uploadObjectViaStream('text', 'absent-1', 'a.txt'),
    }
    const found: Record<string, unknown> = {}
    for (const [title, call] of Object.entries(calls)) {
      const error = await call().catch((thrown: unknown) => thrown)
      const { code, containerName } = (error ?? {}) as Record<string, unknown>
      found[title] = [code, containerName]
      if (code === 'not_found' && containerName !== undefined) {
        expect((error as Error).message).toBe("The container 'absent-1' does not exist.")
      }
    }
    const [told, silent, file] = [
      ['not_found', 'absent-1'],
      [undefined, undefined],
      ['not_found', undefined],
    ]
    const all = (result: unknown) => Object.fromEntries(Object.keys(calls).map(title => [title, result]))
    // A folder is made with its first file; Swift tells a missing container from a missing file in some answers only.
    const folders = { ...all(file), list: silent, remove: silent, upload: silent }
    expect(found).toEqual(
      {
        S3: all(told),
        GOOGLE_STORAGE: all(told),
        AZURE_BLOBS: all(told),
        OPENSTACK_SWIFT: { ...all(file), list: told, remove: silent, upload: told },
        ATMOS: folders,
        LOCAL: folders,
        NIMBUS: all(['permission_denied', undefined]),
      }[name],
    )
    if (name === 'ATMOS' || name === 'LOCAL') {
      await driver.deleteObject(object)
      await driver.deleteContainer('absent-1')
    }
  })

  it('nothing is begun by a call whose signal was aborted before', async () => {
    const signal = AbortSignal.abort()
    const object = { container: 'media', name: 'aborted.txt' }
    await storage.save('aborted.txt', 'text', { overwrite: true })
    for (const call of [
      () => driver.createContainer('aborted', { signal }),
      () => driver.getContainer('media', { signal }),
      () => driver.listContainers({ signal }),
      () => driver.deleteContainer('other', { signal }),
      () => driver.listContainerObjects('media', { signal }),
      () => driver.getObject('media', 'aborted.txt', { signal }),
      () => driver.uploadObject(at('up.bin'), 'media', 'aborted2.txt', { signal }),
      () => driver.uploadObjectViaStream('x', 'media', 'aborted2.txt', { signal }),
      () => driver.downloadObject(object, at('aborted.bin'), { signal }),
      () => driver.downloadObjectRange(object, at('aborted.bin'), { start: 1, signal }),
      () => driver.deleteObject(object, { signal }),
    ]) {
      await expect(call(), String(call)).rejects.toMatchObject({ code: 'aborted' })
    }
    expect(await storage.readText('aborted.txt')).toBe('text')
    expect(await storage.exists('aborted2.txt')).toBe(false)
    await storage.delete('aborted.txt')
    expect((await readdir(folder)).filter(file => file.includes('aborted'))).toEqual([])
    expect((await driver.listContainers()).map(container => container.name)).not.toContain('aborted')
  })

  it('names are those in the container, whatever location the storage has; a bad name of a container is an invalid_argument', async () => {
    await using below = storageOf(entry, {}, { location: 'below' })
    await below.save('a.txt', 'below')
    expect((await below.driver.getObject('media', 'below/a.txt')).size).toBe(5)
    await expect(below.driver.getObject('a/b', 'x')).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})

describe('a download that fails', () => {
  it('leaves nothing, or what arrived where that is wanted', async () => {
    const server = createServer((request, response) => {
      const headers = { etag: '"1"', 'content-length': '10', 'last-modified': new Date(0).toUTCString() }
      response.writeHead(request.headers.range === undefined ? 200 : 404, headers)
      if (request.method === 'HEAD') response.end()
      else response.write('12345', () => response.destroy())
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const storage = storageOf(entryOf('S3', hostOf(url)), {}, { maxAttempts: 1 })
    const object = { container: 'media', name: 'cut.bin' }
    const [gone, kept] = [join(folder, 'gone.bin'), join(folder, 'kept.bin')]
    try {
      await expect(storage.driver.downloadObject(object, gone)).rejects.toThrow()
      await expect(storage.driver.downloadObject(object, kept, { deleteOnFailure: false })).rejects.toThrow()
      expect(await readFile(kept, 'utf8')).toBe('12345')
      expect((await readdir(folder)).filter(file => /gone|\.holdall|tmp/.test(file))).toEqual([])
    } finally {
      await storage.close()
      server.closeAllConnections()
      server.close()
    }
  })
})
