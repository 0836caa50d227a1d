import { describe, expect, it } from 'vitest'
import { bytesContent } from '../../src/core/content.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import { plainContext } from '../../src/testing/index.ts'
import { compare, migrate } from '../../src/transfer/index.ts'
import { storageWith } from '../backends/azure/support.ts'
import { startStrictAzure } from '../servers/strict-azure.ts'
import { gcsPlace, type Place, s3Place, swiftPlace } from '../storage/strict-places.ts'
import { fill, memory, synced } from './support.ts'

interface Slashed extends Pick<Place, 'end'> {
  readonly source: AnyStorage
  put(key: string, bytes: string): Promise<void>
}

function by(start: () => Promise<Place>): () => Promise<Slashed> {
  return async () => {
    const place = await start()
    const source = place.storage()
    const put = async (key: string, bytes: string): Promise<void> => {
      await source.calls.driver.write(key, bytesContent(Buffer.from(bytes)), {}, plainContext())
    }
    return { source, put, end: () => place.end() }
  }
}

/** The driver of Azure writes no such key: the blob gets it behind the protocol. */
async function azure(): Promise<Slashed> {
  const server = await startStrictAzure({})
  const source = storageWith({ connectionString: server.connectionString, azureContainer: 'media' })
  const put = async (key: string, bytes: string): Promise<void> => {
    await source.save('renamed', bytes)
    const { blobs } = server.container()
    blobs.set(key, Object.assign(blobs.get('renamed')!, { name: key }))
    blobs.delete('renamed')
  }
  return { source, put, end: () => server.close() }
}

describe.each([
  ['S3', by(s3Place)],
  ['Google', by(gcsPlace)],
  ['Azure', azure],
  ['Swift', by(swiftPlace)],
])('an object of %s with content whose name ends in a slash', (_, start) => {
  it('is reported as a file that cannot be copied, and stays hidden in other listings', async () => {
    const { source, put, end } = await start()
    try {
      await fill(source, { 'a/b': 'b', c: 'c' })
      await put('a/', 'bytes')
      await put('x/y/', 'bytes')
      await put('empty/', '')

      const target = memory()
      const refused = ['a/', 'x/y/'].map(
        name =>
          `failed ${name}: '${name}' is not copied: a name that ends in a slash is that of a folder, and this object has content.`,
      )
      const { report, events } = await synced(source, target)
      expect(events).toEqual(['copied a/b', 'copied c', ...refused])
      expect(report).toMatchObject({ copied: 2, failed: 2, inSync: false })

      await fill(target, { old: 'old' })
      const migrated = await migrate(source, target, { delete: true })
      expect(migrated).toMatchObject({ state: 'failed', isDone: false, heldBack: 'failures' })
      expect(migrated.failedFiles.map(({ name, code }) => `${name} ${code}`)).toEqual([
        'a/ suspicious_name',
        'x/y/ suspicious_name',
      ])
      expect(await compare(source, target)).toMatchObject({ equal: 2, missing: 2, extra: 1 })
      const excluded = await migrate(source, target, { exclude: ['a/**', 'x/**'] })
      expect(excluded.failedFiles).toEqual([])

      const names = async (options: object): Promise<readonly string[]> => {
        const found: string[] = []
        for await (const { name } of source.entries('', options)) found.push(name)
        return found.sort()
      }
      expect(await names({ recursive: true })).toEqual(['a/b', 'c'])
      expect(await names({ trailingSlash: true })).toEqual(await names({}))
      expect(await names({ recursive: true, trailingSlash: true })).toEqual(['a/', 'a/b', 'c', 'x/y/'])
      expect(await source.listdir('a')).toEqual([[], ['b']])
    } finally {
      await source.close()
      await end()
    }
  })
})
