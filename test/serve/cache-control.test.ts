import { expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { createFileHandler, type FileHandlerOptions } from '../../src/serve/index.ts'

const FOREVER = 'public, max-age=31536000, immutable'

async function site(options: FileHandlerOptions) {
  const storage = new MemoryStorage({}, { env: {}, settings: {} })
  const names = ['css/a.0123456789ab.css', 'logo-20240608.png', 'apple-touch-icon.png', 'mstile-150x150.png']
  for (const name of names) await storage.save(name, name)
  await storage.save('own.css', 'x', { cacheControl: 'max-age=9' })
  const handler = createFileHandler(storage, { basePath: '/static/', ...options })
  return async (name: string, init?: RequestInit) =>
    (await handler(new Request(`http://h/static/${name}`, init))).headers.get('cache-control')
}

test('Cache-Control may be decided by name, and only what is known to be hashed is immutable', async () => {
  const hashed = new Set(['css/a.0123456789ab.css'])
  const asked: string[] = []
  const get = await site({
    precompressed: true,
    cacheControl: name => {
      asked.push(name)
      return hashed.has(name) ? FOREVER : undefined
    },
  })
  for (const method of ['GET', 'HEAD']) {
    expect(await get('css/a.0123456789ab.css', { method })).toBe(FOREVER)
    for (const name of ['logo-20240608.png', 'apple-touch-icon.png', 'mstile-150x150.png']) {
      expect(await get(name, { method })).toBe('no-cache')
    }
    expect(await get('own.css', { method })).toBe('max-age=9')
    expect(await get('css/none.0123456789ab.css', { method })).toBe('no-store')
  }
  expect(asked).toContain('css/a.0123456789ab.css')
  expect(asked.filter(name => name.includes('none') || name.includes('own'))).toEqual([])
})

test('a 304 has the same Cache-Control', async () => {
  const get = await site({ cacheControl: () => FOREVER })
  expect(await get('apple-touch-icon.png', { headers: { 'if-none-match': '*' } })).toBe(FOREVER)
})

test('one value is for all files, and without one the default is', async () => {
  expect(await (await site({ cacheControl: 'max-age=60' }))('apple-touch-icon.png')).toBe('max-age=60')
  expect(await (await site({}))('css/a.0123456789ab.css')).toBe('no-cache')
})

test('a function that throws is the server’s failure', async () => {
  const errors: unknown[] = []
  const get = await site({
    cacheControl: () => {
      throw new Error('boom')
    },
    onError: error => void errors.push(error),
  })
  expect(await get('apple-touch-icon.png')).toBe('no-store')
  expect(errors).toEqual([new Error('boom')])
})
