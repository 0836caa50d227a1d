/** The policy of the recipe allows what Holdall sends, and nothing else. */
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'

const page = readFileSync(new URL('../../docs/recipes/iam-policy.md', import.meta.url), 'utf8')
const policy = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)![1]!) as {
  Statement: ReadonlyArray<{ Sid: string; Action: readonly string[]; Resource: string }>
}

/**
 * The actions that each operation of the API needs, on the bucket or on the object
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html).
 */
const OBJECT_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  GetObject: ['s3:GetObject'],
  HeadObject: ['s3:GetObject'],
  PutObject: ['s3:PutObject'],
  CreateMultipartUpload: ['s3:PutObject'],
  UploadPart: ['s3:PutObject'],
  CompleteMultipartUpload: ['s3:PutObject'],
  UploadPartCopy: ['s3:GetObject', 's3:PutObject'],
  CopyObject: ['s3:GetObject', 's3:PutObject'],
  DeleteObject: ['s3:DeleteObject'],
  DeleteObjects: ['s3:DeleteObject'],
  AbortMultipartUpload: ['s3:AbortMultipartUpload'],
  ListParts: ['s3:ListMultipartUploadParts'],
}
const BUCKET_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  ListObjectsV2: ['s3:ListBucket'],
  HeadBucket: ['s3:ListBucket'],
  ListMultipartUploads: ['s3:ListBucketMultipartUploads'],
}

const server = await startStrictS3({ buckets: [{ name: 'my-bucket', versioning: true }] })
const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
const options = { endpointUrl: server.url, regionName: server.region, accessKey, secretKey, bucketName: 'my-bucket' }
const small = { multipartThreshold: 5 << 20, partSize: 5 << 20 }
const storage = new S3Storage({ ...options, ...small }, { settings: {}, env: {} })
afterAll(() => Promise.all([storage.close(), server.close()]))

/** What was asked, as actions; the extra ones are those of parameters. */
function asked() {
  const objects = new Set<string>()
  const bucket = new Set<string>()
  for (const { operation, method, url, headers } of server.requests) {
    const [own, onBucket] = [OBJECT_ACTIONS[operation], BUCKET_ACTIONS[operation]]
    if (own === undefined && onBucket === undefined) throw new Error(`${method} ${url}: ${operation}`)
    for (const action of own ?? []) objects.add(action)
    for (const action of onBucket ?? []) bucket.add(action)
    if (headers['x-amz-acl'] !== undefined) objects.add('s3:PutObjectAcl')
    if (headers['x-amz-tagging'] !== undefined) objects.add('s3:PutObjectTagging')
    if (own?.includes('s3:GetObject') && /[?&]versionId=/.test(url)) objects.add('s3:GetObjectVersion')
  }
  server.requests.length = 0
  return { bucket: [...bucket].sort(), objects: [...objects].sort() }
}

/** The rows of a table, by the actions in the first column. */
const rows = (part: string): string[] =>
  part
    .split('\n')
    .filter(line => line.startsWith('| `'))
    .flatMap(line => Array.from(line.split('|')[1]!.matchAll(/`([^`]+)`/g), ([, action]) => action!))

describe('the IAM policy of the recipe', () => {
  it('has the actions of all that an application does, and no other ones', async () => {
    const large = Buffer.alloc(11 << 20)
    const name = await storage.save('a.txt', 'a')
    await storage.save(name, 'a', { overwrite: false })
    await storage.save('large.bin', large)
    await storage.edit('a.txt', 'a', file => file.write('b'))
    await storage.copy('a.txt', 'b.txt')
    await storage.copy('a.txt', 'b.txt', { overwrite: false })
    await storage.copy('large.bin', 'copy.bin')
    await storage.move('b.txt', 'c.txt')
    expect(await storage.readText('c.txt')).toBe('ab')
    expect(await storage.exists('none')).toBe(false)
    await storage.stat('a.txt')
    for await (const _ of storage.entries('', { recursive: true }));
    await storage.url('a.txt')
    const failing = async function* () {
      yield large
      throw new Error('the client has gone')
    }
    await expect(storage.save('broken.bin', failing())).rejects.toMatchObject({ code: 'source_failed' })
    await storage.sweep()
    await storage.delete('c.txt')
    await storage.deleteMany(storage.entries('', { recursive: true }))
    const [bucket, objects] = policy.Statement
    expect(asked()).toEqual({ bucket: bucket!.Action.toSorted(), objects: objects!.Action.toSorted() })
    expect([bucket!.Resource, objects!.Resource]).toEqual(['arn:aws:s3:::my-bucket', 'arn:aws:s3:::my-bucket/*'])
  })

  it('has a row for each action', () => {
    const actions = policy.Statement.flatMap(({ Action }) => Action)
    expect(rows(page.split('## What needs more')[0]!).sort()).toEqual(actions.sort())
  })

  it('names what the actions of parameters are for', async () => {
    const before = { bucket: [], objects: ['s3:PutObject'] }
    await storage.save('tagged.txt', 'a')
    expect(asked()).toEqual(before)
    await storage.save('tagged.txt', 'a', { extra: { Tagging: { kind: 'note' }, ACL: 'private' } })
    const { versionId } = await storage.stat('tagged.txt')
    await storage.readText('tagged.txt', { versionId })
    const more = asked().objects.filter(action => !policy.Statement[1]!.Action.includes(action))
    expect(more).toEqual(['s3:GetObjectVersion', 's3:PutObjectAcl', 's3:PutObjectTagging'])
    expect(rows(page.split('## What needs more')[1]!)).toEqual(expect.arrayContaining(more))
  })

  it('is enough to read: two actions', async () => {
    const reader = new S3Storage({ ...options, readOnly: true }, { settings: {}, env: {} })
    await reader.readText('tagged.txt')
    await reader.listdir('')
    await reader.close()
    expect(asked()).toEqual({ bucket: ['s3:ListBucket'], objects: ['s3:GetObject'] })
  })
})
