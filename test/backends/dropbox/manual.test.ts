import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configure, defaultStorage } from '../../../src/config/index.ts'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { hostsAt } from './support.ts'

afterAll(() => configure({}))

const server = await startStrictDropbox()
afterAll(async () => {
  await defaultStorage.close()
  await server.close()
})

beforeAll(() => {
  const { apiUrl, contentUrl } = hostsAt(server.url)
  configure({
    DEFAULT_FILE_STORAGE: 'storages.backends.dropbox.DropBoxStorage',
    DROPBOX_OAUTH2_TOKEN: server.token(),
    DROPBOX_ROOT_PATH: '/jail',
    DROPBOX_API_URL: apiUrl,
    DROPBOX_CONTENT_URL: contentUrl,
  })
})

describe('the manual of django-storages 1.7.1, chapter 5', () => {
  it('5.1: settings make it the default storage', async () => {
    expect(defaultStorage.constructor.name).toBe('DropboxStorage')
    expect(await defaultStorage.save('default.txt', 'text')).toBe('default.txt')
    expect(await defaultStorage.size('default.txt')).toBe(4)
  })

  it('5.1: DROPBOX_ROOT_PATH jails the storage to a directory', async () => {
    expect(server.paths()).toEqual(['/jail/default.txt'])
    await expect(defaultStorage.open('../x')).rejects.toMatchObject({ code: 'suspicious_name' })
  })

  it('what is written through open() arrives, in text and bit by bit', async () => {
    await defaultStorage.edit('opened.txt', 'w', async file => {
      for (const word of ['one', 'two', 'thrée']) await file.write(`${word} `)
    })
    expect(await defaultStorage.edit('opened.txt', 'r', file => file.read())).toBe('one two thrée ')
    expect(await defaultStorage.edit('opened.txt', 'rb', file => file.read())).toEqual(Buffer.from('one two thrée '))
    await defaultStorage.delete('opened.txt')
    expect(server.paths()).toEqual(['/jail/default.txt'])
  })

  it('opening what is not there for reading fails, deleting it does not', async () => {
    await expect(defaultStorage.open('missing')).rejects.toMatchObject({ code: 'not_found' })
    await defaultStorage.delete('missing')
    await defaultStorage.delete('missing/with/its/folder')
  })

  it('lists a folder, names relative to it; a file has nothing in it', async () => {
    await defaultStorage.save('dir/a.txt', 'a')
    await defaultStorage.save('dir/sub/b.txt', 'b')
    expect(await defaultStorage.listdir('dir')).toEqual([['sub'], ['a.txt']])
    expect(await defaultStorage.listdir('dir/a.txt')).toEqual([[], []])
    expect(await defaultStorage.listdir('missing')).toEqual([[], []])
  })

  it('a taken name gets another one, and the caller keeps its content', async () => {
    const content = Buffer.from('mine')
    const name = await defaultStorage.save('default.txt', content)
    expect(name).toMatch(/^default_\w{7}\.txt$/)
    expect(await defaultStorage.readText(name)).toBe('mine')
    expect(await defaultStorage.readText('default.txt')).toBe('text')
  })

  it('knows when a file was stored, not when it was made or read', async () => {
    const time = await defaultStorage.getModifiedTime('default.txt')
    expect(Math.abs(time.getTime() - Date.now())).toBeLessThan(60_000)
    await expect(defaultStorage.getCreatedTime('default.txt')).rejects.toMatchObject({ code: 'unsupported' })
    await expect(defaultStorage.getAccessedTime('default.txt')).rejects.toMatchObject({ code: 'unsupported' })
    expect(() => defaultStorage.path('default.txt')).toThrow("This backend doesn't support absolute paths.")
  })

  it('url gives a link', async () => {
    expect(await (await fetch(await defaultStorage.url('default.txt'))).text()).toBe('text')
  })
})
