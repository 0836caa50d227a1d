import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'

const MIB = 1024 * 1024
const server = await startStrictS3()
const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
const place = { endpointUrl: server.url, regionName: server.region, bucketName: 'media', accessKey, secretKey }
const large = Buffer.from(Array.from({ length: 6 * MIB }, (_, at) => (at * 11) % 251))
const all: S3Storage[] = []
afterAll(async () => {
  await Promise.all(all.map(files => files.close()))
  await server.close()
})

/** A storage that replaces nothing and whose files over 5 MiB are large. */
function storage(options: Input<S3Options> = {}): S3Storage {
  const mine = { ...place, fileOverwrite: false, multipartThreshold: 5 * MIB, partSize: 5 * MIB, ...options }
  const files = new S3Storage(mine, { settings: {}, env: {} })
  all.push(files)
  return files
}

const operations = () => server.requests.map(({ operation, status }) => `${operation} ${status}`)
const keys = () => [...server.bucket().objects.keys()].sort()

async function bytesOf(files: S3Storage, name: string): Promise<Buffer> {
  await using file = await files.open(name)
  return file.read()
}

beforeEach(() => {
  server.faults.clear()
  server.requests.length = 0
})

describe.each([
  ['a service that copies on conditions', { provider: 'aws' }, large],
  ['the same and a small file', { provider: 'aws' }, Buffer.from('small')],
  ['any other service and a large file', { conditionalWrites: 'on' }, large],
] as ReadonlyArray<readonly [string, Input<S3Options>, Buffer]>)(
  'without overwriting, %s',
  (_title, options, bytes) => {
    test('copies on the server, and a taken name is kept', async () => {
      const files = storage({ ...options, location: 'kept' })
      await files.save('from', bytes, { overwrite: true })
      await files.save('to', 'mine')
      server.requests.length = 0
      const name = await files.copy('from', 'to')
      expect(name).toMatch(/^to_\w{7}$/)
      expect(operations()).toContain('CopyObject 200')
      // Where the copy takes no condition, the size of the source is in the answer to a GET, whose body is not read.
      const moving = options.provider === 'aws' ? /GetObject|UploadPart/ : /UploadPart/
      expect(operations().filter(each => moving.test(each))).toEqual([])
      expect([(await bytesOf(files, name)).equals(bytes), String(await bytesOf(files, 'to'))]).toEqual([true, 'mine'])
    })

    test('gives eight copies at once eight names', async () => {
      const files = storage({ ...options, location: 'race' })
      await files.save('from', bytes, { overwrite: true })
      const names = await Promise.all(Array.from({ length: 8 }, () => files.copy('from', 'to')))
      expect(new Set(names).size).toBe(8)
      for (const name of names) expect((await bytesOf(files, name)).equals(bytes)).toBe(true)
    })

    test('leaves nothing when the copy fails', async () => {
      const files = storage({ ...options, location: 'failed', maxAttempts: 1 })
      await files.save('from', bytes, { overwrite: true })
      server.faults.add({
        operation: 'CopyObject',
        fault: { do: 'refuse', status: 500, code: 'InternalError' },
        times: 9,
      })
      await expect(files.copy('from', 'to')).rejects.toMatchObject({ code: 'unavailable' })
      expect(keys().filter(key => key.startsWith('failed/'))).toEqual(['failed/from'])
    })
  },
)

test('a small file is sent again where a copy takes no condition, so that nothing empty is ever seen', async () => {
  const files = storage({ conditionalWrites: 'on' })
  await files.save('little', 'x')
  server.requests.length = 0
  await files.copy('little', 'little copy')
  expect(operations().filter(each => !each.startsWith('Head'))).toEqual(['GetObject 200', 'PutObject 200'])
})

test('a copy keeps the tags of its source, or gets those that the caller names', async () => {
  const files = storage({ fileOverwrite: true, objectParameters: { Tagging: 'of=all' } })
  const tagsOf = (key: string) => server.bucket().objects.get(key)?.[0]?.tags
  await files.save('tagged', 'x', { extra: { Tagging: { kind: 'note' } } })
  const before = tagsOf('tagged')
  await files.copy('tagged', 'kept')
  await files.copy('tagged', 'other', { extra: { Tagging: { kind: 'copy' } } })
  await files.save('as given', 'x', { extra: { Tagging: { kind: 'copy' } } })
  expect([tagsOf('kept'), tagsOf('other')]).toEqual([before, tagsOf('as given')])
  expect(before).not.toEqual(tagsOf('as given'))
})

test('a copy that may overwrite is one request', async () => {
  const files = storage({ fileOverwrite: true })
  await files.save('one', 'x')
  server.requests.length = 0
  await files.copy('one', 'two')
  expect(operations()).toEqual(['CopyObject 200'])
})
