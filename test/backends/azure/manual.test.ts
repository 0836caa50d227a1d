import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { AzureStorage } from '../../../src/backends/azure/index.ts'
import { overrideSettings, storages } from '../../../src/index.ts'
import { startStrictAzure } from '../../servers/strict-azure.ts'
import { storageWith } from './support.ts'

const server = await startStrictAzure({ containers: ['media', { name: 'public', publicAccess: 'blob' }] })
afterAll(() => server.close())
const files = (options = {}) =>
  storageWith({ connectionString: server.connectionString, azureContainer: 'media', maxAttempts: 1, ...options })

beforeEach(async () => {
  const names: string[] = []
  for await (const { name } of files().entries('', { recursive: true })) names.push(name)
  await files().deleteMany(names)
  server.faults.clear()
  server.requests.length = 0
})

describe('private and public side by side', () => {
  class PublicAzureStorage extends AzureStorage {
    static override readonly defaults = {
      account_name: 'myaccount',
      account_key: 'mykey',
      azure_container: 'mypublic_container',
      expiration_secs: null,
    }
  }

  test('the attributes of PublicAzureStorage win over the settings, and its URLs are plain', async () => {
    const settings = {
      AZURE_ACCOUNT_NAME: 'other',
      AZURE_ACCOUNT_KEY: 'b3RoZXI=',
      AZURE_CONTAINER: 'private',
      AZURE_URL_EXPIRATION_SECS: 600,
    }
    const services = { settings, env: {} }
    const open = new PublicAzureStorage({}, services)
    expect(open.options).toMatchObject({
      accountName: 'myaccount',
      accountKey: 'mykey',
      azureContainer: 'mypublic_container',
      expirationSecs: null,
    })
    expect(await open.url('css/a b.css')).toBe(
      'https://myaccount.blob.core.windows.net/mypublic_container/css/a%20b.css',
    )
    // The key of the manual is none, which is told where something must be signed.
    await expect(open.url('a', { expiresInSecs: 60 })).rejects.toMatchObject({ code: 'improperly_configured' })
    const error = await open.exists('a').catch(reason => reason)
    expect([error.code, error.message]).toEqual([
      'improperly_configured',
      expect.stringContaining('AZURE_ACCOUNT_KEY must be an account key in base64'),
    ])
    expect(error.message).not.toContain('mykey')
    const closed = new AzureStorage({}, services)
    expect(await closed.url('a.txt')).toMatch(
      /^https:\/\/other\.blob\.core\.windows\.net\/private\/a\.txt\?sv=.*&sp=r&sig=/,
    )
  })

  test('both are named by the settings', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'azure-manual-'))
    try {
      const source = pathToFileURL(join(import.meta.dirname, '../../../src/backends/azure/index.ts')).href
      writeFileSync(
        join(folder, 'custom_azure.ts'),
        `import { AzureStorage } from '${source}'
        export class PublicAzureStorage extends AzureStorage {
          static override readonly defaults = { azure_container: 'public', expiration_secs: null }
        }`,
      )
      const settings = {
        DEFAULT_FILE_STORAGE: 'storages.backends.azure_storage.AzureStorage',
        STATICFILES_STORAGE: `${join(folder, 'custom_azure.ts')}#PublicAzureStorage`,
        AZURE_CONNECTION_STRING: server.connectionString,
        AZURE_CONTAINER: 'media',
        AZURE_URL_EXPIRATION_SECS: 600,
      }
      await overrideSettings(settings, async () => {
        const [media, statics] = [storages.default!, storages.staticfiles!]
        await media.save('a.txt', 'private')
        await statics.save('a.txt', 'public')
        const [signed, plain] = [await media.url('a.txt'), await statics.url('a.txt')]
        expect(plain).toBe(`${server.endpoint}/public/a.txt`)
        expect(await (await fetch(plain)).text()).toBe('public')
        expect(await (await fetch(signed)).text()).toBe('private')
        expect((await fetch(signed.split('?')[0]!)).status).toBeGreaterThanOrEqual(400)
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

test('writes, reads and deletes a file', async () => {
  const media = files()
  expect(await media.exists('storage_test')).toBe(false)
  await media.edit('storage_test', 'w', file => file.write('storage contents'))
  expect(await media.exists('storage_test')).toBe(true)
  expect(await media.edit('storage_test', 'r', file => file.read())).toBe('storage contents')
  await media.edit('storage_test', 'a', file => file.write(', and more'))
  expect(await media.readText('storage_test')).toBe('storage contents, and more')
  await media.delete('storage_test')
  await media.delete('storage_test')
  expect(await media.exists('storage_test')).toBe(false)
})

test('without overwriting a taken name gets a suffix, and no request is lost on asking', async () => {
  const media = files()
  expect(await media.save('d/a.txt', '1')).toBe('d/a.txt')
  expect(server.requests.map(({ operation }) => operation)).toEqual(['PutBlob'])
  expect(await media.save('d/a.txt', '2')).toMatch(/^d\/a_[A-Za-z0-9]{7}\.txt$/)
  expect(await media.readText('d/a.txt')).toBe('1')
  const names = await Promise.all(Array.from({ length: 8 }, (_, at) => media.save('race.txt', `${at}`)))
  expect(new Set(names).size).toBe(8)
  expect(await Promise.all(names.map(name => media.readText(name)))).toEqual(names.map((_, at) => `${at}`))
  const over = files({ fileOverwrite: true })
  expect(await over.save('d/a.txt', '3')).toBe('d/a.txt')
  expect(await over.readText('d/a.txt')).toBe('3')
})

test('a free name fits below the location', async () => {
  const media = files({ location: 'loc' })
  const name = `${'a'.repeat(1016)}.txt`
  await media.save(name, '1')
  const other = await media.save(name, '2')
  expect(other).toHaveLength(1020)
  expect(other).toMatch(/a_[A-Za-z0-9]{7}\.txt$/)
})

test('listdir gives folders and files relative to the folder, within the location', async () => {
  const media = files({ location: 'loc' })
  for (const name of ['dir/a', 'dir/b c', 'dir/sub/d', 'other']) await media.save(name, 'x')
  await files().save('outside', 'x')
  for (const path of ['dir', 'dir/']) expect(await media.listdir(path)).toEqual([['sub'], ['a', 'b c']])
  expect(await media.listdir('')).toEqual([['dir'], ['other']])
  expect(await media.listdir('none')).toEqual([[], []])
})

test('sends the object parameters, cacheControl and the type that is guessed', async () => {
  const media = files({
    cacheControl: 'max-age=5',
    objectParameters: { content_language: 'de', access_tier: 'Cool', tags: { a: 'b c' } },
  })
  await media.save('x.css', 'x')
  await media.save('none', 'x')
  await media.save('y.css', 'x', {
    contentType: 'text/odd',
    cacheControl: 'no-store',
    metadata: { 'Who-Is': 'Jürgen' },
  })
  const sent = server.requests.map(({ headers }) => headers)
  expect(sent[0]).toMatchObject({
    'x-ms-blob-content-type': 'text/css',
    'x-ms-blob-cache-control': 'max-age=5',
    'x-ms-blob-content-language': 'de',
    'x-ms-access-tier': 'Cool',
    'x-ms-tags': 'a=b%20c',
  })
  expect(sent[1]).toMatchObject({ 'x-ms-blob-content-type': 'application/octet-stream' })
  expect(await media.stat('y.css')).toMatchObject({
    contentType: 'text/odd',
    cacheControl: 'no-store',
    contentLanguage: 'de',
    storageClass: 'Cool',
    metadata: { 'who-is': 'Jürgen' },
  })
  const [entry] = (await media.page()).entries
  expect(entry).toMatchObject({
    name: 'none',
    size: 1,
    storageClass: 'Cool',
    createdAt: expect.any(Date),
    modifiedAt: expect.any(Date),
  })
})
