/** Copies into each kind of storage: what goes along, and a source that is deleted meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { MigratingStorage } from '../../../src/backends/migrating/index.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'
import { FtpServer } from '../../servers/ftp.ts'
import { startSftpServer } from '../../servers/sftp.ts'
import { azurePlace, gcsPlace, s3Place, swiftPlace } from '../../storage/strict-places.ts'
import { changedStorage, filesIn } from '../../transfer/support.ts'
import { storageFor as ftpStorage } from '../ftp/support.ts'
import { storageAt as sftpStorage } from '../sftp/support.ts'
import { NOWHERE } from './support.ts'

const ATTRIBUTES = { contentType: 'text/x-odd', cacheControl: 'max-age=9', metadata: { owner: 'Zoë' } }
const OLD = new Date('2001-02-03T04:05:06Z')
const KINDS = ['S3', 'Google', 'Azure', 'Swift', 'local disk', 'memory', 'SFTP', 'FTP']

const ends: Array<() => unknown> = []
const open: Record<string, () => AnyStorage> = {}
let places = 0

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdall-copies-'))
  const [s3, gcs, azure, swift] = await Promise.all([s3Place(), gcsPlace(), azurePlace(), swiftPlace()])
  const [sftp, ftp] = await Promise.all([startSftpServer(), FtpServer.start()])
  ends.push(...[s3, gcs, azure, swift].map(place => () => place.end()))
  ends.push(
    () => sftp.close(),
    () => ftp.close(),
    () => rmSync(folder, { recursive: true, force: true }),
  )
  const below = (storage: (location: string) => AnyStorage) => () => storage(`place${++places}`)
  Object.assign(open, {
    S3: below(location => s3.storage({ location })),
    Google: below(location => gcs.storage({ location })),
    Azure: below(location => azure.storage({ location })),
    Swift: below(location => swift.storage({ location })),
    'local disk': below(
      name => new LocalStorage({ location: join(folder, name), keepMetadata: true, fsync: false }, NOWHERE),
    ),
    memory: () => new MemoryStorage({}, NOWHERE),
    SFTP: below(location => sftpStorage(sftp, { location })),
    FTP: below(path => ftpStorage(ftp, { path })),
  })
})
afterAll(async () => {
  for (const end of ends) await end()
})

it.each(KINDS)('a copy in %s has what it can have', async kind => {
  const [from, to] = [new MemoryStorage({}, NOWHERE), open[kind]!()]
  await from.save('a', 'text', ATTRIBUTES)
  await from.setModifiedTime('a', OLD)
  const storage = new MigratingStorage({ from, to }, NOWHERE)
  await storage.bring('a')
  const { modifiedAt, size, contentType, metadata } = await to.stat('a')
  expect(size).toBe(4)
  if (to.supports('setModifiedTime')) expect(modifiedAt).toEqual(OLD)
  if (to.supports('metadata'))
    expect({ contentType, metadata }).toMatchObject({ contentType: 'text/x-odd', metadata: { owner: 'Zoë' } })
  await storage.close()
})

it.each(KINDS)('a file that is deleted while it is copied to %s does not come back', async kind => {
  const to = open[kind]!()
  let isStored = false
  const from: AnyStorage = changedStorage(driver => ({
    stat: async (...given) => {
      // The copy is stored, and the source is looked up again.
      isStored ||= await to.exists('a')
      if (isStored) await driver.delete('a', given[1])
      return driver.stat(...given)
    },
  }))
  await from.save('a', 'text')
  const storage = new MigratingStorage({ from, to }, NOWHERE)
  await storage.bring('a')
  expect(isStored).toBe(true)
  expect(await filesIn(to)).toEqual({})
  await storage.close()
})
