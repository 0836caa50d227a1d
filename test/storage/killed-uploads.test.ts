import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { Child } from '../support/child.ts'
import { isFull } from '../support/sampled.ts'
import { NOWHERE } from './strict-places.ts'

const MIB = 1024 * 1024
const folder = mkdtempSync(join(tmpdir(), 'holdall-killed-'))
const server = await startStrictS3()
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

/** Starts a process that uploads, kills it when the parts are there, and returns its token. */
async function killed(kind: string, options: object, path: string, partSize: number, parts: number): Promise<string> {
  const program = join(import.meta.dirname, 'uploader.child.ts')
  const child = new Child(process.execPath, [program, kind, JSON.stringify(options), path, `${partSize}`, `${parts}`])
  await child.printed(new RegExp(`sent ${parts * partSize}\\n`))
  child.process.kill('SIGKILL')
  expect((await child.ended).signal).toBe('SIGKILL')
  return /token (\S+)/.exec(child.stdout)![1]!
}

async function goesOn(storage: Storage, token: string, bytes: Buffer, offset: number): Promise<void> {
  await using upload = await storage.resumeUpload(token)
  expect(upload.offset).toBe(offset)
  await upload.send(bytes.subarray(offset))
  expect(await upload.complete()).toBe('dir/film.bin')
  expect((await storage.readBytes('dir/film.bin')).equals(bytes)).toBe(true)
  expect((await storage.stat('dir/film.bin')).contentType).toBe('video/x-odd')
}

describe('an upload of a process that was killed', () => {
  if (isFull)
    it('is gone on with on S3', async () => {
      const bytes = randomBytes(11 * MIB)
      const path = join(folder, 's3.bin')
      writeFileSync(path, bytes)
      const { url: endpointUrl, region: regionName, credentials } = server
      const { accessKeyId: accessKey, secretAccessKey: secretKey } = credentials
      const options = {
        endpointUrl,
        regionName,
        bucketName: 'media',
        accessKey,
        secretKey,
        checksums: 'when-supported',
        provider: 'aws',
      } as const
      const token = await killed('s3', options, path, 5 * MIB, 2)
      expect([...server.bucket().uploads.values()].map(({ parts }) => parts.size)).toEqual([2])
      await using storage = new S3Storage(options, NOWHERE)
      await goesOn(storage, token, bytes, 10 * MIB)
      expect(server.bucket().uploads.size).toBe(0)
      // Nothing of the keys is in the token.
      const text = Buffer.from(token.split('.')[1]!, 'base64url').toString()
      expect(text).not.toContain(secretKey)
      expect(text).not.toContain(accessKey)
    })

  it('is gone on with on the local disk; a sweep ends it only by its age', async () => {
    const bytes = randomBytes(300_000)
    const path = join(folder, 'local.bin')
    writeFileSync(path, bytes)
    const location = join(folder, 'media')
    const options = { location, fsync: false, keepMetadata: true }
    const storage = new LocalStorage(options, NOWHERE)
    await storage.save('dir/film.bin', 'old')
    const hidden = () => readdirSync(join(location, 'dir')).filter(name => name.endsWith('.tmp'))

    const token = await killed('local', { ...options, fileOverwrite: true }, path, 100_000, 2)
    expect(hidden()).toHaveLength(1)
    expect(await storage.sweep()).toBe(0)
    expect(await storage.readText('dir/film.bin')).toBe('old')
    // While another process goes on with it, not even its age ends it.
    const held = await storage.resumeUpload(token)
    const old = new Date(Date.now() - 3 * 86_400_000)
    utimesSync(join(location, 'dir', hidden()[0]!), old, old)
    expect(await storage.sweep()).toBe(0)
    await held[Symbol.asyncDispose]()
    await goesOn(storage, token, bytes, 200_000)
    expect(hidden()).toEqual([])

    const second = await killed('local', { ...options, fileOverwrite: true }, path, 100_000, 1)
    utimesSync(join(location, 'dir', hidden()[0]!), old, old)
    expect(await storage.sweep()).toBe(1)
    await expect(storage.resumeUpload(second)).rejects.toMatchObject({ code: 'not_found' })
  })
})
