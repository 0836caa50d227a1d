import { afterAll, describe, expect, it } from 'vitest'
import { type S3Options, S3Storage } from '../../src/backends/s3/index.ts'
import type { Input } from '../../src/core/settings.ts'
import type { Storage } from '../../src/storage/storage.ts'
import * as azure from '../backends/azure/support.ts'
import * as dropbox from '../backends/dropbox/support.ts'
import * as gcs from '../backends/gcs/support.ts'
import * as swift from '../backends/swift/support.ts'
import { startStrictAzure } from '../servers/strict-azure.ts'
import { startStrictDropbox } from '../servers/strict-dropbox.ts'
import { startStrictGcs } from '../servers/strict-gcs.ts'
import { type StrictS3, startStrictS3 } from '../servers/strict-s3.ts'
import { startStrictSwift } from '../servers/strict-swift.ts'
import { isFull } from '../support/sampled.ts'

const ends: Array<() => Promise<unknown>> = []
afterAll(() => Promise.all(ends.map(end => end())))

/** A server that is ended with the tests. */
async function started<T extends { close(): Promise<unknown> }>(server: Promise<T>): Promise<T> {
  const found = await server
  ends.push(() => found.close())
  return found
}

interface Place {
  readonly storage: Storage
  readonly requests: { length: number } & Iterable<unknown>
}

const keeps = { location: 'files', fileOverwrite: false }
const s3 = await started(startStrictS3())
const ignoring = await started(startStrictS3({ ignoreConditions: true }))

let count = 0

function s3At(server: StrictS3, options: Input<S3Options>): () => Promise<Place> {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const at = { endpointUrl: server.url, regionName: server.region, bucketName: 'media', accessKey, secretKey }
  return async () => ({
    storage: new S3Storage({ ...at, ...keeps, location: `place-${count++}`, ...options }, { settings: {}, env: {} }),
    requests: server.requests,
  })
}

const places: Readonly<Record<string, () => Promise<Place>>> = {
  's3 of Amazon': s3At(s3, { provider: 'aws' }),
  's3 of R2': s3At(s3, { provider: 'r2', accountId: 'a' } as never),
  's3 of another service that honours conditions': s3At(s3, {}),
  's3 of MinIO': s3At(s3, { provider: 'minio' }),
  's3 of Ceph': s3At(s3, { provider: 'ceph' }),
  's3 of Wasabi, which ignores conditions': s3At(ignoring, { provider: 'wasabi' }),
  's3 of DigitalOcean, which ignores conditions': s3At(ignoring, { provider: 'digitalocean' }),
  async azure() {
    const server = await started(startStrictAzure())
    return {
      storage: azure.storageWith({ connectionString: server.connectionString, azureContainer: 'media', ...keeps }),
      requests: server.requests as never,
    }
  },
  async gcs() {
    const server = await started(startStrictGcs())
    return { storage: gcs.storageWith({ ...gcs.at(server), ...keeps }), requests: server.requests as never }
  },
  async 'gcs with an HMAC key'() {
    const server = await started(startStrictGcs())
    const { accessId: hmacKeyId, secret: hmacSecret } = server.hmac
    const at = { endpointUrl: server.url, hmacKeyId, hmacSecret }
    return { storage: gcs.storageWith({ ...at, ...keeps }), requests: server.requests as never }
  },
  async swift() {
    const server = await started(startStrictSwift())
    return { storage: swift.storageWith({ ...swift.at(server), ...keeps }), requests: server.requests as never }
  },
  async dropbox() {
    const server = await started(startStrictDropbox())
    return {
      storage: dropbox.storageWith({ ...dropbox.at(server), fileOverwrite: false }),
      requests: server.requests as never,
    }
  },
}

const FILES = isFull ? 20 : 5

describe('a copy of a small file without overwriting costs at most two requests', () => {
  it.each(Object.entries(places))('on %s', async (_name, make) => {
    const { storage, requests } = await make()
    ends.push(() => storage.close())
    await storage.save('from/first', 'first')
    // What is found out once, is.
    await storage.copy('from/first', 'to/first')
    for (let at = 0; at < FILES; at++)
      await storage.save(`from/${at}`, `file ${at}`, {
        metadata: storage.supports('metadata') ? { at: `${at}` } : undefined,
      })
    requests.length = 0
    for (let at = 0; at < FILES; at++) expect(await storage.copy(`from/${at}`, `to/${at}`)).toBe(`to/${at}`)
    const sent = [...requests].map(request => {
      const { method, operation, path, url } = request as Record<string, unknown>
      return operation ?? `${method} ${path ?? url}`
    })
    expect(sent.length, JSON.stringify(sent.slice(0, 8))).toBeLessThanOrEqual(2 * FILES)
    expect(await storage.readText('to/4')).toBe('file 4')
    if (storage.supports('metadata')) expect((await storage.stat('to/4')).metadata).toEqual({ at: '4' })
    // A taken name is kept.
    const other = await storage.copy('from/1', 'to/2')
    expect(other).not.toBe('to/2')
    expect([await storage.readText(other), await storage.readText('to/2')]).toEqual(['file 1', 'file 2'])
  })
})
