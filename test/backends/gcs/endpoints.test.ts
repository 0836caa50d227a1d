import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { gcsEndpoint, sessionTarget } from '../../../src/backends/gcs/endpoint.ts'
import { GcsStorage } from '../../../src/backends/gcs/index.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import type { Scripted } from '../../support/scripted-client.ts'
import { scripted } from './scripted.ts'
import { at, storageWith } from './support.ts'

const server = await startStrictGcs()
const elsewhere = await startStrictGcs({ sessionOrigin: 'http://other.example' })
afterAll(() => Promise.all([server.close(), elsewhere.close()]))
beforeEach(() => {
  server.requests.length = 0
})

const { host } = new URL(server.url)

describe('STORAGE_EMULATOR_HOST', () => {
  it.each([
    host,
    `http://${host}`,
    `http://${host}/`,
    `http://${host}/storage/v1`,
    `http://${host}/storage/v1/`,
    `${host}/storage/v1`,
  ])('as %s is where metadata, listings, uploads, downloads and batches go', async given => {
    const options = {
      bucketName: 'media',
      credentials: server.keyFile(),
      multipartThreshold: 262_144,
      blobChunkSize: 262_144,
    }
    const storage = new GcsStorage(options, { settings: {}, env: { STORAGE_EMULATOR_HOST: given } })
    await storage.save('small.txt', 'text')
    await storage.save('large.bin', Buffer.alloc(600_000))
    expect((await storage.stat('small.txt')).size).toBe(4)
    expect((await storage.readBytes('large.bin')).length).toBe(600_000)
    expect((await storage.listdir(''))[1].sort()).toEqual(['large.bin', 'small.txt'])
    await storage.deleteMany(['small.txt', 'large.bin'])
    const seen = new Set(server.requests.map(({ operation }) => operation))
    for (const each of [
      'objects.insert',
      'objects.insert.part',
      'objects.get',
      'xml.getObject',
      'objects.list',
      'batch',
    ]) {
      expect(seen).toContain(each)
    }
    await storage.close()
  })

  it.each([
    ['https://emulator.example', { scheme: 'https', host: 'emulator.example', path: '' }],
    ['emulator:4443', { scheme: 'http', host: 'emulator:4443', path: '' }],
  ])('%s keeps its scheme', (given, found) => {
    expect(gcsEndpoint(null, given)).toMatchObject({ ...found, isEmulator: true })
  })

  it('loses against endpointUrl', () => {
    expect(gcsEndpoint('https://proxy.example/gcs/', host)).toMatchObject({
      host: 'proxy.example',
      path: '/gcs',
      isEmulator: false,
    })
    expect(gcsEndpoint(null, undefined)).toMatchObject({ scheme: 'https', host: 'storage.googleapis.com' })
  })
})

it('deletes files of an emulator, which answers 200 where the service answers 204', async () => {
  const answer = ({ url }: { readonly url: string }): Scripted => {
    if (!url.includes('/batch')) return { json: {} }
    const part = (at: number) => `--b\r\ncontent-id: <response-${at}>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}\r\n`
    const headers = { 'content-type': 'multipart/mixed; boundary=b' }
    return { status: 200, headers, body: `${part(0)}${part(1)}--b--` }
  }
  const emulated = scripted(answer, {}, { STORAGE_EMULATOR_HOST: 'emulator:4443' })
  await emulated.delete('a')
  expect(await emulated.deleteMany(['a', 'b'])).toMatchObject({ deleted: 2, errors: [] })
  const service = scripted(answer)
  await expect(service.delete('a')).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  expect(await service.deleteMany(['a', 'b'])).toMatchObject({ deleted: 0 })
})

it('endpointUrl, with a path, holds for every request: simple and resumable uploads, reads, listings, copies and batches', async () => {
  const base = 'http://proxy.test:8080/gcs'
  const object = { kind: 'storage#object', name: 'a', generation: '1', size: '300000' }
  const files = scripted(
    ({ method, url, headers }) => {
      const location = 'https://storage.googleapis.com/upload/storage/v1/b/media/o?upload_id=1'
      if (url.includes('uploadType=resumable')) return { status: 200, headers: { location } }
      if (method === 'PUT') {
        const last = /^bytes \d+-(\d+)\/\*$/.exec(headers['content-range']!)?.[1]
        return last === undefined ? { json: object } : { status: 308, headers: { range: `bytes=0-${last}` } }
      }
      if (url.endsWith('/gcs/media/a')) return { status: 200, headers: { 'x-goog-generation': '1' }, body: 'text' }
      if (url.includes('/rewriteTo/')) return { json: { done: true, resource: object } }
      if (url.includes('/b/media/o?')) return { json: { ...object, kind: 'storage#objects' } }
      return method === 'DELETE' ? { status: 204 } : { json: object }
    },
    { endpointUrl: `${base}/`, multipartThreshold: 100_000, blobChunkSize: 262_144 },
  )
  await files.save('a', Buffer.alloc(300_000), { overwrite: true })
  await files.readText('a')
  await files.listdir('')
  await files.copy('a', 'b', { overwrite: true })
  await files.deleteMany(['a']).catch(() => undefined)
  await files.delete('a')
  const paths = files.asked.map(({ url }) => url)
  expect(paths.filter(url => !url.startsWith(`${base}/`))).toEqual([])
  for (const part of ['/upload/', 'upload_id=1', '/media/a', '/storage/v1/b/media/o?', '/rewriteTo/', '/batch/']) {
    expect(paths.some(url => url.includes(part))).toBe(true)
  }
})

describe('the address of a session', () => {
  it('that names another host is asked for at the endpoint, and no token goes there', async () => {
    const storage = storageWith({ ...at(elsewhere), multipartThreshold: 0, blobChunkSize: 262_144 })
    await storage.save('large.bin', Buffer.alloc(600_000))
    expect((await storage.stat('large.bin')).size).toBe(600_000)
    await storage.close()
  })

  it('that is no address of a session is refused, with both hosts named', () => {
    const endpoint = gcsEndpoint('https://proxy.example/gcs', undefined)
    expect(sessionTarget('https://storage.googleapis.com/upload/x?upload_id=1', endpoint)).toBe('/upload/x?upload_id=1')
    expect(sessionTarget('https://proxy.example/gcs/upload/x?upload_id=1', endpoint)).toBe('/upload/x?upload_id=1')
    expect(() => sessionTarget('https://evil.example/steal', endpoint)).toThrow(/proxy\.example.*evil\.example/)
  })
})
