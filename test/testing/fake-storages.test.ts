import { afterEach, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { configure, defaultStorage, storages } from '../../src/config/index.ts'
import { chaos } from '../../src/layers/chaos.ts'
import { createFileHandler } from '../../src/serve/index.ts'
import { fakeStorages } from '../../src/testing/index.ts'

afterEach(() => configure({}))

const STORAGES = {
  default: { BACKEND: 's3', OPTIONS: { bucketName: 'media', accessKey: 'AKIDEXAMPLE', secretKey: 'secret' } },
  media: { BACKEND: 'local', OPTIONS: { location: '/nowhere/at/all', baseUrl: '/media/' } },
  broken: { BACKEND: 'azure', OPTIONS: {} },
}

test('swaps every alias for memory, and restore puts the settings back', async () => {
  configure({ STORAGES })
  const real = storages['media']
  const fakes = fakeStorages()
  expect(fakes.aliases).toEqual(['default', 'media', 'broken'])
  for (const alias of fakes.aliases) {
    expect(storages[alias]).toBe(fakes.get(alias))
    expect(await storages[alias]!.save('a.txt', alias)).toBe('a.txt')
    await fakes.get(alias).assertExists('a.txt', alias)
  }
  // As the storage that it stands for: S3 overwrites by default, a local disk does not.
  expect([await storages.default.save('a.txt', 'b'), await storages['media']!.save('a.txt', 'b')]).toEqual([
    'a.txt',
    expect.stringMatching(/^a_\w{7}\.txt$/),
  ])
  fakes.restore()
  expect(storages['media']).toBe(real)
  expect(() => fakes.get('other')).toThrow("'other' is not one of the fake storages: default, media, broken.")
})

test('may be told the aliases, and to add one', async () => {
  configure({ STORAGES: { default: { BACKEND: 'memory' } } })
  const kept = storages.default
  using fakes = fakeStorages({ aliases: ['uploads'] })
  expect([storages.default === kept, storages['uploads']]).toEqual([true, fakes.get('uploads')])
  expect(() => fakeStorages({ aliase: ['x'] } as never)).toThrow(
    "fakeStorages has no option 'aliase' (did you mean 'aliases'?)",
  )
})

test('has direct uploads, which its own handler accepts within their limits', async () => {
  configure({ STORAGES })
  using fakes = fakeStorages()
  for (const alias of fakes.aliases) {
    const limits = { contentType: 'image/png', maxSize: 3, expiresInSecs: 60 }
    const { method, url, headers } = await storages[alias]!.uploadTarget('photos/1.png', limits)
    expect((await fakes.fetch(url, { method, headers, body: 'four' })).status).toBe(413)
    expect((await fakes.fetch(url, { method, headers: { 'content-type': 'text/html' }, body: 'abc' })).status).toBe(403)
    await fakes.get(alias).assertMissing('photos/1.png')
    expect((await fakes.fetch(url, { method, headers, body: 'abc' })).status).toBe(201)
    await fakes.get(alias).assertExists('photos/1.png', 'abc')
  }
})

test('keeps the visibility of a file until it is replaced, and makes a container', async () => {
  configure({ STORAGES })
  using _ = fakeStorages()
  await storages.default.createContainer()
  await storages.default.save('a.txt', 'a')
  expect(await storages.default.visibility('a.txt')).toBe('private')
  await storages.default.setVisibility('a.txt', 'public')
  expect(await storages.default.visibility('a.txt')).toBe('public')
  await storages.default.save('a.txt', 'b')
  expect(await storages.default.visibility('a.txt')).toBe('private')
  await storages.default.setVisibility('a.txt', 'public')
  await storages.default.setVisibility('a.txt', 'private')
  expect(await storages.default.visibility('a.txt')).toBe('private')
  await storages.default.delete('a.txt')
  await expect(storages.default.setVisibility('a.txt', 'public')).rejects.toMatchObject({ code: 'not_found' })
})

test('signs URLs that its own handler accepts, and no other ones', async () => {
  configure({ STORAGES })
  using fakes = fakeStorages()
  for (const alias of fakes.aliases) {
    const storage = storages[alias]!
    await storage.save('folder/ü a.txt', alias)
    const url = await storage.url('folder/ü a.txt', { expiresInSecs: 60 })
    const response = await fakes.fetch(url)
    expect([response.status, await response.text()]).toEqual([200, alias])
    expect((await fakes.fetch(url.replace(/.$/, end => (end === 'A' ? 'B' : 'A')))).status).toBe(403)
    expect((await fakes.fetch(url.split('?')[0]!)).status).toBe(403)
    const upload = await storage.url('put.txt', { method: 'PUT', expiresInSecs: 60 })
    expect((await fakes.fetch(upload, { method: 'PUT', body: 'x' })).status).toBe(201)
    await fakes.get(alias).assertExists('put.txt', 'x')
  }
  expect((await fakes.fetch('http://storage.test/other/a.txt')).status).toBe(404)
  // The handler of the application does it as well.
  const handler = createFileHandler(storages['media']!, { basePath: '/media/' })
  const own = new URL(await storages['media']!.url('put.txt'), 'http://localhost')
  expect((await handler(new Request(own))).status).toBe(200)
})

test('uploadTarget: its own handler stores the upload, and enforces name, size and type', async () => {
  configure({ STORAGES })
  using fakes = fakeStorages()
  for (const alias of fakes.aliases) {
    const storage = storages[alias]!
    expect(storage.supports('uploadTarget')).toBe(true)
    const target = await storage.uploadTarget('in/ü.png', { maxSize: 5, contentType: 'image/png', expiresInSecs: 60 })
    const send = (body: string, headers: Readonly<Record<string, string>> = target.headers, url = target.url) =>
      fakes.fetch(url, { method: target.method, headers, body })
    expect((await send('123456')).status).toBe(413)
    expect((await send('12345', { 'content-type': 'text/html' })).status).toBe(403)
    expect((await send('12345', target.headers, target.url.replace('.png', '.jpg'))).status).toBe(403)
    await fakes.get(alias).assertCount('', 0)
    expect((await send('12345')).status).toBe(201)
    await fakes.get(alias).assertExists('in/ü.png', '12345')
    expect((await storage.stat('in/ü.png')).contentType).toBe('image/png')
  }
})

test('assertions fail with what is there', async () => {
  configure({ STORAGES: { default: { BACKEND: 'memory' } } })
  using fakes = fakeStorages()
  const fake = fakes.get()
  await expect(fake.assertExists('a.txt')).rejects.toThrow("Expected the file 'a.txt' to exist. The storage is empty.")
  await defaultStorage.save('b/c.txt', 'x')
  await expect(fake.assertExists('a.txt')).rejects.toThrow("The storage has 'b/c.txt'.")
  await expect(fake.assertExists('b/c.txt', 'y')).rejects.toThrow("The file 'b/c.txt' has another content")
  await expect(fake.assertMissing('b/c.txt')).rejects.toThrow("Expected 'b/c.txt' not to exist.")
  await expect(fake.assertCount('b', 2)).rejects.toThrow("Expected 2 files in 'b', found 1.")
  await fake.assertExists('b/c.txt', Buffer.from('x'))
  await fake.assertMissing('a.txt')
  await fake.assertCount('', 1)
  await fake.assertCount('other', 0)
})

test('chaos refuses options that it does not have', async () => {
  expect(() => chaos({ fails: [1] } as never)).toThrow("chaos has no option 'fails' (did you mean 'fail'?)")
  const storage = new MemoryStorage({}, { layers: [chaos({ on: call => call.operation === 'write', fail: [1] })] })
  expect(await storage.save('a.txt', 'x')).toBe('a.txt')
})
