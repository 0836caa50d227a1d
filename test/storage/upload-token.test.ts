import { createHash } from 'node:crypto'
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { savedSession } from '../../src/backends/gcs/endpoint.ts'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { readUploadToken, type UploadRecord, uploadToken } from '../../src/storage/upload-token.ts'
import { NOWHERE } from './strict-places.ts'

const RECORD: UploadRecord = {
  backend: 'memory',
  name: 'ü/a.bin',
  place: 'p',
  id: 'i',
  partSize: 5,
  size: 12,
  ifAbsent: true,
  attributes: { contentType: 'text/plain', metadata: { a: 'ü' } },
}
const invalid = expect.objectContaining({ code: 'invalid_argument', message: expect.stringMatching(/^token: /) })

/** A token with a right sum over any JSON, as only somebody who knows the form can make it. */
function forged(value: unknown): string {
  const payload = Buffer.from(JSON.stringify(value)).toString('base64url')
  const sum = createHash('sha256').update(`hu1.${payload}`).digest('base64url').slice(0, 11)
  return `hu1.${payload}.${sum}`
}

describe('a token', () => {
  const token = uploadToken(RECORD)

  it('holds the record in characters of a cookie and a URL', () => {
    expect(readUploadToken(token)).toEqual(RECORD)
    expect(token).toMatch(/^[\w.-]+$/)
    expect(encodeURIComponent(token)).toBe(token)
  })

  it('is refused when it is cut, changed anywhere, or no token', () => {
    for (let at = 0; at < token.length; at++) {
      expect(() => readUploadToken(token.slice(0, at)), `${at}`).toThrow(invalid)
      const other = token[at] === 'A' ? 'B' : 'A'
      expect(() => readUploadToken(token.slice(0, at) + other + token.slice(at + 1)), `${at}`).toThrow(invalid)
    }
    for (const wrong of ['', 'x', `${token}x`, ` ${token}`, 'hu1..', 'hu1.x'.repeat(20_000), 5, null, {}, undefined])
      expect(() => readUploadToken(wrong)).toThrow(invalid)
    expect(() => readUploadToken(token.replace('hu1', 'hu2'))).toThrow(/another version/)
  })

  it('is refused with fields that are missing, of another type, or not known', () => {
    expect(readUploadToken(forged(RECORD))).toEqual(RECORD)
    for (const name of ['backend', 'name', 'place', 'id', 'partSize', 'attributes'])
      expect(() => readUploadToken(forged({ ...RECORD, [name]: undefined })), name).toThrow(invalid)
    const wrong = [
      { name: 5 },
      { id: null },
      { attributes: [] },
      { attributes: null },
      { partSize: -1 },
      { partSize: 1.5 },
      { partSize: 0 },
      { partSize: 2 ** 40 },
      { size: '5' },
      { ifAbsent: 1 },
      { extra: {} },
    ]
    for (const change of wrong) {
      expect(() => readUploadToken(forged({ ...RECORD, ...change })), JSON.stringify(change)).toThrow(invalid)
    }
    const code = expect.objectContaining({ code: 'invalid_argument' })
    for (const attributes of [{ contentType: 'a\nb' }, { contentType: 5 }, { metadata: { 'a b': 'x' } }])
      expect(() => readUploadToken(forged({ ...RECORD, attributes }))).toThrow(code)
    for (const value of [null, [], 'text', 5]) expect(() => readUploadToken(forged(value))).toThrow(invalid)
    const polluted = `{"__proto__":{"name":"x"},${JSON.stringify(RECORD).slice(1)}`
    expect(() => readUploadToken(forged(JSON.parse(polluted)))).toThrow(invalid)
  })
})

describe('a forged token', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdall-token-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const storage = new LocalStorage({ location: join(folder, 'media'), fsync: false }, NOWHERE)

  it('for a name outside of the storage is suspicious_name', async () => {
    const upload = await storage.openUpload('a.bin')
    const record = readUploadToken(upload.token)
    for (const name of ['../a.bin', '', 'dir/', '..'])
      await expect(storage.resumeUpload(uploadToken({ ...record, name }))).rejects.toMatchObject({
        code: 'suspicious_name',
      })
    await expect(storage.resumeUpload(uploadToken({ ...record, name: 'b.bin' }))).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    await upload.cancel()
  })

  it('opens no other file, and follows no link', async () => {
    const upload = await storage.openUpload('c.bin')
    const record = readUploadToken(upload.token)
    writeFileSync(join(folder, 'secret'), 'secret')
    const hidden = `.holdall-1-${'a'.repeat(32)}.tmp`
    symlinkSync(join(folder, 'secret'), join(folder, 'media', hidden))
    const directory = `.holdall-1-${'b'.repeat(32)}.tmp`
    mkdirSync(join(folder, 'media', directory))
    const other = (id: string) => storage.resumeUpload(uploadToken({ ...record, id }))
    for (const id of ['c.bin', '../secret', `x/${hidden}`, ''])
      await expect(other(id)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(other(hidden)).rejects.toMatchObject({ code: 'not_found' })
    const linked = `.holdall-1-${'c'.repeat(32)}.tmp`
    linkSync(join(folder, 'secret'), join(folder, 'media', linked))
    await expect(other(linked)).rejects.toMatchObject({ code: 'not_found' })
    await expect(other(directory)).rejects.toMatchObject({ code: 'not_found' })
    await upload.cancel()
  })

  it('of another backend is invalid_argument', async () => {
    const memory = new MemoryStorage({}, NOWHERE)
    await expect(memory.resumeUpload(uploadToken({ ...RECORD, backend: 'local' }))).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining("'local'"),
    })
    await expect(memory.resumeUpload(uploadToken(RECORD))).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('sends a Google token to nothing but a session of the bucket', () => {
    const json = '/upload/storage/v1/b/media/o?uploadType=resumable&name=a.bin&upload_id=ABP-n_z'
    expect(savedSession(json, 'media', 'a.bin')).toBe(json)
    expect(savedSession('/media/a.bin?upload_id=x', 'media', 'a.bin')).toBe('/media/a.bin?upload_id=x')
    for (const odd of [
      '/upload/storage/v1/b/other/o?uploadType=resumable&upload_id=x',
      '/upload/storage/v1/b/media/o?uploadType=media&name=a.bin&upload_id=x',
      '/upload/storage/v1/b/media/o?uploadType=resumable&name=b.bin&upload_id=x',
      '/upload/storage/v1/b/media/o?uploadType=resumable&name=a.bin',
      '/upload/storage/v1/b/media/../other/o?upload_id=x',
      '/media/b.bin?upload_id=x',
      'https://evil.example/upload/storage/v1/b/media/o?upload_id=x',
      '//evil.example/?upload_id=x',
      '/media/a.bin?upload_id=x\r\nhost: evil',
      '',
    ]) {
      expect(() => savedSession(odd, 'media', 'a.bin'), odd).toThrow(invalid)
    }
  })
})
