import { expect, test } from 'vitest'
import { FtpStorage } from '../../../src/backends/ftp/index.ts'

const location = 'ftp://u:p@host/x'

function storage(baseUrl: string | null): FtpStorage {
  return new FtpStorage({ location, baseUrl }, { settings: {}, env: {} })
}

// Row 220, and what the upstream join lets through.
test.each([
  ['http://m/x/', 'a b.txt', 'http://m/x/a%20b.txt'],
  ['http://m/x', 'd/é.txt', 'http://m/x/d/%C3%A9.txt'],
  ['/media/', 'a?b#c%.txt', '/media/a%3Fb%23c%25.txt'],
  ['http://m/x/', 'http://evil/x', 'http://m/x/http%3A/evil/x'],
  ['http://m/x/', 'a\\b', 'http://m/x/a/b'],
])('below %s the URL of %s is %s', async (baseUrl, name, url) => {
  expect(await storage(baseUrl).url(name)).toBe(url)
})

test('a name cannot lead out of the base URL', async () => {
  expect(await storage('http://m/x/').url('/abs')).toBe('http://m/x/abs')
  await expect(storage('http://m/x/').url('../up')).rejects.toMatchObject({ code: 'suspicious_name' })
})

test('without a base URL there is none, and no path on this machine', async () => {
  const files = storage(null)
  await expect(files.url('a')).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('This file is not accessible via a URL.'),
  })
  expect(() => files.path('a')).toThrow("This backend doesn't support absolute paths.")
  expect(files.supports('exclusiveCreate')).toBe(false)
  expect(files.supports('publicUrl')).toBe(false)
  expect(storage('/m/').supports('publicUrl')).toBe(true)
})
