/** Files that our storage and the official client give each other, with all that goes with them. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, describe, expect, test } from 'vitest'
import type { GcsOptions } from '../../../src/backends/gcs/index.ts'
import { bytesContent } from '../../../src/core/content.ts'
import type { Input } from '../../../src/core/settings.ts'
import { officialClient } from '../../servers/strict-gcs/official.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { at, KIB_256, storageWith } from './support.ts'

const server = await startStrictGcs({ rewriteBytes: KIB_256 })
afterAll(() => server.close())
const bucket = officialClient(server).bucket('media')

const names = ["folder ü/a b+c%2E#?&='!.txt", '日本/🙂', 'empty']
const attributes = {
  contentType: 'text/odd; charset=utf-8',
  cacheControl: 'max-age=7',
  contentDisposition: 'attachment; filename="a.txt"',
  contentLanguage: 'de-DE',
}
const metadata = { plain: 'a value', under_score: 'x', colour: 'grün' }
/** The XML API of ours writes other characters as RFC 2047 words, which no other client reads. */
const ascii = { ...metadata, colour: 'green' }
const customTime = '2026-01-02T03:04:05.000Z'
const sizesOf = (name: string): number[] => (name === 'empty' ? [0] : [20, 3 * KIB_256 + 5])
const inParts = { multipartThreshold: 100, blobChunkSize: KIB_256 }

const hmac = { hmacKeyId: server.hmac.accessId, hmacSecret: server.hmac.secret }
const ways: Readonly<Record<string, Input<GcsOptions>>> = {
  'by the JSON API': {},
  'by the XML API': hmac,
  'by the XML API and the old signature': { ...hmac, hmacSignature: 'GOOG1' },
}

describe.each(Object.entries(ways))('%s', (_, way) => {
  test.each(names)('ours are read by the official client, with all headers: %j', async name => {
    await using files = storageWith({ ...at(server), ...way, ...inParts })
    const own = way.hmacKeyId === undefined ? metadata : ascii
    for (const size of sizesOf(name)) {
      const bytes = Buffer.alloc(size, 'pattern')
      const extra = { custom_time: customTime, storage_class: 'NEARLINE' }
      await files.save(name, bytes, { ...attributes, metadata: own, extra, overwrite: true })
      const file = bucket.file(name)
      const [downloaded] = await file.download({ validation: 'crc32c' })
      expect(downloaded.equals(bytes)).toBe(true)
      const [found] = await file.getMetadata()
      expect(found).toMatchObject({
        ...attributes,
        metadata: own,
        customTime,
        storageClass: 'NEARLINE',
        size: String(size),
      })
      const { etag, modifiedAt } = await files.stat(name)
      expect(etag).toBe(found.generation)
      expect(Math.abs(modifiedAt!.getTime() - Date.parse(found.updated!))).toBeLessThan(1000)
    }
  })

  test.each(names)('its are read by us, with all headers: %j', async name => {
    await using files = storageWith({ ...at(server), ...way })
    for (const size of sizesOf(name)) {
      const bytes = Buffer.alloc(size, 'official')
      const resource = { ...attributes, metadata: { ...metadata, Mixed: 'case' }, storageClass: 'COLDLINE' }
      const file = bucket.file(name)
      const [uri] = size > 100 ? await file.createResumableUpload({ metadata: resource }) : []
      if (uri === undefined) await file.save(bytes, { resumable: false, metadata: resource })
      else await pipeline(Readable.from([bytes]), file.createWriteStream({ uri, chunkSize: KIB_256 }))
      expect((await files.readBytes(name)).equals(bytes)).toBe(true)
      const stat = await files.stat(name)
      expect(stat).toMatchObject({ ...attributes, size, storageClass: 'COLDLINE' })
      expect(stat.metadata).toEqual({ ...metadata, mixed: 'case' })
      if (size > 0) expect((await files.readBytes(name, { start: 3, end: 9 })).toString()).toBe('icialof'.slice(0, 6))
    }
    const listed: string[] = []
    for await (const entry of files.entries('', { recursive: true })) listed.push(entry.name)
    expect(listed).toContain(name)
  })

  test('packed files are the same stored bytes to both', async () => {
    await using files = storageWith({ ...at(server), ...way })
    await using packing = storageWith({ ...at(server), ...way, gzip: true })
    const text = 'body { color: red }'.repeat(99)
    await packing.save('ours.css', text, { overwrite: true })
    expect((await bucket.file('ours.css').download())[0].toString()).toBe(text)
    await bucket.file('its.css').save(text, { gzip: true, resumable: false, metadata: { contentType: 'text/css' } })
    expect(await packing.readText('its.css')).toBe(text)
    expect((await files.stat('its.css')).contentEncoding).toBe('gzip')
    const stored = (await server.bucket().live('its.css'))!.body
    await using file = await files.open('its.css')
    expect(await file.size()).toBe(stored.length)
  })
})

describe('a copy', () => {
  const source = async (): Promise<void> => {
    const resource = { ...attributes, metadata: { Mixed: 'case' }, customTime }
    await bucket.file('source').save(Buffer.alloc(3 * KIB_256, 'x'), { resumable: false, metadata: resource })
  }

  test('is the same to the official client, with everything that the source has', async () => {
    await source()
    await using files = storageWith(at(server))
    await files.copy('source', 'same', { overwrite: true })
    const [found] = await bucket.file('same').getMetadata()
    expect(found).toMatchObject({ ...attributes, metadata: { Mixed: 'case' }, customTime })
  })

  test('with one changed attribute keeps the others, the custom time and the spelling of metadata', async () => {
    await source()
    await using files = storageWith(at(server))
    await files.copy('source', 'changed', { overwrite: true, cacheControl: 'no-store' })
    const [found] = await bucket.file('changed').getMetadata()
    expect(found).toMatchObject({ ...attributes, cacheControl: 'no-store', metadata: { Mixed: 'case' }, customTime })
  })

  test('takes parameters of its own, and the storage class of the storage', async () => {
    await source()
    await using files = storageWith({
      ...at(server),
      objectParameters: { storage_class: 'ARCHIVE', cache_control: 'of-the-storage' },
    })
    const extra = { custom_time: '2027-01-01T00:00:00.000Z', temporary_hold: true, content_language: 'fr' }
    await files.copy('source', 'own', { overwrite: true, extra, metadata: { other: 'x' } })
    const [found] = await bucket.file('own').getMetadata()
    expect(found).toMatchObject({
      ...attributes,
      contentLanguage: 'fr',
      customTime: '2027-01-01T00:00:00.000Z',
      storageClass: 'ARCHIVE',
      temporaryHold: true,
      metadata: { other: 'x' },
    })
    expect(found.metadata).not.toHaveProperty('Mixed')
    await expect(files.delete('own')).rejects.toMatchObject({ code: 'permission_denied' })
    await bucket.file('own').setMetadata({ temporaryHold: false })
  })
})

test('generations are its versions, and its conditions meet ours', async () => {
  await using files = storageWith(at(server))
  await files.save('versioned', 'one', { overwrite: true })
  const { etag } = await files.stat('versioned')
  await bucket
    .file('versioned')
    .save('two', { resumable: false, preconditionOpts: { ifGenerationMatch: Number(etag) } })
  const changed = files.calls.driver.write(
    'versioned',
    bytesContent(Buffer.from('three')),
    { ifMatch: etag! },
    files.calls.context({}),
  )
  await expect(changed).rejects.toMatchObject({ code: 'precondition_failed' })
  const taken = bucket.file('versioned').save('x', { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } })
  await expect(taken).rejects.toMatchObject({ code: 412 })
  expect(await files.readText('versioned')).toBe('two')
})
