import { createHash, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { toContent } from '../../src/core/content.ts'
import type { SaveOptions } from '../../src/storage/types.ts'
import { verifiedContent } from '../../src/storage/verify.ts'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
afterAll(() => kinds.end())

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function* pieces(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

describe('verify', () => {
  test.each([
    [{ sha256: 'ab' }, 'verify: sha256: expected 64 hexadecimal digits, got 2 characters.'],
    [{ md5: Buffer.alloc(16).toString('base64') }, 'verify: md5: expected 32 hexadecimal digits, got 24 characters.'],
    [{ crc32c: 'g'.repeat(8) }, 'verify: crc32c: expected 8 hexadecimal digits, got 8 characters.'],
    [{ sha256: 7 }, 'verify: sha256: expected 64 hexadecimal digits, got number.'],
    [{ sha512: 'ab' }, 'verify: expected one of md5, sha1, sha256'],
    ['abc', 'verify: expected digests by their names'],
  ])('refuses %j', async (verify, text) => {
    const storage = kinds.memory()
    const save = storage.save('a', 'x', { verify } as SaveOptions)
    await expect(save).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining(text) })
    expect(await storage.exists('a')).toBe(false)
  })

  test('compares several digests, and ignores those that are undefined', async () => {
    const storage = kinds.memory()
    const bytes = randomBytes(100)
    const verify = { sha256: sha256(bytes), md5: undefined, crc32c: '00000000' }
    await expect(storage.save('a', bytes, { verify })).rejects.toMatchObject({
      code: 'checksum_mismatch',
      retryable: false,
      outcome: 'not_applied',
      message: expect.stringContaining('CRC32C'),
    })
    expect(await storage.save('a', bytes, { verify: { ...verify, crc32c: undefined } })).toBe('a')
  })

  test('of a stream whose chunks are reused compares what was given', async () => {
    const storage = kinds.memory()
    const chunk = Buffer.alloc(3)
    const source = async function* () {
      for (const text of ['abc', 'def', 'ghi']) {
        chunk.write(text)
        yield chunk
      }
    }
    await storage.save('a', source(), { verify: { sha256: sha256(Buffer.from('abcdefghi')) } })
    expect(await storage.readText('a')).toBe('abcdefghi')
  })

  test('of content without bytes compares with the digest of nothing', async () => {
    const storage = kinds.memory()
    await storage.save('a', pieces(Buffer.alloc(0)), { verify: { sha256: sha256(Buffer.alloc(0)) } })
    const other = storage.save('b', pieces(Buffer.alloc(0)), { verify: { sha256: sha256(Buffer.alloc(1)) } })
    await expect(other).rejects.toMatchObject({ code: 'checksum_mismatch' })
    expect(await storage.listdir('')).toEqual([[], ['a']])
  })

  test('that fails ends an upload in parts before it is published, and leaves none open', async () => {
    const storage = kinds.s3({ multipartThreshold: 5_242_880, partSize: 5_242_880, fileOverwrite: true })
    await storage.save('a', 'old')
    const bytes = randomBytes(12_000_000)
    const before = kinds.server.requests.length
    const verify = { sha256: sha256(bytes.subarray(1)) }
    await expect(storage.save('a', pieces(bytes), { verify })).rejects.toMatchObject({ code: 'checksum_mismatch' })
    const asked = kinds.server.requests.slice(before).map(request => request.operation)
    expect(asked).toEqual(expect.arrayContaining(['CreateMultipartUpload', 'AbortMultipartUpload']))
    expect(asked).not.toContain('CompleteMultipartUpload')
    expect(await storage.readText('a')).toBe('old')
    await storage.close()
    expect(kinds.server.bucket().uploads.size).toBe(0)
  })

  test('that fails leaves no temporary file on the local disk, also of a stream that is written as it comes', async () => {
    const location = kinds.folder()
    const storage = kinds.local({ location, fileOverwrite: true })
    await storage.save('a', 'old')
    const bytes = randomBytes(300_000)
    const save = storage.save('a', pieces(bytes), { verify: { md5: '0'.repeat(32) } })
    await expect(save).rejects.toMatchObject({ code: 'checksum_mismatch', fileName: 'a' })
    expect(readdirSync(location)).toEqual(['a'])
    expect(await storage.readText('a')).toBe('old')
  })

  test('compares the content as it is given, not as gzip packs it', async () => {
    const storage = kinds.s3({ gzip: true, fileOverwrite: true })
    const text = Buffer.from('a { color: red }\n'.repeat(9000))
    for (const content of [text, pieces(text)]) {
      await storage.save('style.css', content, { verify: { sha256: sha256(text) } })
      expect((await storage.stat('style.css')).size).toBeLessThan(text.byteLength)
      expect((await storage.readBytes('style.css')).equals(text)).toBe(true)
    }
    const wrong = storage.save('style.css', pieces(text), { verify: { sha256: sha256(text.subarray(1)) } })
    await expect(wrong).rejects.toMatchObject({ code: 'checksum_mismatch' })
  })

  test('holds the last bytes back until the digest is known, so that no request is complete before', async () => {
    const bytes = randomBytes(100_000)
    const content = verifiedContent(toContent(new Blob([bytes])), { md5: '0'.repeat(32) })
    let given = 0
    const read = async (): Promise<void> => {
      for await (const chunk of content.open()) given += chunk.byteLength
    }
    await expect(read()).rejects.toMatchObject({ code: 'checksum_mismatch' })
    expect([content.size, given < bytes.byteLength]).toEqual([100_000, true])
  })

  test('is no option of copy', async () => {
    const storage = kinds.memory()
    await storage.save('a', 'x')
    const copy = storage.copy('a', 'b', { verify: { sha256: sha256(Buffer.from('x')) } } as never)
    await expect(copy).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})
