/** Files that our storage and the official client give each other, with all that goes with them. */
import { createHash } from 'node:crypto'
import type { ContainerClient } from '@azure/storage-blob'
import { describe, expect, test } from 'vitest'
import type { AzureOptions, AzureStorage } from '../../../src/backends/azure/index.ts'
import type { Input } from '../../../src/core/settings.ts'

const MIB = 1024 * 1024
const blocks = { multipartThreshold: MIB, partSize: MIB }

/** Registers the tests for a container that both reach. */
export function describeInterchange(
  create: (options: Input<AzureOptions>) => AzureStorage,
  client: ContainerClient,
): void {
  describe('files are exchanged with the official client', () => {
    const odd = ["folder ü/a b+c%2E#?&='!.txt", '日本/🙂', 'empty']
    const attributes = {
      contentType: 'text/odd; charset=utf-8',
      cacheControl: 'max-age=7',
      contentDisposition: 'attachment; filename="a.txt"',
      contentEncoding: 'identity',
      contentLanguage: 'de-DE',
      metadata: { plain: 'a value', under_score: 'x' },
    }

    test.each(odd)('ours are read by it, with all headers: %j', async name => {
      await using files = create(blocks)
      for (const size of name === 'empty' ? [0] : [20, 3 * MIB]) {
        const bytes = Buffer.alloc(size, 'pattern')
        await files.save(name, bytes, { ...attributes, overwrite: true })
        const blob = client.getBlockBlobClient(name)
        expect(size === 0 ? 0 : (await blob.downloadToBuffer()).compare(bytes)).toBe(0)
        const found = await blob.getProperties()
        const { metadata, ...plain } = attributes
        expect(found).toMatchObject({ ...plain, contentLength: size, metadata })
        const { etag, modifiedAt } = await files.stat(name)
        expect([`"${etag}"`, modifiedAt]).toEqual([found.etag, found.lastModified])
      }
    })

    test.each(odd)('its are read by us, with all headers: %j', async name => {
      await using files = create({})
      const blob = client.getBlockBlobClient(name)
      for (const size of name === 'empty' ? [0] : [20, 3 * MIB]) {
        const bytes = Buffer.alloc(size, 'official')
        await blob.uploadData(bytes, {
          blockSize: MIB,
          maxSingleShotSize: MIB,
          metadata: { Plain: 'a value', under_score: 'x' },
          tier: 'Cool',
          blobHTTPHeaders: {
            blobContentType: attributes.contentType,
            blobCacheControl: attributes.cacheControl,
            blobContentDisposition: attributes.contentDisposition,
            blobContentEncoding: attributes.contentEncoding,
            blobContentLanguage: attributes.contentLanguage,
            ...(size < MIB ? { blobContentMD5: createHash('md5').update(bytes).digest() } : {}),
          },
        })
        expect((await files.readBytes(name)).equals(bytes)).toBe(true)
        expect(await files.stat(name)).toMatchObject({ ...attributes, size, storageClass: 'Cool' })
      }
      expect(await namesOf(files)).toContain(name)
    })

    test('tags and tiers of ours are known to it, and leases and snapshots of it to us', async () => {
      await using files = create({
        objectParameters: { access_tier: 'Cool', tags: { project: 'one' } },
      })
      await files.save('tagged', 'x', { overwrite: true })
      const blob = client.getBlockBlobClient('tagged')
      expect((await blob.getProperties()).accessTier).toBe('Cool')
      expect((await blob.getTags()).tags).toEqual({ project: 'one' })
      await blob.createSnapshot()
      await expect(files.delete('tagged')).rejects.toMatchObject({ code: 'unsupported' })
      await blob.delete({ deleteSnapshots: 'only' })
      const lease = blob.getBlobLeaseClient()
      await lease.acquireLease(-1)
      await expect(files.save('tagged', 'y', { overwrite: true })).rejects.toMatchObject({ code: 'permission_denied' })
      await lease.releaseLease()
      await blob.setAccessTier('Archive')
      await expect(files.readText('tagged')).rejects.toMatchObject({ code: 'unsupported' })
      await files.delete('tagged')
    })

    test('blocks that it left behind are no obstacle', async () => {
      await client.getBlockBlobClient('left').stageBlock(Buffer.from('left-0001').toString('base64'), 'left', 4)
      await using files = create(blocks)
      const bytes = Buffer.alloc(3 * MIB, 'ours')
      await files.save('left', bytes, { overwrite: true })
      expect((await files.readBytes('left')).equals(bytes)).toBe(true)
    })
  })
}

async function namesOf(files: AzureStorage): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of files.entries('', { recursive: true })) names.push(name)
  return names
}
