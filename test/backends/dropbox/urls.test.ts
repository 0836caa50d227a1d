import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'
import type { Scripted } from '../../support/scripted-client.ts'
import { argOf, called, FILE, refusal, scripted } from './scripted.ts'
import { at, storageWith } from './support.ts'

const server = await startStrictDropbox()
const files = storageWith({ ...at(server), rootPath: '/App' })
afterAll(async () => {
  await files.close()
  await server.close()
})
beforeEach(() => {
  server.clear()
  server.requests.length = 0
})

const post = (url: string, body: string): Promise<Response> =>
  fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/octet-stream' } })

describe('url', () => {
  it('is a link that gives the bytes to anybody, also of an odd name', async () => {
    for (const name of ['a.txt', 'dir/a b ü+%41?#&.txt']) {
      await files.save(name, name)
      expect(await (await fetch(await files.url(name))).text()).toBe(name)
      expect(await (await fetch(await files.url(name, { method: 'HEAD' }), { method: 'HEAD' })).text()).toBe('')
    }
  })

  it('takes an entry of a listing, and the life that links have', async () => {
    await files.save('a.txt', 'text')
    const [entry] = (await files.page()).entries
    expect(await (await fetch(await files.url(entry!, { expiresInSecs: 14_400 }))).text()).toBe('text')
    expect(files.supports('signedUrl')).toBe(true)
  })

  it.each([1, 3600, 14_399, 14_401, 604_800, 0, -1])(
    'for %d seconds is refused: no link may live longer, or shorter, than was asked for',
    async expiresInSecs => {
      const asked = files.url('a.txt', { expiresInSecs })
      await expect(asked).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('14400') })
      expect(server.requests).toEqual([])
    },
  )

  it.each([
    ['contentDisposition', 'attachment'],
    ['contentType', 'text/plain'],
    ['cacheControl', 'no-store'],
    ['parameters', { dl: 1 }],
  ])('with %s is refused by name', async (name, value) => {
    const asked = files.url('a.txt', { [name]: value })
    await expect(asked).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining(`'${name}'`) })
  })

  it.each(['PUT', 'DELETE'] as const)('for %s is refused, and says what there is', async method => {
    await expect(files.url('a.txt', { method })).rejects.toThrow(/uploadUrl/)
  })

  it('of a missing file is not_found, of a folder is_directory, of a name outside suspicious_name', async () => {
    await files.save('dir/a.txt', 'x')
    await expect(files.url('missing')).rejects.toMatchObject({ code: 'not_found', fileName: 'missing' })
    await expect(files.url('dir')).rejects.toMatchObject({ code: 'is_directory' })
    for (const name of ['../a', 'dir/', ''])
      await expect(files.url(name)).rejects.toMatchObject({ code: 'suspicious_name' })
  })

  it.each<[string, Scripted]>([
    ['no link', { json: { metadata: FILE } }],
    ['a link that is none', { json: { link: 'javascript:alert(1)', metadata: FILE } }],
    ['a page', { status: 200, body: '<html>' }],
  ])('that is answered by %s is an error', async (_, answer) => {
    await expect(scripted(() => answer).url('a')).rejects.toMatchObject({ code: 'unavailable', outcome: 'not_applied' })
  })

  it('of a file without bytes of its own is unsupported', async () => {
    await expect(scripted(() => refusal('unsupported_file')).url('a')).rejects.toMatchObject({ code: 'unsupported' })
  })
})

describe('with sharedLinks', () => {
  const shared = storageWith({ ...at(server), rootPath: '/App', sharedLinks: true })
  afterAll(() => shared.close())

  it('url is the shared link, the same each time, that shows the bytes', async () => {
    await shared.save('a.txt', 'text')
    const url = await shared.url('a.txt')
    expect(new URL(url).searchParams.get('raw')).toBe('1')
    expect(new URL(url).searchParams.has('dl')).toBe(false)
    expect(await shared.url('a.txt')).toBe(url)
    expect(await (await fetch(url)).text()).toBe('text')
  })

  it('a life that is named gives a link for 4 hours all the same', async () => {
    await shared.save('a.txt', 'text')
    await shared.url('a.txt', { expiresInSecs: 14_400 })
    expect(server.requests.at(-1)!.operation).toBe('files/get_temporary_link')
    await expect(shared.url('a.txt', { expiresInSecs: 60 })).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('is an error where sharing is not allowed, or nothing is told', async () => {
    const denied = scripted(() => refusal('settings_error', 'not_authorized'), { sharedLinks: true })
    await expect(denied.url('a')).rejects.toMatchObject({ code: 'permission_denied' })
    const empty = scripted(
      asked =>
        called(asked).endsWith('list_shared_links') ? { json: { links: [] } } : refusal('shared_link_already_exists'),
      { sharedLinks: true },
    )
    await expect(empty.url('a')).rejects.toMatchObject({ code: 'unavailable' })
    expect(argOf(empty.asked[1]!)).toEqual({ path: '/a', direct_only: true })
  })
})

describe('uploadUrl', () => {
  it('takes a new file once, and refuses a taken name', async () => {
    const url = await files.uploadUrl('up.txt', { expiresInSecs: 60 })
    expect((await post(url, 'one')).status).toBe(200)
    expect(await files.readText('up.txt')).toBe('one')
    expect((await post(url, 'two')).status).toBeGreaterThanOrEqual(400)
    const taken = await post(await files.uploadUrl('UP.txt'), 'three')
    expect(taken.status).toBe(409)
    expect(await files.readText('up.txt')).toBe('one')
  })

  it('replaces a file with overwriting', async () => {
    await files.save('up.txt', 'one')
    expect((await post(await files.uploadUrl('up.txt', { overwrite: true }), 'two')).status).toBe(200)
    expect(await files.readText('up.txt')).toBe('two')
  })

  it.each([0, 59, 14_401, Number.NaN])('for %d seconds is an invalid_argument', async expiresInSecs => {
    await expect(files.uploadUrl('a', { expiresInSecs })).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('is refused by a storage that is read only', async () => {
    await using readOnly = storageWith({ ...at(server), readOnly: true })
    await expect(readOnly.uploadUrl('a')).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(readOnly.moveMany([{ from: 'a', to: 'b' }])).rejects.toMatchObject({ code: 'permission_denied' })
    expect(server.requests).toEqual([])
  })
})
