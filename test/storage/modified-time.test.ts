import { expect, it, onTestFinished } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { storageFor } from '../backends/ftp/support.ts'
import { FtpServer } from '../servers/ftp.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { NOWHERE } from './strict-places.ts'

const OLD = new Date('2001-02-03T04:05:06.789Z')

it('the time of a file is set; another etag condition is not affected in memory', async () => {
  const storage = new MemoryStorage({}, NOWHERE)
  await storage.save('d/a', 'x', { metadata: { a: 'b' } })
  const { etag } = await storage.stat('d/a')
  await storage.setModifiedTime('d/a', OLD)
  expect(storage.supports('setModifiedTime')).toBe(true)
  expect(await storage.stat('d/a')).toMatchObject({ modifiedAt: OLD, etag, metadata: { a: 'b' } })
  const [entry] = (await storage.page('d')).entries
  await storage.setModifiedTime(entry!, new Date(0))
  expect(await storage.getModifiedTime('d/a')).toEqual(new Date(0))
  // A file that is written again has its own time.
  await storage.save('d/a', 'y', { overwrite: true })
  expect(+(await storage.getModifiedTime('d/a'))).toBeGreaterThan(+OLD)
})

it('a missing file, a folder, a wrong date, a read-only storage', async () => {
  const storage = new MemoryStorage({}, NOWHERE)
  await storage.save('d/a', 'x')
  const codes: Array<[call: Promise<void>, code: string]> = [
    [storage.setModifiedTime('missing', OLD), 'not_found'],
    [storage.setModifiedTime('d', OLD), 'is_directory'],
    [storage.setModifiedTime('d/', OLD), 'suspicious_name'],
    [storage.setModifiedTime('d//a', OLD), 'suspicious_name'],
    [storage.setModifiedTime('d/a', new Date(Number.NaN)), 'invalid_argument'],
    [storage.setModifiedTime('d/a', '2001-01-01' as unknown as Date), 'invalid_argument'],
    [storage.setModifiedTime('d/a', OLD, { singal: 1 } as object), 'invalid_argument'],
    [storage.setModifiedTime('d/a', OLD, { signal: AbortSignal.abort() }), 'aborted'],
    [new MemoryStorage({ readOnly: true }, NOWHERE).setModifiedTime('d/a', OLD), 'permission_denied'],
  ]
  for (const [call, code] of codes) await expect(call).rejects.toMatchObject({ code })
  await expect(storage.setModifiedTime('d/a', new Date(Number.NaN))).rejects.toThrow('time: expected a valid Date')
})

it('is unsupported where the service sets the time itself, and sends nothing', async () => {
  const server = await startStrictS3({ buckets: ['media'] })
  onTestFinished(() => server.close())
  const { url: endpointUrl, region: regionName, credentials } = server
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = credentials
  await using storage = new S3Storage({ endpointUrl, regionName, bucketName: 'media', accessKey, secretKey }, NOWHERE)
  expect(storage.supports('setModifiedTime')).toBe(false)
  await expect(storage.setModifiedTime('a', OLD)).rejects.toMatchObject({ code: 'unsupported', fileName: 'a' })
})

it.each([
  ['MFMT', {}, 'MFMT 20010203040506 /a'],
  ['no command', { without: ['MFMT'] }, undefined],
])('over FTP by %s', async (_, options, command) => {
  const server = await FtpServer.start(options as object)
  try {
    server.put('a', 'x')
    await using storage = storageFor(server)
    const set = storage.setModifiedTime('a', OLD)
    if (command === undefined) await expect(set).rejects.toMatchObject({ code: 'unsupported' })
    else {
      await set
      expect(server.log.map(({ verb, argument }) => `${verb} ${argument}`)).toContain(command)
      expect(await storage.getModifiedTime('a')).toEqual(new Date('2001-02-03T04:05:06Z'))
    }
    await expect(storage.setModifiedTime('a', new Date(-1e14))).rejects.toMatchObject({ code: 'invalid_argument' })
  } finally {
    await server.close()
  }
})
