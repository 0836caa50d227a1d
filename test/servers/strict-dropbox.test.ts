import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { BLOCK, contentHash } from './strict-dropbox/content-hash.ts'
import { failure, tagged } from './strict-dropbox/failure.ts'
import { officialClient } from './strict-dropbox/official.ts'
import { htmlError, rateLimited, startStrictDropbox } from './strict-dropbox.ts'

const server = await startStrictDropbox({ pageSize: 3, emptyPages: 1 })
const dbx = officialClient(server)
afterAll(() => server.close())
beforeEach(() => {
  server.clear()
  server.requests.length = 0
})

describe('content_hash', () => {
  const pattern = (size: number): Buffer => Buffer.from(Uint8Array.from({ length: size }, (_, at) => at))
  test.each([
    ['hello rdrop2', '1aa2b7623dfff520c4abdc1227d10bc4e229b74005b66b3458345830e556f4de'],
    ['a', 'bf5d3affb73efd2ec6c36ad3112dd933efed63c4e1cbffcfa88e2759c144f2d8'],
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    [pattern(BLOCK), '894bbb52d1212d6bcbe9967f1a2169138c4d4af0c8dfbaeae86cd1d3f0c03faf'],
    [pattern(3.5 * BLOCK), 'f61d3ae93fa4f7646d37949fc0885141bf682faa9a130896b93459c650335d0f'],
    [Buffer.alloc(BLOCK + 1), '14a4d47f23a30177885d9820122f17d2d3a55fe63f7f5c27b95f689e0b2accd6'],
  ])('of %#', (content, hash) => {
    expect(contentHash(Buffer.from(content))).toBe(hash)
  })
})

describe('the official client', () => {
  test('uploads and downloads a file with an odd name', async () => {
    const name = '/Földer/日本 a+b%#.txt'
    const { result } = await dbx.filesUpload({ path: name, contents: 'hello', client_modified: '2020-01-02T03:04:05Z' })
    expect(result).toMatchObject({
      name: '日本 a+b%#.txt',
      path_display: name,
      path_lower: name.toLowerCase(),
      client_modified: '2020-01-02T03:04:05Z',
      size: 5,
      is_downloadable: true,
      content_hash: contentHash(Buffer.from('hello')),
    })
    expect(result.rev).toMatch(/^[0-9a-f]{9,}$/)
    const downloaded = (await dbx.filesDownload({ path: name.toUpperCase() })).result
    expect(String(downloaded.fileBinary)).toBe('hello')
    expect(downloaded.path_display).toBe(name)
    expect(server.requests[0]!.headers['dropbox-api-arg']).toContain('/F\\u00f6lder/\\u65e5\\u672c a+b%#.txt')
    expect(server.requests.map(({ operation, host, key }) => [operation, host, key])).toEqual([
      ['files/upload', 'content', name],
      ['files/download', 'content', name.toUpperCase()],
    ])
  })

  test('reads by id, by revision, and what was there before', async () => {
    const first = (await dbx.filesUpload({ path: '/a.txt', contents: 'one' })).result
    const { result: second } = await dbx.filesUpload({ path: '/a.txt', contents: 'two', mode: { '.tag': 'overwrite' } })
    expect(second.id).toBe(first.id)
    const read = async (at: string): Promise<string> =>
      String((await dbx.filesDownload({ path: at })).result.fileBinary)
    expect(await read(first.id)).toBe('two')
    expect(await read(`rev:${first.rev}`)).toBe('one')
    expect(await read(`rev:${second.rev}`)).toBe('two')
    expect((await dbx.filesGetMetadata({ path: `rev:${first.rev}` })).result).toMatchObject({ '.tag': 'file', size: 3 })
  })

  test('gets a part of a file', async () => {
    server.put('/a', 'hello world')
    const part = await dbx.filesDownload({ path: '/a' }, { extraHeaders: { Range: 'bytes=6-8' } })
    expect([part.status, String(part.result.fileBinary), part.result.size]).toEqual([206, 'wor', 11])
    expect(part.headers.get('content-range')).toBe('bytes 6-8/11')
    expect(part.headers.get('etag')).toBe(`W/"${part.result.rev}"`)
    const beyond = dbx.filesDownload({ path: '/a' }, { extraHeaders: { Range: 'bytes=11-' } })
    expect(await failure(beyond)).toMatchObject({ status: 416 })
    const same = await fetch(`${server.contentUrl}/2/files/download?arg=${encodeURIComponent('{"path":"/a"}')}`, {
      headers: { authorization: `Bearer ${server.token()}`, 'if-none-match': `W/"${part.result.rev}"` },
    })
    expect(same.status).toBe(304)
  })

  test('lists by pages, some of them empty, in no order of names, and the folder itself where it goes down', async () => {
    for (const name of ['a', 'b', 'c', 'D', 'e/f']) server.put(`/x/${name}`, 'x')
    const all = async (recursive: boolean): Promise<{ paths: string[]; pages: number[] }> => {
      const paths: string[] = []
      const pages: number[] = []
      let { result } = await dbx.filesListFolder({ path: '/x', recursive })
      for (;;) {
        pages.push(result.entries.length)
        paths.push(...result.entries.map(entry => entry.path_display!))
        if (!result.has_more) return { paths, pages }
        const again = await dbx.filesListFolderContinue({ cursor: result.cursor })
        const next = await dbx.filesListFolderContinue({ cursor: result.cursor })
        expect(next.result.entries).toEqual(again.result.entries)
        ;({ result } = next)
      }
    }
    const flat = await all(false)
    expect(flat.pages).toEqual([0, 3, 0, 2])
    expect(flat.paths).not.toEqual(flat.paths.toSorted())
    expect(flat.paths.toSorted()).toEqual(['/x/D', '/x/a', '/x/b', '/x/c', '/x/e'])
    expect((await all(true)).paths.toSorted()).toEqual(['/x', '/x/D', '/x/a', '/x/b', '/x/c', '/x/e', '/x/e/f'])
    const { result } = await dbx.filesListFolder({ path: '' })
    expect([result.entries, result.has_more]).toEqual([[], true])
  })

  test('learns what changed while it lists, also what was deleted', async () => {
    for (const name of ['a', 'b', 'c', 'd']) server.put(`/x/${name}`, 'x')
    let { result } = await dbx.filesListFolder({ path: '/x', limit: 2 })
    while (result.entries.length === 0) ({ result } = await dbx.filesListFolderContinue({ cursor: result.cursor }))
    server.put('/x/new', 'x')
    const [seen] = result.entries
    await dbx.filesDeleteV2({ path: seen!.path_lower! })
    const rest: string[] = []
    while (result.has_more) {
      ;({ result } = await dbx.filesListFolderContinue({ cursor: result.cursor }))
      rest.push(...result.entries.map(entry => `${entry['.tag']} ${entry.name}`))
    }
    expect(rest.slice(2)).toEqual(['file new', `deleted ${seen!.name}`])
    const later = await dbx.filesListFolderContinue({ cursor: result.cursor })
    expect([later.result.entries, later.result.has_more]).toEqual([[], false])
    server.cursors.resetAll()
    const reset = dbx.filesListFolderContinue({ cursor: result.cursor })
    expect(await failure(reset)).toEqual(tagged('reset'))
    const wrong = await failure(dbx.filesListFolderContinue({ cursor: 'nonsense' }))
    expect(wrong).toEqual({
      status: 400,
      error: 'Error in call to API function "files/list_folder/continue": Invalid "cursor" parameter: \'nonsense\'',
    })
  })

  test('sees what was deleted where it asks for it', async () => {
    server.put('/x/A', 'x')
    await dbx.filesDeleteV2({ path: '/X/a' })
    expect(await failure(dbx.filesGetMetadata({ path: '/x/a' }))).toEqual(tagged('path/not_found'))
    const { result } = await dbx.filesGetMetadata({ path: '/x/a', include_deleted: true })
    expect(result).toEqual({ '.tag': 'deleted', name: 'A', path_lower: '/x/a', path_display: '/x/A' })
    server.put('/x/a', 'again')
    expect((await dbx.filesGetMetadata({ path: '/x/A', include_deleted: true })).result['.tag']).toBe('file')
  })

  test('is told what is wrong with a path, by the same words for folders, files and names', async () => {
    server.put('/dir/file', 'x')
    expect(await failure(dbx.filesDownload({ path: '/dir' }))).toEqual(tagged('path/not_file'))
    expect(await failure(dbx.filesListFolder({ path: '/dir/file' }))).toEqual(tagged('path/not_folder'))
    expect(await failure(dbx.filesListFolder({ path: '/no' }))).toEqual(tagged('path/not_found'))
    for (const bad of ['/dir/', '//dir', '/./a', '/a/../b', `/${'a'.repeat(256)}`, '/a\\b', '/a ', '/a /b', '/a\x7f']) {
      expect(await failure(dbx.filesGetMetadata({ path: bad }))).toEqual(tagged('path/malformed_path'))
    }
    const text = (await failure(dbx.filesGetMetadata({ path: 'dir' }))).error
    expect(text).toMatch(/"files\/get_metadata": request body: path: 'dir' did not match pattern '.*'$/)
    expect((await failure(dbx.filesListFolder({ path: '/' }))).error).toContain('as an empty string rather than as "/"')
    expect((await failure(dbx.filesGetMetadata({ path: '/' }))).error).toContain('The root folder is unsupported.')
    expect((await failure(dbx.filesDownload({ path: 'x' }))).error).toContain('HTTP header "Dropbox-API-Arg": path: ')
  })

  test('gets a temporary link, which needs no token, takes none, and ends after four hours', async () => {
    let now = Date.now()
    const own = await startStrictDropbox({ now: () => now })
    own.put('/a.txt', 'hello world')
    const { result } = await officialClient(own).filesGetTemporaryLink({ path: '/a.txt' })
    expect(result.metadata.name).toBe('a.txt')
    const answer = await fetch(result.link, { headers: { range: 'bytes=0-4' } })
    expect([answer.status, await answer.text()]).toEqual([206, 'hello'])
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    const withToken = await fetch(result.link, { headers: { authorization: 'Bearer x' } })
    expect(withToken.status).toBe(400)
    now += 4 * 3600 * 1000
    expect((await fetch(result.link)).status).toBe(410)
    await own.close()
  })

  test('gets a temporary link to upload by, which is good once', async () => {
    const { result } = await dbx.filesGetTemporaryUploadLink({ commit_info: { path: '/up.txt' }, duration: 60 })
    const post = (type: string): Promise<Response> =>
      fetch(result.link, { method: 'POST', body: 'bytes', headers: { 'content-type': type } })
    expect((await post('application/json')).status).toBe(400)
    const answer = await post('application/octet-stream')
    expect([answer.status, await answer.json()]).toEqual([200, { 'content-hash': contentHash(Buffer.from('bytes')) }])
    expect((await post('application/octet-stream')).status).toBe(410)
    expect(String(server.file('/up.txt')!.revision.body)).toBe('bytes')
  })

  test('shares a link once, and finds it again', async () => {
    server.put('/dir/a b.txt', 'shared')
    const { result } = await dbx.sharingCreateSharedLinkWithSettings({ path: '/dir/a b.txt' })
    expect(await (await fetch(result.url.replace('dl=0', 'dl=1'))).text()).toBe('shared')
    expect(await (await fetch(result.url)).text()).toContain('<title>')
    const again = await failure(dbx.sharingCreateSharedLinkWithSettings({ path: '/dir/a b.txt' }))
    expect(again).toMatchObject({
      status: 409,
      error: {
        '.tag': 'shared_link_already_exists',
        shared_link_already_exists: { '.tag': 'metadata', metadata: { url: result.url } },
      },
    })
    const { result: listed } = await dbx.sharingListSharedLinks({ path: '/dir/a b.txt', direct_only: true })
    expect(listed.links.map(({ url }) => url)).toEqual([result.url])
  })

  test('meets planned faults: 429 in every form, pages of HTML, and nothing at all', async () => {
    server.put('/a', 'x')
    const ask = (): Promise<unknown> => dbx.filesGetMetadata({ path: '/a' })
    server.faults.add({ fault: rateLimited({ reason: 'too_many_write_operations', header: 1 }) })
    expect(await failure(ask())).toEqual({ status: 429, error: { reason: { '.tag': 'too_many_write_operations' } } })
    server.faults.add({ fault: rateLimited({ inBody: 7 }) })
    expect(await failure(ask())).toMatchObject({ status: 429, error: { retry_after: 7 } })
    server.faults.add({ fault: rateLimited({ form: 'empty' }) })
    expect(await failure(ask())).toEqual({ status: 429, error: '' })
    server.faults.add({ fault: htmlError(503) })
    expect(await failure(ask())).toEqual({ status: 503, error: expect.stringContaining('<html>') })
    server.faults.add({ operation: 'files/download', key: '/a', fault: { do: 'garble', offset: 0 } })
    expect(String((await dbx.filesDownload({ path: '/a' })).result.fileBinary)).not.toBe('x')
    expect(server.faults.size).toBe(0)
  })

  test('learns of the account and its space', async () => {
    server.put('/a', Buffer.alloc(1000))
    expect((await dbx.usersGetCurrentAccount()).result.root_info).toEqual({
      '.tag': 'user',
      root_namespace_id: '1007',
      home_namespace_id: '1007',
    })
    expect((await dbx.usersGetSpaceUsage()).result).toEqual({
      used: 1000,
      allocation: { '.tag': 'individual', allocated: 2 ** 41 },
    })
  })
})
