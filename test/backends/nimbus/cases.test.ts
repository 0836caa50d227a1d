/** The cases of Nimbus.io, each by its name, on the strict server. */
import { createHash } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { HttpClient } from '../../../src/http/request.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { nodeTrouble, startStrictNimbus } from '../../servers/strict-nimbus.ts'
import { at, driverFor, emptied, KIB_64, storageWith } from './support.ts'

const server = await startStrictNimbus({
  collections: [
    'media',
    { name: 'kept', versioning: true },
    { name: 'open', accessControl: { version: '1.0', allow_unauth_read: true } },
  ],
})
const old = await startStrictNimbus({ oldCollections: true, oldCreateStatus: true, deletesFull: true })
const twice = await startStrictNimbus({ decodesTwice: true })
afterAll(() => Promise.all([server.close(), old.close(), twice.close()]))
beforeEach(async () => {
  await emptied(server)(driverFor(server))
  server.requests.length = 0
})

const files = () => storageWith(at(server))
const operations = (): string[] => server.requests.map(({ operation }) => operation)

async function* streamed(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += 30_000) yield bytes.subarray(from, from + 30_000)
}

describe('Nimbus.io', () => {
  it('case 45: keys with a blank, plus, percent, question mark and é are signed as the server sees them', async () => {
    await using storage = files()
    for (const name of ['a b', 'a+b', 'a%20b', 'what?', 'é', 'a&b=c', 'dir/.../x', '%']) {
      expect(await storage.save(name, name)).toBe(name)
      expect(await storage.readText(name)).toBe(name)
      expect(await storage.size(name)).toBe(Buffer.byteLength(name))
      expect(server.collection().current(name)?.body.toString()).toBe(name)
      await storage.delete(name)
      expect(server.collection().current(name)).toBeUndefined()
    }
    expect(server.requests.every(({ status }) => status === 200 || status === 404)).toBe(true)
    expect(server.requests.every(({ username }) => username === 'alice')).toBe(true)
  })

  it.each([
    ['objects', server],
    ['lists of older servers', old],
  ] as const)('case 46: collections are created, listed and removed, as %s', async (_title, where) => {
    await using storage = storageWith(at(where))
    const names = async (): Promise<string[]> => (await storage.driver.listContainers()).map(({ name }) => name)
    const before = await names()
    expect(before).toContain('dd-alice')
    await storage.driver.createContainer('photos-2012')
    expect(await names()).toEqual([...before, 'photos-2012'])
    const listed = (await storage.driver.listContainers()).find(({ name }) => name === 'photos-2012')
    expect(Math.abs(+listed!.createdAt! - Date.now())).toBeLessThan(60_000)
    await expect(storage.driver.createContainer('photos-2012')).rejects.toMatchObject({ code: 'exists' })
    await using photos = storageWith(at(where, 'photos-2012'))
    await photos.createContainer()
    await photos.save('a', 'text')
    // The older server would remove it with its files.
    await expect(storage.driver.deleteContainer('photos-2012')).rejects.toMatchObject({ code: 'not_empty' })
    expect(await photos.readText('a')).toBe('text')
    await photos.delete('a')
    await storage.driver.deleteContainer('photos-2012')
    expect(await names()).toEqual(before)
    await expect(storage.driver.deleteContainer('photos-2012')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('case 48: uploads have their length and the MD5 of their bytes, and a wrong one is a checksum_mismatch', async () => {
    const client = new NodeClient({ connectTo: '127.0.0.1' })
    let isDamaged = false
    const damaging: HttpClient = {
      request: ({ body, ...request }, ctx) =>
        client.request({ ...request, body: isDamaged && body !== undefined ? Buffer.from('new tExt') : body }, ctx),
      close: () => client.close(),
    }
    const options = { ...at(server), maxAttempts: 1, fileOverwrite: true }
    await using storage = storageWith(options, { httpClient: damaging })
    await storage.save('a', 'old')
    const { headers } = server.requests[0]!
    expect([headers['content-length'], headers['content-md5']]).toEqual([
      '3',
      createHash('md5').update('old').digest('base64'),
    ])
    isDamaged = true
    await expect(storage.save('a', 'new text')).rejects.toMatchObject({
      code: 'checksum_mismatch',
      outcome: 'not_applied',
    })
    isDamaged = false
    expect(await storage.readText('a')).toBe('old')
  })

  it('case 49: a stream of unknown length goes in conjoined parts, with its metadata, and a short one alone', async () => {
    await using storage = storageWith(at(server), { driver: driverFor(server) })
    const bytes = Buffer.from(Array.from({ length: 3 * KIB_64 + 5 }, (_, index) => index % 251))
    await storage.save('large.bin', streamed(bytes), { metadata: { colour: 'blau & grün' }, contentType: 'text/x-odd' })
    expect(server.collection().current('large.bin')?.body.equals(bytes)).toBe(true)
    expect(operations().filter(name => /Conjoined|Archive/.test(name))).toEqual([
      'StartConjoined',
      ...Array<string>(4).fill('ArchiveKey'),
      'FinishConjoined',
    ])
    const parts = server.requests.filter(({ operation }) => operation === 'ArchiveKey')
    expect(parts.every(({ headers }) => headers['content-md5'] !== undefined)).toBe(true)
    expect(parts.every(({ headers }) => headers['transfer-encoding'] === undefined)).toBe(true)
    const { size, metadata, contentType } = await storage.stat('large.bin')
    expect({ size, metadata, contentType }).toEqual({
      size: bytes.length,
      metadata: { colour: 'blau & grün' },
      contentType: 'text/x-odd',
    })
    server.requests.length = 0
    await storage.save('short', streamed(Buffer.from('short')))
    expect(operations()).not.toContain('StartConjoined')
    expect(server.collection().openConjoined).toEqual([])
  })

  it('case 49: what failed in parts is aborted, and the old file stays', async () => {
    await using storage = storageWith(at(server), { driver: driverFor(server) })
    await storage.save('a', 'old', { overwrite: true })
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(2 * KIB_64 + 9, 'x')
      throw new Error('the source broke')
    }
    await expect(storage.save('a', broken(), { overwrite: true })).rejects.toMatchObject({ code: 'source_failed' })
    expect(server.collection().openConjoined).toEqual([])
    expect(await storage.readText('a')).toBe('old')
  })

  it.each([
    ['decodes once', server],
    ['decodes twice', twice],
  ] as const)('case 51: more keys than a page has are all listed, by a server that %s', async (_title, where) => {
    const names = Array.from(
      { length: 1003 },
      (_, index) => `many/${String(index).padStart(4, '0')}${index % 2 ? '+%41' : ' é'}`,
    )
    const archived = { version: 'v', body: Buffer.from('x'), archivedAt: Date.now(), meta: {} }
    for (const name of names) where.collection().put(name, archived)
    await using storage = storageWith(at(where))
    const [folders, found] = await storage.listdir('many')
    expect([folders, found.map(name => `many/${name}`)]).toEqual([[], names.toSorted()])
    const pages: number[] = []
    let token: string | undefined
    do {
      const page = await storage.page('many', { limit: 501, token })
      pages.push(page.entries.length)
      token = page.next
    } while (token !== undefined)
    expect(pages).toEqual([501, 501, 1])
    where.collection().keys.clear()
  })

  it('case 51: a folder whose name the database takes for a pattern is listed page by page', async () => {
    const small = await startStrictNimbus({ pageSize: 1, collation: 'en' })
    await using storage = storageWith(at(small))
    const names = ['a_b/1', 'aXb/1', 'a_b/2', 'a%b/3', 'a_b/c/4']
    for (const name of names) await storage.save(name, name)
    expect(await storage.listdir('a_b')).toEqual([['c'], ['1', '2']])
    expect(await storage.listdir('a%b')).toEqual([[], ['3']])
    const [folders] = await storage.listdir('')
    expect(folders.toSorted()).toEqual(['a%b', 'aXb', 'a_b'])
    await small.close()
  })

  it('case 52: a folder shows its folders and files, and sizes are those of HEAD where they are asked for', async () => {
    await using storage = files()
    for (const name of ['d/one', 'd/two.txt', 'd/sub/three', 'd/sub/four', 'dx', 'e/f/g'])
      await storage.save(name, name)
    server.requests.length = 0
    expect(await storage.listdir('')).toEqual([['d', 'e'], ['dx']])
    expect(await storage.listdir('d')).toEqual([['sub'], ['one', 'two.txt']])
    expect(operations()).toEqual(['ListKeys', 'ListKeys'])
    expect((await storage.page('d')).entries.map(({ size }) => size)).toEqual([0, Number.NaN, Number.NaN])
    await using sizes = storageWith({ ...at(server), listSizes: true })
    expect((await sizes.page('d')).entries.map(({ name, size }) => [name, size])).toEqual([
      ['d/sub', 0],
      ['d/one', 5],
      ['d/two.txt', 9],
    ])
    expect(operations().filter(name => name === 'HeadKey')).toHaveLength(2)
  })

  it('case 54: an unknown collection and wrong keys are both reported as either', async () => {
    for (const wrong of [{ collection: 'nowhere' }, { key: 'another key' }, { user: 'bob' }, { keyId: 7 }]) {
      await using storage = storageWith({ ...at(server), ...wrong, maxAttempts: 1 })
      const error = await storage.listdir('').catch(reason => reason)
      expect(error).toMatchObject({ code: 'permission_denied', status: 401 })
      expect(error.message).toContain(`the credentials or the collection '${storage.options.collection}'`)
      expect(error.message).not.toContain(storage.options.key)
      await expect(storage.exists('a')).rejects.toMatchObject({ code: 'permission_denied' })
    }
  })

  it('case 55: a 503 is waited for as Retry-After says, and the request is made again', async () => {
    await using storage = files()
    server.faults.add({ operation: 'ArchiveKey', fault: nodeTrouble(0) })
    await storage.save('a', 'text')
    expect(operations().filter(name => name === 'ArchiveKey')).toHaveLength(2)
    expect(await storage.readText('a')).toBe('text')
    await using impatient = storageWith({ ...at(server), maxAttempts: 1 })
    server.faults.add({ operation: 'DeleteKey', fault: nodeTrouble(120) })
    await expect(impatient.delete('a')).rejects.toMatchObject({
      code: 'unavailable',
      status: 503,
      retryAfterMs: 120_000,
    })
  })

  it('case 57: a file without bytes is refused clearly, and nothing is sent or changed', async () => {
    await using storage = storageWith(at(server), { driver: driverFor(server) })
    await storage.save('a', 'old')
    server.requests.length = 0
    const none = async function* (): AsyncGenerator<Uint8Array> {}
    for (const content of ['', none()]) {
      await expect(storage.save('a', content, { overwrite: true })).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringContaining('Nimbus.io stores no empty files'),
      })
    }
    expect(server.requests).toEqual([])
    expect(await storage.readText('a')).toBe('old')
  })

  it('case 58: connections go to the host of the options, and `Host` names the collection, the domain and the port', async () => {
    await using storage = files()
    await storage.save('a', 'text')
    await storage.driver.listContainers()
    expect(new Set(server.requests.map(({ host }) => host))).toEqual(
      new Set([`media.nimbus.io:${server.port}`, `nimbus.io:${server.port}`]),
    )
    // Names below localhost need no such option.
    const local = await startStrictNimbus({ domain: 'localhost' })
    await using named = storageWith({ ...at(local), host: null })
    await named.save('a', 'text')
    expect(local.requests.every(({ host }) => host === `media.localhost:${local.port}`)).toBe(true)
    await local.close()
  })

  it('keeps versions, which are listed, read and removed', async () => {
    await using storage = storageWith({ ...at(server, 'kept'), fileOverwrite: true })
    for (const text of ['first', 'second!', 'third one']) await storage.save('a', text)
    await storage.save('ab', 'neighbour')
    const versions = await storage.versions('a')
    const texts: string[] = []
    for (const { versionId } of versions) {
      await using file = await storage.open('a', 'r', { versionId })
      texts.push(await file.read())
      expect((await storage.stat('a', { versionId })).size).toBe(texts.at(-1)!.length)
    }
    expect(texts.toSorted()).toEqual(['first', 'second!', 'third one'])
    const first = versions[texts.indexOf('first')]!.versionId
    await storage.deleteVersion('a', first)
    expect((await storage.versions('a')).map(({ versionId }) => versionId)).not.toContain(first)
    await expect(storage.open('a', 'r', { versionId: first })).rejects.toMatchObject({ code: 'not_found' })
    expect(await storage.versions('none')).toEqual([])
  })

  it('has URLs of a collection that anybody may read, and they work', async () => {
    await using storage = storageWith({ ...at(server, 'open'), publicRead: true })
    await storage.save('dir/a é+%.txt', 'public')
    const url = new URL(await storage.url('dir/a é+%.txt'))
    expect(url.host).toBe(`open.nimbus.io:${server.port}`)
    // No signature goes with it.
    const client = new NodeClient({ connectTo: '127.0.0.1' })
    const { status, body } = await client.request({ method: 'GET', url: url.href, headers: {} }, plainContext())
    expect([status, Buffer.concat(await body.stream().toArray()).toString()]).toEqual([200, 'public'])
    await client.close()
  })

  it('copies a file with its metadata, also to another storage', async () => {
    await using storage = files()
    const attributes = { metadata: { owner: 'Grüße' }, cacheControl: 'max-age=5', contentType: 'text/x-odd' }
    await storage.save('a', 'text', attributes)
    await using other = storageWith(at(server, 'open'))
    await storage.copy('a', 'b', { storage: other })
    expect(await other.stat('b')).toMatchObject({ size: 4, ...attributes })
    await storage.edit('a', 'a', file => file.write(' and more'))
    expect(await storage.stat('a')).toMatchObject({ size: 13, ...attributes })
  })
})
