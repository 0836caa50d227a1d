/** What Dropbox does with names, listings, rows of D.9 and links. */
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DropboxOptions } from '../../../src/backends/dropbox/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { refused, startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { at, storageWith } from './support.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const server = await startStrictDropbox()
afterAll(() => server.close())
beforeEach(() => {
  server.faults.clear()
  server.clear()
  server.requests.length = 0
})

const storage = (more: Input<DropboxOptions> = {}) => storageWith({ ...at(server), ...more })

describe('names without case', () => {
  test('A.txt and a.txt are one file, whose first spelling is kept', async () => {
    await using files = storage({ fileOverwrite: true })
    expect(await files.save('Dir/A.txt', 'one')).toBe('Dir/A.txt')
    await files.save('dir/a.TXT', 'two')
    expect(await files.readText('DIR/a.txt')).toBe('two')
    expect(server.paths()).toEqual(['/Dir/A.txt'])
    expect(await files.listdir('dir')).toEqual([[], ['A.txt']])
    expect(await files.exists('DIR/A.TXT')).toBe(true)
    await using keeping = storage({ fileOverwrite: false })
    const name = await keeping.save('DIR/a.txt', 'three')
    expect(name).not.toBe('DIR/a.txt')
    await files.move('Dir/A.txt', 'dir/A.TXT', { overwrite: true })
    expect(await files.readText('dir/a.txt')).toBe('two')
    await files.copy('Dir/A.txt', 'DIR/A.txt', { overwrite: true })
    await files.delete('dir/A.TXT')
    expect(await files.exists('Dir/A.txt')).toBe(false)
  })
})

describe('listings', () => {
  test('D.9 row 210: of many pages, some of them empty, are whole, and each file comes once though it changes meanwhile', async () => {
    const own = await startStrictDropbox({ pageSize: 2, emptyPages: 1 })
    await using files = storageWith(at(own))
    for (let at = 0; at < 9; at++) own.put(`/dir/${at}`, 'x')
    const names: string[] = []
    for await (const { name } of files.entries('dir')) {
      names.push(name)
      if (names.length === 2) own.put(`/${name}`, 'changed')
      if (names.length === 3) own.put('/dir/new', 'x')
    }
    expect(names.sort()).toEqual([...Array.from({ length: 9 }, (_, at) => `dir/${at}`), 'dir/new'])
    expect((await files.listdir('dir'))[1].sort()).toEqual([...Array.from({ length: 9 }, (_, at) => String(at)), 'new'])
    await own.close()
  })

  test('that the service has given up begin again, and give no file twice', async () => {
    const own = await startStrictDropbox({ pageSize: 2 })
    await using files = storageWith(at(own))
    for (let at = 0; at < 9; at++) own.put(`/dir/${at}`, 'x')
    const names: string[] = []
    let resets = 0
    for await (const { name } of files.entries('', { recursive: true })) {
      names.push(name)
      if (names.length % 3 === 0 && ++resets < 3) own.cursors.resetAll()
    }
    expect(names.sort()).toEqual(Array.from({ length: 9 }, (_, at) => `dir/${at}`))
    own.faults.add({ operation: 'files/list_folder/continue', times: 99, fault: refused('reset') })
    await expect(files.listdir('dir')).rejects.toMatchObject({ code: 'unavailable' })
    await own.close()
  })
})

describe('D.9', () => {
  test('row 205: no token is improperly_configured', () => {
    expect(() => storageWith({})).toThrow(expect.objectContaining({ name: 'ImproperlyConfigured' }))
    expect(() => storageWith({ oauth2RefreshToken: 'r' })).toThrow(/DROPBOX_APP_KEY/)
  })

  test('row 207: nothing outside the root is reached', async () => {
    await using files = storage({ rootPath: '/app' })
    server.put('/x', 'secret')
    for (const name of ['../x', '/x', 'a/../../x', '../app2/x']) {
      await expect(files.open(name)).rejects.toMatchObject({ name: 'SuspiciousFileOperation' })
      await expect(files.save(name, 'x')).rejects.toMatchObject({ name: 'SuspiciousFileOperation' })
    }
    expect(server.requests).toEqual([])
    expect(await files.save('d/a.txt', 'x')).toBe('d/a.txt')
    expect(server.paths()).toEqual(['/app/d/a.txt', '/x'])
  })

  test('row 211: exists is an error where the token is invalid', async () => {
    await using files = storage({ oauth2AccessToken: 'sl.a-token-that-nobody-gave-anyone' })
    await expect(files.exists('a')).rejects.toMatchObject({ code: 'permission_denied' })
  })
})

describe('links', () => {
  test('are for four hours, and need no token', async () => {
    await using files = storage()
    server.put('/a.txt', 'text')
    const answer = await fetch(await files.url('a.txt'))
    expect([answer.status, await answer.text()]).toEqual([200, 'text'])
    await expect(files.url('none')).rejects.toMatchObject({ code: 'not_found' })
    await expect(files.url('a.txt', { expiresInSecs: 60 })).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('that are shared stay, and are the same each time', async () => {
    await using files = storage({ sharedLinks: true })
    server.put('/a.txt', 'text')
    const url = await files.url('a.txt')
    expect(await files.url('a.txt')).toBe(url)
    expect(await (await fetch(url)).text()).toBe('text')
  })

  test('take an upload once', async () => {
    await using files = storage()
    const url = await files.uploadUrl('up.txt')
    const post = () =>
      fetch(url, { method: 'POST', body: 'bytes', headers: { 'content-type': 'application/octet-stream' } })
    expect((await post()).status).toBe(200)
    expect(server.file('/up.txt')?.revision.body.toString()).toBe('bytes')
    expect((await post()).status).toBe(410)
  })
})

describe('what the manual page says besides', () => {
  test('equal bytes make no new revision', async () => {
    await using files = storage({ fileOverwrite: true })
    await files.save('a', 'text')
    const { etag } = await files.stat('a')
    await files.save('a', 'text')
    expect((await files.stat('a')).etag).toBe(etag)
    await files.save('a', 'other')
    expect((await files.stat('a')).etag).not.toBe(etag)
  })

  test('copyMany and moveMany take whole folders', async () => {
    await using files = storage()
    server.put('/old/below/a', 'x')
    expect(await files.copyMany([{ from: 'old', to: 'copy' }])).toEqual([{ from: 'old', to: 'copy' }])
    expect(await files.moveMany([{ from: 'old', to: 'new' }])).toEqual([{ from: 'old', to: 'new' }])
    expect(server.paths()).toEqual(['/copy/below/a', '/new/below/a'])
  })

  test('deleteMany asks for eight revisions at a time', async () => {
    await using files = storage()
    const names = Array.from({ length: 20 }, (_, at) => `${at}`)
    for (const name of names) server.put(`/${name}`, 'x')
    const eight = Promise.withResolvers<void>()
    const controller = new AbortController()
    let asked = 0
    const fault = { do: 'hold', onHold: () => ++asked === 8 && eight.resolve() } as const
    server.faults.add({ operation: 'files/get_metadata', times: 99, fault })
    const deleted = files.deleteMany(names, { signal: controller.signal })
    await eight.promise
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
    expect(asked).toBe(8)
    controller.abort()
    await expect(deleted).rejects.toMatchObject({ code: 'aborted' })
  })
})
