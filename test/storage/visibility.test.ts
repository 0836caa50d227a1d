import { afterAll, describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import type { Visibility } from '../../src/core/driver.ts'
import { at, driverFor, hmacKey, storageWith } from '../backends/gcs/support.ts'
import { startStrictGcs } from '../servers/strict-gcs.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { NOWHERE } from './strict-places.ts'

const s3 = await startStrictS3({ buckets: ['media', { name: 'enforced', ownershipEnforced: true }] })
const gcs = await startStrictGcs({ buckets: ['media', { name: 'uniform', uniform: true }] })
afterAll(() => Promise.all([s3.close(), gcs.close()]))

const s3Storage = (bucketName: string): S3Storage => {
  const { url: endpointUrl, region: regionName, credentials } = s3
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = credentials
  return new S3Storage({ endpointUrl, regionName, bucketName, accessKey, secretKey, querystringAuth: false }, NOWHERE)
}
const gcsStorage = (bucketName: string) => storageWith({ ...at(gcs), bucketName, querystringAuth: false })

describe.each([
  ['S3', s3Storage, 'enforced', /Object Ownership/],
  ['Google', gcsStorage, 'uniform', /uniform bucket-level access/],
] as const)('%s', (_, open, without, reason) => {
  const storage = open('media')
  afterAll(() => storage.close())

  it('a file is private, public when that is set, and private again; anybody can read it meanwhile', async () => {
    await storage.save('a b/ü.txt', 'text', { overwrite: true })
    const url = await storage.url('a b/ü.txt')
    const statusOf = async () => (await fetch(url)).status
    expect(storage.supports('visibility')).toBe(true)
    expect([await storage.visibility('a b/ü.txt'), await statusOf()]).toEqual(['private', 403])
    for (let times = 0; times < 2; times++) await storage.setVisibility('a b/ü.txt', 'public')
    expect([await storage.visibility('a b/ü.txt'), await statusOf()]).toEqual(['public', 200])
    for (let times = 0; times < 2; times++) await storage.setVisibility('a b/ü.txt', 'private')
    expect([await storage.visibility('a b/ü.txt'), await statusOf()]).toEqual(['private', 403])
    expect(await storage.readText('a b/ü.txt')).toBe('text')
  })

  it('a missing file is not_found, another word invalid_argument', async () => {
    await expect(storage.visibility('missing')).rejects.toMatchObject({ code: 'not_found', fileName: 'missing' })
    for (const visibility of ['public', 'private'] as const)
      await expect(storage.setVisibility('missing', visibility)).rejects.toMatchObject({ code: 'not_found' })
    await expect(storage.setVisibility('a', 'open' as Visibility)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining("'public' or 'private'"),
    })
    await expect(storage.visibility('../a')).rejects.toMatchObject({ code: 'suspicious_name' })
    await expect(storage.visibility('a', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    await expect(storage.visibility('a', { sginal: 1 } as object)).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('a bucket without rules of single files is unsupported', async () => {
    await using bucket = open(without)
    await bucket.save('a.txt', 'text')
    const unsupported = { code: 'unsupported', message: expect.stringMatching(reason) }
    await expect(bucket.setVisibility('a.txt', 'public')).rejects.toMatchObject(unsupported)
  })
})

it('an ACL of somebody else, and one that only writes, make no file public', async () => {
  await using storage = s3Storage('media')
  await storage.save('b.txt', 'text', { extra: { ACL: 'authenticated-read' }, overwrite: true })
  expect(await storage.visibility('b.txt')).toBe('private')
})

it('is unsupported without access rules of files', async () => {
  const memory = new MemoryStorage({}, NOWHERE)
  await memory.save('a', 'x')
  expect(memory.supports('visibility')).toBe(false)
  await expect(memory.visibility('a')).rejects.toMatchObject({ code: 'unsupported', fileName: 'a' })
  await expect(memory.setVisibility('a', 'public')).rejects.toMatchObject({ code: 'unsupported' })
  await using hmac = storageWith({ ...at(gcs) }, { driver: driverFor(gcs, hmacKey(gcs, 'GOOG4')) })
  expect(hmac.supports('visibility')).toBe(false)
})
