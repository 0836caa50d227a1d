import { expect, it } from 'vitest'
import { SftpStorage } from '../../../src/backends/sftp/index.ts'

const storage = new SftpStorage(
  { host: 'h', location: '/srv/media', baseUrl: 'http://m/x/' },
  { settings: {}, env: {} },
)

it('a URL is the base with the encoded name, and the server is not asked', async () => {
  expect(await storage.url('a b.txt')).toBe('http://m/x/a%20b.txt')
  expect(await storage.url('d/é#?.txt')).toBe('http://m/x/d/%C3%A9%23%3F.txt')
  expect(storage.supports('publicUrl')).toBe(true)
})

it('a name cannot lead to another host', async () => {
  for (const name of ['//evil.example.com/x', '/etc/passwd', '../x']) {
    await expect(storage.url(name)).rejects.toMatchObject({ code: 'suspicious_name' })
  }
})

it('without a base URL, and for uploads, there is none', async () => {
  const bare = new SftpStorage({ host: 'h' }, { settings: {}, env: {} })
  await expect(bare.url('a')).rejects.toMatchObject({ code: 'unsupported' })
  await expect(storage.url('a', { method: 'PUT' })).rejects.toMatchObject({ code: 'unsupported' })
  expect([bare.supports('publicUrl'), bare.supports('signedUrl'), bare.supports('path')]).toEqual([false, false, false])
  expect(() => bare.path('a')).toThrow("doesn't support absolute paths")
})

it('keys are the names, whatever the root is', () => {
  expect([storage.prefix, storage.keyOf('a//b'), storage.keyOf('d/')]).toEqual(['', 'a/b', 'd/'])
})
