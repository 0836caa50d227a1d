import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configure, defaultStorage } from '../../../src/config/index.ts'
import { bytesContent } from '../../../src/core/content.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { at, storageWith } from './support.ts'

const server = await startStrictGcs()
const files = storageWith(at(server))
afterAll(async () => {
  await defaultStorage.close()
  await files.close()
  await server.close()
})

beforeAll(() => {
  configure({
    DEFAULT_FILE_STORAGE: 'storages.backends.gcloud.GoogleCloudStorage',
    GS_BUCKET_NAME: 'media',
    GS_ENDPOINT_URL: server.url,
    GS_CREDENTIALS: server.keyFile(),
  })
})

describe('the manual of django-storages 1.7.1, chapter 7', () => {
  it('7.3: settings make it the default storage', async () => {
    expect(defaultStorage.constructor.name).toBe('GcsStorage')
    await defaultStorage.save('default.txt', 'text')
    expect(await defaultStorage.size('default.txt')).toBe(4)
  })

  it('7.5.2: standard file access options work as expected', async () => {
    expect(await defaultStorage.exists('storage_test')).toBe(false)
    const file = await defaultStorage.open('storage_test', 'w')
    await file.write('storage contents')
    await file.close()

    expect(await defaultStorage.exists('storage_test')).toBe(true)
    const read = await defaultStorage.open('storage_test', 'r')
    expect(await read.read()).toBe('storage contents')
    await read.close()

    await defaultStorage.delete('storage_test')
    expect(await defaultStorage.exists('storage_test')).toBe(false)
  })

  it('a file that is opened for writing and closed is empty', async () => {
    const file = await files.open('storage_test', 'w')
    await file.close()
    expect(await files.size('storage_test')).toBe(0)
    await files.delete('storage_test')
  })

  it('opening what is not there for reading fails, deleting it does not', async () => {
    await expect(files.open('missing')).rejects.toMatchObject({ code: 'not_found' })
    await files.delete('missing')
  })

  it('lists a folder without its marker', async () => {
    await files.delete('default.txt')
    await files.calls.driver.write('dir/', bytesContent(Buffer.alloc(0)), {}, files.calls.context({}))
    await files.save('dir/a.txt', 'a')
    expect(await files.listdir('')).toEqual([['dir'], []])
    expect(await files.listdir('dir')).toEqual([[], ['a.txt']])
  })

  it('knows when a file was created and changed', async () => {
    const before = Date.now() - 1000
    await files.save('times.txt', 'a')
    const times = [await files.getCreatedTime('times.txt'), await files.getModifiedTime('times.txt')]
    for (const time of times) expect(time.getTime()).toBeGreaterThan(before)
  })

  it('sends the ACL, the cache control and the type with the upload', async () => {
    const storage = storageWith({
      ...at(server),
      defaultAcl: 'publicRead',
      cacheControl: 'max-age=60',
      objectParameters: { content_type: 'text/odd' },
    })
    await storage.save('public.txt', 'anybody')
    expect(server.requests.at(-1)!.url).toContain('predefinedAcl=publicRead')
    const answer = await fetch(await storage.url('public.txt'))
    expect(await answer.text()).toBe('anybody')
    expect(answer.headers.get('cache-control')).toBe('max-age=60')
    expect(answer.headers.get('content-type')).toBe('text/odd')
    await storage.close()
  })
})
