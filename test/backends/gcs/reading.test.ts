import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { bytesContent } from '../../../src/core/content.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { at, storageWith } from './support.ts'

const server = await startStrictGcs()
const unpacking = await startStrictGcs({ alwaysUnpack: true })
const files = storageWith(at(server))
const through = storageWith(at(unpacking))
afterAll(async () => {
  await Promise.all([files.close(), through.close()])
  await Promise.all([server.close(), unpacking.close()])
})
beforeEach(() => {
  server.faults.clear()
  unpacking.faults.clear()
  server.requests.length = 0
})

const plain = Buffer.from('a line of text\n'.repeat(5000))
const packed = gzipSync(plain)

it('reads a packed file as it is stored, with its ranges, its length and its checksum', async () => {
  await files.save('packed.txt', packed, { contentEncoding: 'gzip', contentType: 'text/plain' })
  expect((await files.readBytes('packed.txt')).equals(packed)).toBe(true)
  expect(server.requests.at(-1)!.headers['accept-encoding']).toBe('gzip')
  const file = await files.open('packed.txt')
  file.seek(40)
  expect((await file.read(10)).equals(packed.subarray(40, 50))).toBe(true)
  await file.close()
  expect(await files.stat('packed.txt')).toMatchObject({ size: packed.length, contentEncoding: 'gzip' })
})

it('unpacks what its own gzip option has packed', async () => {
  const packing = storageWith({ ...at(server), gzip: true })
  await packing.save('style.css', plain)
  expect((await packing.stat('style.css')).size).toBeLessThan(plain.length)
  expect((await packing.readBytes('style.css')).equals(plain)).toBe(true)
  await packing.close()
})

it('gives a file that the service unpacks all the same once, without its length and its checksum', async () => {
  await through.save('packed.txt', packed, { contentEncoding: 'gzip', contentType: 'text/plain' })
  expect((await through.readBytes('packed.txt')).equals(plain)).toBe(true)
  const file = await through.open('packed.txt')
  expect((await file.read()).equals(plain)).toBe(true)
  await file.close()
})

it('uses no range of a file that the service unpacks', async () => {
  await through.save('ranged.txt', packed, { contentEncoding: 'gzip', contentType: 'text/plain' })
  const read = through.calls.driver.read('ranged.txt', { range: { start: 5, end: 9 } }, through.calls.context({}))
  await expect(read).rejects.toMatchObject({ code: 'unsupported' })
})

it('does not resume a file that the service unpacks, and gives no byte twice', async () => {
  await through.save('broken.txt', packed, { contentEncoding: 'gzip', contentType: 'text/plain' })
  unpacking.faults.add({ operation: 'xml.getObject', fault: { do: 'cut', bytes: 30_000 } })
  await expect(through.readBytes('broken.txt')).rejects.toMatchObject({ code: 'unavailable' })
})

it('resumes any other file at its absolute offset', async () => {
  await files.save('whole.bin', plain)
  server.faults.add({ operation: 'xml.getObject', fault: { do: 'cut', bytes: 30_000 } })
  expect((await files.readBytes('whole.bin')).equals(plain)).toBe(true)
  expect(server.requests.at(-1)!.headers['range']).toMatch(/^bytes=\d+-/)
})

it('tells bytes that were damaged on the way by their CRC32C', async () => {
  await files.save('damaged.bin', plain)
  server.faults.add({ operation: 'xml.getObject', times: 9, fault: { do: 'garble', offset: 1000 } })
  await expect(files.readBytes('damaged.bin')).rejects.toMatchObject({ code: 'checksum_mismatch' })
})

it('reads a file by several requests at a time, and compares all its bytes with its CRC32C', async () => {
  const large = randomBytes(1_000_000)
  await files.save('parts.bin', large)
  const options = { parallel: 3, partSize: 300_000 }
  expect((await files.readBytes('parts.bin', options)).equals(large)).toBe(true)
  expect(server.requests.slice(-4).map(({ status }) => status)).toEqual([206, 206, 206, 206])
  server.faults.add({ operation: 'xml.getObject', fault: { do: 'garble', offset: 1000 } })
  await expect(files.readBytes('parts.bin', options)).rejects.toMatchObject({ code: 'checksum_mismatch' })
  expect((await files.readBytes('parts.bin', { ...options, start: 9 })).equals(large.subarray(9))).toBe(true)
})

it('opens a missing file with not_found, and a missing bucket with improperly_configured', async () => {
  await expect(files.open('missing')).rejects.toMatchObject({ code: 'not_found', fileName: 'missing' })
  const nowhere = storageWith({ ...at(server), bucketName: 'nowhere' })
  await expect(nowhere.open('missing')).rejects.toMatchObject({ code: 'improperly_configured' })
  await expect(nowhere.stat('missing')).rejects.toMatchObject({ code: 'improperly_configured' })
  await expect(nowhere.save('a', 'b')).rejects.toMatchObject({ code: 'improperly_configured' })
  await nowhere.close()
})

it('reads ranges of one file side by side, all of one generation, so that a replaced file is no mixture', async () => {
  const [old, other] = ['old', 'new'].map(text => Buffer.alloc(900_000, text)) as [Buffer, Buffer]
  await files.save('large.bin', old, { overwrite: true })
  const { etag } = await files.stat('large.bin')
  const starts = Array.from({ length: 9 }, (_, at) => at * 100_000)
  const read = (start: number) => files.readBytes('large.bin', { start, end: start + 100_000, etag })
  expect(Buffer.concat(await Promise.all(starts.map(read))).equals(old)).toBe(true)
  const ranges = server.requests.filter(({ headers }) => headers.range !== undefined)
  expect(ranges.map(({ status }) => status)).toEqual(Array(9).fill(206))
  await files.save('large.bin', other, { overwrite: true })
  for (const result of await Promise.allSettled(starts.map(read))) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'precondition_failed' } })
  }
  // An etag that no generation can be matches nothing.
  for (const etag of ['of another service', '0', '-1', '9'.repeat(30)]) {
    await expect(files.readBytes('large.bin', { etag })).rejects.toMatchObject({ code: 'precondition_failed' })
  }
})

it('reads and stats an old generation, and ties reads and writes to one', async () => {
  const versioned = await startStrictGcs({ buckets: [{ name: 'media', versioning: true }] })
  const storage = storageWith(at(versioned))
  await storage.save('v.txt', 'one')
  const first = await storage.stat('v.txt')
  await storage.save('v.txt', 'two')
  expect(first.etag).toBe(first.versionId)
  expect((await storage.readBytes('v.txt', { versionId: first.versionId })).toString()).toBe('one')
  expect((await storage.stat('v.txt', { versionId: first.versionId })).size).toBe(3)
  const ctx = storage.calls.context({})
  const write = storage.calls.driver.write('v.txt', bytesContent(Buffer.from('three')), { ifMatch: first.etag }, ctx)
  await expect(write).rejects.toMatchObject({ status: 412 })
  const { etag } = await storage.stat('v.txt')
  await storage.calls.driver.write('v.txt', bytesContent(Buffer.from('four')), { ifMatch: etag }, ctx)
  expect((await storage.readBytes('v.txt')).toString()).toBe('four')
  await expect(storage.stat('v.txt', { versionId: 'no generation' })).rejects.toMatchObject({ code: 'not_found' })
  await storage.close()
  await versioned.close()
})
