import { PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, expect, test } from 'vitest'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { scripted, storageOf } from './scripted.ts'

const server = await startStrictS3()
const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
const place = { endpointUrl: server.url, regionName: server.region, bucketName: 'media', accessKey, secretKey }
const files = new S3Storage(place, { settings: {}, env: {} })
afterAll(async () => {
  await files.close()
  await server.close()
})

test('an old version has its own size and bytes, is read in every way and cannot be written', async () => {
  const { url: endpoint, region, credentials } = server
  const official = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await official.send(new PutBucketVersioningCommand({ Bucket: 'media', VersioningConfiguration }))
  official.destroy()

  await files.save('doc', 'the first')
  const { versionId } = await files.stat('doc')
  await files.save('doc', 'second')
  expect(versionId).toEqual(expect.any(String))
  expect((await files.stat('doc')).versionId).not.toBe(versionId)
  expect(await files.stat('doc', { versionId })).toMatchObject({ size: 9, versionId })

  await using file = await files.open('doc', 'r', { versionId })
  await file.seek(4)
  expect(await file.read()).toBe('first')
  const chunks = await files.createReadStream('doc', { versionId, start: 4 }).toArray()
  expect(Buffer.concat(chunks).toString()).toBe('first')
  await expect(files.open('doc', 'r+', { versionId })).rejects.toMatchObject({ code: 'unsupported_mode' })

  await files.delete('doc')
  expect(await files.exists('doc')).toBe(false)
  expect(await (await files.open('doc', 'r', { versionId })).read()).toBe('the first')
})

test('a storage without versions refuses them instead of giving the newest', async () => {
  const memory = new MemoryStorage()
  await memory.save('doc', 'x')
  expect([memory.supports('versions'), files.supports('versions')]).toEqual([false, true])
  const refused = { code: 'unsupported', message: expect.stringContaining("keeps no versions of 'doc'") }
  await expect(memory.stat('doc', { versionId: '1' })).rejects.toMatchObject(refused)
  await expect(memory.open('doc', 'r', { versionId: '1' })).rejects.toMatchObject(refused)
  await expect(memory.createReadStream('doc', { versionId: '1' }).toArray()).rejects.toMatchObject(refused)
})

test('a version that is a delete marker is no file', async () => {
  await using marked = await scripted(({ method }, response) => {
    response.writeHead(405, { 'x-amz-delete-marker': 'true', allow: 'DELETE' })
    response.end(method === 'HEAD' ? '' : '<Error><Code>MethodNotAllowed</Code></Error>')
  })
  await using odd = storageOf(marked.options)
  await expect(odd.stat('a', { versionId: 'v1' })).rejects.toMatchObject({ code: 'not_found', status: 405 })
  await expect(odd.open('a', 'r', { versionId: 'v1' })).rejects.toMatchObject({ code: 'not_found' })
})
