import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { gcsEndpoint, sessionTarget } from '../../../src/backends/gcs/endpoint.ts'
import { GcsStorage } from '../../../src/backends/gcs/index.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
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
