/** The strict server, driven by the official SDK: each verb, and what the service refuses. */
import { randomUUID } from 'node:crypto'
import {
  AnonymousCredential,
  BlobBatch,
  BlobServiceClient,
  type BlockBlobClient,
  ContainerClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { type StrictAzure, startStrictAzure } from './strict-azure.ts'

const server = await startStrictAzure()
const versioned = await startStrictAzure({ versioning: true })
const folders = await startStrictAzure({ hierarchical: true })
afterAll(() => Promise.all([server, versioned, folders].map(one => one.close())))

const retryOptions = { maxTries: 1 }
function serviceOf({ account, accountKey, endpoint }: StrictAzure): BlobServiceClient {
  return new BlobServiceClient(endpoint, new StorageSharedKeyCredential(account, accountKey), { retryOptions })
}
const service = serviceOf(server)
const media = service.getContainerClient('media')

let count = 0
/** A name that is new. */
const fresh = (): BlockBlobClient => media.getBlockBlobClient(`folder ü/${++count} +%2E#?.txt`)
const saved = async (text = 'content'): Promise<BlockBlobClient> => {
  const blob = fresh()
  await blob.upload(text, Buffer.byteLength(text))
  return blob
}
/** Status and code of a refusal. */
const refused = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'not refused',
    error => `${error.statusCode} ${error.code ?? error.details?.errorCode}`,
  )
const textOf = async (blob: Pick<BlockBlobClient, 'downloadToBuffer'>): Promise<string> =>
  String(await blob.downloadToBuffer())

beforeEach(() => {
  server.faults.clear()
  server.plans.copies = { polls: 0, end: 'success' }
  server.plans.emptyPages = 0
})

describe('a blob', () => {
  test('comes back with everything that was sent with it', async () => {
    const blob = fresh()
    const put = await blob.upload('text', 4, {
      metadata: { Name_1: 'a b', a1: 'x', a_b: 'y' },
      tags: { project: 'one two' },
      tier: 'Cool',
      blobHTTPHeaders: {
        blobContentType: 'text/plain; charset=utf-8',
        blobCacheControl: 'max-age=1',
        blobContentDisposition: 'attachment',
        blobContentEncoding: 'identity',
        blobContentLanguage: 'de',
      },
    })
    expect(put.etag).toMatch(/^"0x8D[0-9A-F]+"$/)
    expect(await blob.getProperties()).toMatchObject({
      contentLength: 4,
      contentType: 'text/plain; charset=utf-8',
      cacheControl: 'max-age=1',
      contentDisposition: 'attachment',
      contentEncoding: 'identity',
      contentLanguage: 'de',
      metadata: { name_1: 'a b', a1: 'x', a_b: 'y' },
      accessTier: 'Cool',
      etag: put.etag,
      blobType: 'BlockBlob',
      tagCount: 1,
    })
    expect((await blob.getTags()).tags).toEqual({ project: 'one two' })
    expect(await textOf(blob)).toBe('text')
  })

  test('is read by ranges, which are 416 beyond its end', async () => {
    const blob = await saved('0123456789')
    const part = await blob.download(3, 4)
    expect(part).toMatchObject({ contentRange: 'bytes 3-6/10', contentLength: 4 })
    expect(await textOf({ downloadToBuffer: () => blob.downloadToBuffer(8, 2) })).toBe('89')
    expect(await refused(blob.download(10, 1))).toBe('416 InvalidRange')
    const empty = await saved('')
    expect(await refused(empty.download(0, 1))).toBe('416 InvalidRange')
  })

  test('gives a checksum of a read for a range of at most 4 MiB only', async () => {
    const blob = await saved('0123456789')
    const { contentMD5 } = await blob.download(0, 4, { rangeGetContentMD5: true })
    expect(Buffer.from(contentMD5 as Uint8Array).toString('hex')).toBe('eb62f6b9306db575c2d596b1279627a4')
    expect(
      (await blob.download(0, 4, { rangeGetContentCrc64: true }))._response.headers.get('x-ms-content-crc64'),
    ).toMatch(/^.{11}=$/)
    expect(await refused(blob.download(0, undefined, { rangeGetContentMD5: true }))).toBe('400 InvalidHeaderValue')
    const large = await saved('x'.repeat(4 * 1024 * 1024 + 1))
    expect(await refused(large.download(0, 4 * 1024 * 1024 + 1, { rangeGetContentMD5: true }))).toBe(
      '400 InvalidHeaderValue',
    )
  })

  test('that is missing is 404', async () => {
    expect(await refused(fresh().download())).toBe('404 BlobNotFound')
    expect(await refused(fresh().getProperties())).toBe('404 BlobNotFound')
    expect(await refused(fresh().delete())).toBe('404 BlobNotFound')
    const other = service.getContainerClient('missing').getBlockBlobClient('a')
    expect(await refused(other.upload('', 0))).toBe('404 ContainerNotFound')
  })

  test('keeps conditions: 409 for one that is there, 412 for another etag, 304 for the same', async () => {
    const blob = await saved()
    const { etag = '' } = await blob.getProperties()
    expect(await refused(blob.upload('', 0, { conditions: { ifNoneMatch: '*' } }))).toBe('409 BlobAlreadyExists')
    expect(await refused(blob.upload('', 0, { conditions: { ifMatch: '"0x1"' } }))).toBe('412 ConditionNotMet')
    expect(await refused(fresh().upload('', 0, { conditions: { ifMatch: '*' } }))).toBe('412 ConditionNotMet')
    expect(await refused(blob.download(0, undefined, { conditions: { ifMatch: '"0x1"' } }))).toBe('412 ConditionNotMet')
    expect(await refused(blob.download(0, undefined, { conditions: { ifNoneMatch: etag } }))).toMatch(/^304/)
    expect(await refused(blob.delete({ conditions: { ifMatch: '"0x1"' } }))).toBe('412 ConditionNotMet')
    await blob.upload('new', 3, { conditions: { ifMatch: etag } })
    expect(await textOf(blob)).toBe('new')
  })

  test('is created by exactly one of many who create it at once', async () => {
    const blob = fresh()
    const create = (_: unknown, who: number) =>
      refused(blob.upload(String(who), 1, { conditions: { ifNoneMatch: '*' } }))
    const all = await Promise.all(Array.from({ length: 8 }, create))
    expect(all.filter(one => one === '409 BlobAlreadyExists')).toHaveLength(7)
  })

  test('with a wrong checksum is refused and stores nothing', async () => {
    const blob = fresh()
    const wrong = new Uint8Array(16)
    const raw = { 'x-ms-content-crc64': 'AAAAAAAAAAA=' }
    expect(await refused(blob.upload('text', 4, { blobHTTPHeaders: { blobContentMD5: wrong } }))).toBe(
      '400 Md5Mismatch',
    )
    expect(await refused(blob.stageBlock('AAAA', 'text', 4, { transactionalContentMD5: wrong }))).toBe(
      '400 Md5Mismatch',
    )
    expect(
      await refused(
        blob.stageBlock('AAAA', 'text', 4, {
          transactionalContentCrc64: Buffer.from(raw['x-ms-content-crc64'], 'base64'),
        }),
      ),
    ).toBe('400 Crc64Mismatch')
    expect(await blob.exists()).toBe(false)
    expect(server.container().uncommitted.has(blob.name)).toBe(false)
  })

  test('has names with an end', async () => {
    expect(await refused(media.getBlockBlobClient('x'.repeat(1025)).upload('', 0))).toBe('400 InvalidResourceName')
    expect(await refused(media.getBlockBlobClient('a/'.repeat(255)).upload('', 0))).toBe('400 InvalidResourceName')
    await media.getBlockBlobClient('x'.repeat(1024)).upload('', 0)
  })

  test('has metadata whose names are identifiers', async () => {
    for (const name of ['a-b', '1a', 'a.b']) {
      expect(await refused(fresh().upload('', 0, { metadata: { [name]: 'x' } }))).toBe('400 InvalidMetadata')
    }
    expect(await refused(fresh().upload('', 0, { metadata: { a: 'x'.repeat(8192) } }))).toBe('400 MetadataTooLarge')
  })
})

describe('blocks', () => {
  const id = (number: number): string => Buffer.from(String(number).padStart(4, '0')).toString('base64')

  test('become a blob by their list, in its order', async () => {
    const blob = fresh()
    for (const number of [1, 2, 3]) await blob.stageBlock(id(number), `part ${number};`, 7)
    expect((await blob.getBlockList('all')).uncommittedBlocks).toHaveLength(3)
    expect(await blob.exists()).toBe(false)
    await blob.commitBlockList([id(3), id(1)], { metadata: { a: 'b' } })
    expect(await textOf(blob)).toBe('part 3;part 1;')
    const { committedBlocks, uncommittedBlocks } = await blob.getBlockList('all')
    expect([committedBlocks?.map(one => one.name), uncommittedBlocks]).toEqual([[id(3), id(1)], []])
    await blob.stageBlock(id(4), 'more', 4)
    await blob.commitBlockList([id(1), id(4)])
    expect(await textOf(blob)).toBe('part 1;more')
    expect((await blob.getProperties()).contentMD5).toBeUndefined()
  })

  test('have ids of one length, those that others left behind too', async () => {
    const blob = fresh()
    await blob.stageBlock(id(1), 'left', 4)
    const other = Buffer.from('longer id').toString('base64')
    expect(await refused(blob.stageBlock(other, 'x', 1))).toBe('400 InvalidBlobOrBlock')
    expect(await refused(blob.stageBlock('no base64', 'x', 1))).toBe('400 InvalidQueryParameterValue')
    await blob.upload('whole', 5)
    await blob.stageBlock(other, 'x', 1)
    expect(await refused(blob.commitBlockList([id(1)]))).toBe('400 InvalidBlockList')
  })

  test('are committed under conditions', async () => {
    const blob = await saved()
    await blob.stageBlock(id(1), 'x', 1)
    expect(await refused(blob.commitBlockList([id(1)], { conditions: { ifNoneMatch: '*' } }))).toBe(
      '409 BlobAlreadyExists',
    )
    expect(await refused(blob.commitBlockList([id(1)], { conditions: { ifMatch: '"0x1"' } }))).toBe(
      '412 ConditionNotMet',
    )
    expect(await textOf(blob)).toBe('content')
  })

  test('upload a stream of any length', async () => {
    const { Readable } = await import('node:stream')
    const blob = fresh()
    const bytes = Buffer.alloc(1_000_000, 'abc')
    await blob.uploadStream(Readable.from([bytes.subarray(0, 300_000), bytes.subarray(300_000)]), 256 * 1024, 3)
    expect((await blob.downloadToBuffer()).equals(bytes)).toBe(true)
  })
})

describe('copies', () => {
  test('are made at once, with properties and metadata, or with other metadata', async () => {
    const source = fresh()
    await source.upload('text', 4, { metadata: { a: '1' }, blobHTTPHeaders: { blobContentType: 'text/odd' } })
    const target = fresh()
    const poller = await target.beginCopyFromURL(source.url)
    expect((await poller.pollUntilDone()).copyStatus).toBe('success')
    expect(await target.getProperties()).toMatchObject({
      metadata: { a: '1' },
      contentType: 'text/odd',
      copyStatus: 'success',
    })
    await (await target.beginCopyFromURL(source.url, { metadata: { b: '2' } })).pollUntilDone()
    expect((await target.getProperties()).metadata).toEqual({ b: '2' })
    expect(await refused(target.beginCopyFromURL(source.url, { conditions: { ifNoneMatch: '*' } }))).toBe(
      '409 BlobAlreadyExists',
    )
    expect(await refused(target.beginCopyFromURL(source.url, { sourceConditions: { ifMatch: '"0x1"' } }))).toBe(
      '412 SourceConditionNotMet',
    )
    expect(await refused(target.beginCopyFromURL(fresh().url))).toBe('404 BlobNotFound')
  })

  test.each(['success', 'failed', 'aborted'] as const)('are pending for a while, and then %s', async end => {
    server.plans.copies = { polls: 2, end }
    const [source, target] = [await saved(), fresh()]
    const { copyId } = await (await target.beginCopyFromURL(source.url, { intervalInMs: 1 }))
      .poll()
      .then(() => target.getProperties())
    expect(copyId).toBeTruthy()
    expect(await refused(target.upload('', 0))).toBe('409 PendingCopyOperation')
    const states: unknown[] = []
    for (let turn = 0; turn < 3; turn++) states.push((await target.getProperties()).copyStatus)
    expect(states.at(-1)).toBe(end)
    expect(await textOf(target)).toBe(end === 'success' ? 'content' : '')
  })

  test('that are pending can be aborted', async () => {
    server.plans.copies = { polls: 9, end: 'success' }
    const [source, target] = [await saved(), fresh()]
    await target.beginCopyFromURL(source.url)
    const { copyId = '' } = await target.getProperties()
    expect(await refused(target.abortCopyFromURL(randomUUID()))).toBe('409 CopyIdMismatch')
    await target.abortCopyFromURL(copyId)
    expect((await target.getProperties()).copyStatus).toBe('aborted')
    expect(await refused(target.abortCopyFromURL(copyId))).toBe('409 NoPendingCopyOperation')
  })

  test('from a URL want a source that the URL alone may read', async () => {
    const [source, target] = [await saved('0123456789'), fresh()]
    const { BlobSASPermissions } = await import('@azure/storage-blob')
    const expiresOn = new Date(Date.now() + 60_000)
    const url = await source.generateSasUrl({ permissions: BlobSASPermissions.parse('r'), expiresOn })
    expect(await refused(target.syncCopyFromURL(source.url))).toBe('403 CannotVerifyCopySource')
    await target.syncCopyFromURL(url)
    expect(await textOf(target)).toBe('0123456789')
    await target.syncUploadFromURL(url)
    await target.stageBlockFromURL('AAAA', url, 2, 3)
    await target.commitBlockList(['AAAA'])
    expect(await textOf(target)).toBe('234')
    expect(await refused(target.stageBlockFromURL('AAAA', source.url, 2, 3))).toBe('403 CannotVerifyCopySource')
  })
})

describe('listings', () => {
  const lists = service.getContainerClient('lists')
  const names = ['a', 'b/1', 'b/2', 'b/c/3', 'é &<>"\'', '日本/x', '~']

  test('go by pages, with and without folders', async () => {
    await lists.create()
    for (const name of names)
      await lists.getBlockBlobClient(name).upload(name, Buffer.byteLength(name), { metadata: { k: 'v' } })
    const flat: string[] = []
    let pages = 0
    for await (const page of lists.listBlobsFlat({ includeMetadata: true }).byPage({ maxPageSize: 3 })) {
      pages++
      for (const item of page.segment.blobItems) {
        flat.push(item.name)
        expect(item).toMatchObject({
          metadata: { k: 'v' },
          properties: { contentLength: Buffer.byteLength(item.name), etag: expect.any(String) },
        })
      }
    }
    expect([pages, flat]).toEqual([3, names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))])
    const level: string[] = []
    for await (const item of lists.listBlobsByHierarchy('/', { prefix: 'b/' })) level.push(`${item.kind} ${item.name}`)
    expect(level).toEqual(['prefix b/c/', 'blob b/1', 'blob b/2'])
    expect(await refused(lists.listBlobsFlat().byPage({ maxPageSize: 0 }).next())).toBe(
      '400 OutOfRangeQueryParameterValue',
    )
    expect(await refused(lists.listBlobsFlat().byPage({ continuationToken: 'odd' }).next())).toBe(
      '400 InvalidQueryParameterValue',
    )
  })

  test('have pages without an entry where the plan says so', async () => {
    server.plans.emptyPages = 2
    const sizes: number[] = []
    for await (const page of lists.listBlobsFlat().byPage({ maxPageSize: 5 })) sizes.push(page.segment.blobItems.length)
    expect(sizes).toEqual([0, 0, 5, 0, 0, 2])
  })

  test('show what is not committed, where that is asked for', async () => {
    await lists.getBlockBlobClient('waiting').stageBlock('AAAA', 'x', 1)
    const found: string[] = []
    for await (const { name } of lists.listBlobsFlat({ includeUncommitedBlobs: true, prefix: 'w' })) found.push(name)
    expect(found).toEqual(['waiting'])
  })

  test('of an account with a hierarchical namespace mark folders', async () => {
    const container = serviceOf(folders).getContainerClient('media')
    await container.getBlockBlobClient('a/b/file').upload('x', 1)
    const flat: unknown[] = []
    for await (const item of container.listBlobsFlat({ includeMetadata: true })) {
      flat.push([item.name, item.metadata?.['hdi_isfolder'] ?? '', item.properties.contentLength])
    }
    expect(flat).toEqual([
      ['a', 'true', 0],
      ['a/b', 'true', 0],
      ['a/b/file', '', 1],
    ])
    const level: string[] = []
    for await (const { kind, name } of container.listBlobsByHierarchy('/')) level.push(`${kind} ${name}`)
    expect(level).toEqual(['prefix a/'])
    expect(await refused(container.getBlockBlobClient('a/b').upload('', 0))).toBe('409 ResourceTypeMismatch')
    expect(await refused(container.deleteBlob('a/b'))).toBe('409 DirectoryIsNotEmpty')
  })

  test('of containers', async () => {
    const found: string[] = []
    for await (const { name } of service.listContainers()) found.push(name)
    expect(found).toEqual(expect.arrayContaining(['lists', 'media']))
  })
})

describe('batches', () => {
  const client = service.getBlobBatchClient()

  test('delete many, and tell which failed', async () => {
    const blobs = [await saved(), fresh(), await saved()]
    const { subResponses, subResponsesFailedCount } = await client.deleteBlobs(blobs)
    expect(subResponses.map(one => [one.status, one.errorCode])).toEqual([
      [202, undefined],
      [404, 'BlobNotFound'],
      [202, undefined],
    ])
    expect(subResponsesFailedCount).toBe(1)
    expect(await blobs[0]!.exists()).toBe(false)
  })

  test('of a container are for that container alone', async () => {
    const blobs = [await saved()]
    const { subResponsesSucceededCount } = await media.getBlobBatchClient().deleteBlobs(blobs)
    expect(subResponsesSucceededCount).toBe(1)
  })

  test('set tiers', async () => {
    const blob = await saved()
    await client.setBlobsAccessTier([blob], 'Cool')
    expect((await blob.getProperties()).accessTier).toBe('Cool')
  })

  test('hold 256 requests', async () => {
    const batch = new BlobBatch()
    for (let turn = 0; turn < 256; turn++) await batch.deleteBlob(fresh())
    expect((await client.submitBatch(batch)).subResponses).toHaveLength(256)
  })
})

describe('leases, snapshots, tiers, tags, properties', () => {
  test('a lease is asked for by every write', async () => {
    const blob = await saved()
    const lease = blob.getBlobLeaseClient()
    const { leaseId = '' } = await lease.acquireLease(-1)
    expect(await refused(blob.upload('', 0))).toBe('412 LeaseIdMissing')
    expect(await refused(blob.delete())).toBe('412 LeaseIdMissing')
    expect(await refused(blob.stageBlock('AAAA', 'x', 1))).toBe('412 LeaseIdMissing')
    expect(await refused(blob.upload('', 0, { conditions: { leaseId: randomUUID() } }))).toBe(
      '412 LeaseIdMismatchWithBlobOperation',
    )
    expect(await refused(blob.getBlobLeaseClient().acquireLease(15))).toBe('409 LeaseAlreadyPresent')
    await blob.upload('held', 4, { conditions: { leaseId } })
    expect((await blob.getProperties()).leaseState).toBe('leased')
    await lease.renewLease()
    await lease.releaseLease()
    expect(await refused(blob.upload('', 0, { conditions: { leaseId } }))).toBe('412 LeaseNotPresentWithBlobOperation')
    await blob.getBlobLeaseClient().acquireLease(15)
    await blob.getBlobLeaseClient().breakLease(0)
    await blob.delete()
  })

  test('a blob with snapshots is not deleted by the way', async () => {
    const blob = await saved('old')
    const { snapshot = '' } = await blob.createSnapshot()
    await blob.upload('new', 3)
    expect(await textOf(blob.withSnapshot(snapshot))).toBe('old')
    expect(await refused(blob.delete())).toBe('409 SnapshotsPresent')
    await blob.delete({ deleteSnapshots: 'only' })
    await blob.createSnapshot()
    await blob.delete({ deleteSnapshots: 'include' })
    expect(await blob.exists()).toBe(false)
  })

  test('an archived blob can be looked at and deleted, and nothing else', async () => {
    const blob = await saved()
    await blob.setAccessTier('Archive')
    expect(await refused(blob.download())).toBe('409 BlobArchived')
    expect(await refused(blob.upload('', 0))).toBe('409 BlobArchived')
    expect(await refused(fresh().beginCopyFromURL(blob.url))).toBe('409 BlobArchived')
    expect((await blob.getProperties()).accessTier).toBe('Archive')
    await blob.setAccessTier('Hot')
    expect(await blob.getProperties()).toMatchObject({
      accessTier: 'Archive',
      archiveStatus: 'rehydrate-pending-to-hot',
    })
    await blob.delete()
    expect(await refused(blob.setAccessTier('Hot'))).toBe('404 BlobNotFound')
  })

  test('metadata, properties and tags are set', async () => {
    const blob = await saved()
    await blob.setMetadata({ new_name: 'x' })
    await blob.setHTTPHeaders({ blobContentType: 'text/new' })
    await blob.setTags({ k: 'v' })
    expect(await blob.getProperties()).toMatchObject({
      metadata: { new_name: 'x' },
      contentType: 'text/new',
      tagCount: 1,
    })
    expect((await blob.getTags()).tags).toEqual({ k: 'v' })
    expect(await refused(blob.setTags({ 'k!': 'v' }))).toBe('400 InvalidTag')
  })

  test('versions are kept where the account has them', async () => {
    const blob = serviceOf(versioned).getContainerClient('media').getBlockBlobClient('v')
    const { versionId = '' } = await blob.upload('one', 3)
    await blob.upload('two', 3)
    expect([await textOf(blob.withVersion(versionId)), await textOf(blob)]).toEqual(['one', 'two'])
    await blob.delete()
    expect(await blob.exists()).toBe(false)
    const found: unknown[] = []
    for await (const item of serviceOf(versioned).getContainerClient('media').listBlobsFlat({ includeVersions: true }))
      found.push(item.versionId)
    expect(found).toHaveLength(2)
    await blob.withVersion(versionId).delete()
    expect(await refused(blob.withVersion(versionId).download())).toBe('404 BlobNotFound')
  })
})

describe('containers and the account', () => {
  test('a container is created once, looked at, and deleted', async () => {
    const container = service.getContainerClient('made-here')
    expect(await container.exists()).toBe(false)
    await container.create({ access: 'blob' })
    expect(await refused(container.create())).toBe('409 ContainerAlreadyExists')
    expect(await container.getProperties()).toMatchObject({ blobPublicAccess: 'blob' })
    await container.getBlockBlobClient('open').upload('for all', 7)
    const anybody = new ContainerClient(container.url, new AnonymousCredential(), { retryOptions })
    expect(await textOf(anybody.getBlockBlobClient('open'))).toBe('for all')
    expect(await refused(anybody.listBlobsFlat().next())).toBe('404 ResourceNotFound')
    expect(await refused(anybody.getBlockBlobClient('open').upload('', 0))).toBe('401 NoAuthenticationInformation')
    await container.delete()
    expect(await refused(service.getContainerClient('No').create())).toBe('400 OutOfRangeInput')
    expect(await refused(service.getContainerClient('no--name').create())).toBe('400 InvalidResourceName')
  })

  test('a private blob is hidden from anybody', async () => {
    const blob = await saved()
    expect((await fetch(blob.url)).status).toBe(404)
  })

  test('tells what kind it is', async () => {
    expect(await service.getAccountInfo()).toMatchObject({ accountKind: 'StorageV2', skuName: 'Standard_LRS' })
  })
})

test('faults are for one operation, as often as they say', async () => {
  const blob = fresh()
  server.faults.add({ operation: 'PutBlob', key: blob.name, fault: { do: 'refuse', status: 503, code: 'ServerBusy' } })
  expect(await refused(blob.upload('x', 1))).toBe('503 ServerBusy')
  await blob.upload('x', 1)
})
