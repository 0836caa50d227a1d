import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import type { DirectUpload } from '../../src/core/direct-uploads.ts'
import type { Storage } from '../../src/storage/storage.ts'

/** What direct and resumed uploads of a real server do. */
export interface RealUploads {
  /** Opens a storage of its own; all of one place. */
  readonly open: () => Storage
  /** Bytes of a part that the server takes. */
  readonly partSize: number
  readonly method: DirectUpload['method']
  /** Whether the server refuses more bytes than `maxSize`. */
  readonly limitsSize: boolean
  readonly fetch?: typeof fetch
  /** What unfinished uploads have left. */
  readonly unfinished?: () => Promise<readonly string[]>
}

/** Registers the tests of `uploadTarget`, `openUpload` and `resumeUpload` on a real server. */
export function describeUploads(title: string, place: RealUploads): void {
  const { open, partSize, method, limitsSize, fetch: send = fetch, unfinished = async () => [] } = place
  const upload = async ({ method, url, headers, fields }: DirectUpload, text: string): Promise<number> => {
    const form = new FormData()
    for (const [name, value] of Object.entries({ ...fields, file: new Blob([text]) })) form.append(name, value)
    return (await send(url, { method, headers, body: fields ? form : text })).status
  }

  describe(title, () => {
    const storage = open()
    afterAll(() => storage.close())

    it('a client without credentials uploads to the target', async () => {
      const name = 'in box/ü & 1.txt'
      const target = await storage.uploadTarget(name, { contentType: 'text/plain', expiresInSecs: 60 })
      expect(target.method).toBe(method)
      expect(await upload(target, 'sent by a browser')).toBeLessThan(300)
      expect(await storage.readText(name)).toBe('sent by a browser')
      expect((await storage.stat(name)).contentType).toMatch(/^text\/plain/)
      if (limitsSize) {
        const limited = await storage.uploadTarget('limited.txt', { maxSize: 5 })
        expect(await upload(limited, '123456')).toBeGreaterThanOrEqual(400)
        expect(await storage.exists('limited.txt')).toBe(false)
        expect(await upload(limited, '12345')).toBeLessThan(300)
        await storage.delete('limited.txt')
      }
      await storage.delete(name)
    })

    it('another storage goes on with an upload, and a cancelled one leaves nothing', async () => {
      const bytes = randomBytes(2 * partSize + 1000)
      const name = 'dir/film.bin'
      const begun = await storage.openUpload(name, { partSize, contentType: 'video/x-odd' })
      await begun.write(bytes.subarray(0, partSize + 10))
      expect(await begun.pause()).toMatchObject({ offset: begun.offset })
      expect(await storage.exists(name)).toBe(false)
      await using other = open()
      const resumed = await other.resumeUpload(begun.token, { name })
      expect(resumed.offset).toBe(begun.offset)
      await resumed.send(bytes, { start: 0 })
      expect(await resumed.complete()).toBe(name)
      expect((await other.readBytes(name)).equals(bytes)).toBe(true)
      expect((await other.stat(name)).contentType).toBe('video/x-odd')
      await expect(other.resumeUpload(begun.token)).rejects.toMatchObject({ code: 'not_found' })
      await storage.delete(name)

      const cancelled = await storage.openUpload(name, { partSize })
      await cancelled.write(bytes)
      await cancelled.cancel()
      await expect(other.resumeUpload(cancelled.token)).rejects.toMatchObject({ code: 'not_found' })
      expect([await storage.exists(name), await unfinished()]).toEqual([false, []])
    })

    it('a file that is there meanwhile is kept by ifAbsent', async () => {
      const upload = await storage.openUpload('once.bin', { partSize, ifAbsent: storage.features.exclusiveCreate })
      await upload.write('new')
      if (!storage.features.exclusiveCreate) return upload.cancel()
      await storage.save('once.bin', 'first', { overwrite: true })
      await expect(upload.complete()).rejects.toMatchObject({ code: 'exists' })
      await upload.cancel()
      expect([await storage.readText('once.bin'), await unfinished()]).toEqual(['first', []])
      await storage.delete('once.bin')
    })
  })
}
