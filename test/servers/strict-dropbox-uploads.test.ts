import { request } from 'node:http'
import type { files } from 'dropbox'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { BLOCK, contentHash } from './strict-dropbox/content-hash.ts'
import { failure, tagged } from './strict-dropbox/failure.ts'
import { officialClient } from './strict-dropbox/official.ts'
import { startStrictDropbox } from './strict-dropbox.ts'

const server = await startStrictDropbox()
const dbx = officialClient(server)
afterAll(() => server.close())
beforeEach(() => server.clear())

const stored = (path: string): string | undefined => server.file(path)?.revision.body.toString()
/** A conflict of `files/upload`. */
const reason = (tags: string): object => ({
  status: 409,
  error: { '.tag': 'path', reason: tagged(tags).error, upload_session_id: expect.any(String) },
})

describe('a write', () => {
  const upload = (contents: string, more: Partial<files.UploadArg> = {}) =>
    dbx.filesUpload({ path: '/a.txt', contents, ...more })

  test('adds, and is a conflict where another file or a folder is', async () => {
    await upload('one')
    expect(await failure(upload('two'))).toEqual(reason('conflict/file'))
    expect(await failure(upload('two', { path: '/a.txt/b' }))).toEqual(reason('conflict/file_ancestor'))
    server.put('/dir/x', 'x')
    for (const mode of [{ '.tag': 'add' }, { '.tag': 'overwrite' }] as const) {
      expect(await failure(upload('two', { path: '/DIR', mode }))).toEqual(reason('conflict/folder'))
    }
    expect(server.paths()).toEqual(['/a.txt', '/dir/x'])
  })

  test('of equal bytes is a success that writes nothing, unless it is strict', async () => {
    const { result: first } = await upload('same', { client_modified: '2020-01-01T00:00:00Z' })
    for (const mode of [
      { '.tag': 'add' },
      { '.tag': 'overwrite' },
      { '.tag': 'update', update: '123456789' },
    ] as const) {
      const { result } = await upload('same', { mode, autorename: true, client_modified: '2021-01-01T00:00:00Z' })
      expect(result).toEqual(first)
    }
    expect(await failure(upload('same', { strict_conflict: true }))).toEqual(reason('conflict/file'))
    const { result } = await upload('same', { strict_conflict: true, autorename: true })
    expect(result.name).toBe('a (1).txt')
  })

  test('of equal bytes that is strict is what the mode says, where the server has it so', async () => {
    const own = await startStrictDropbox({ strictConflict: 'by mode' })
    const client = officialClient(own)
    const put = (mode: files.WriteMode) =>
      client.filesUpload({ path: '/a', contents: 'same', mode, strict_conflict: true })
    const { rev } = (await put({ '.tag': 'add' })).result
    expect(await failure(put({ '.tag': 'add' }))).toEqual(reason('conflict/file'))
    expect(await failure(put({ '.tag': 'update', update: '123456789' }))).toEqual(reason('conflict/file'))
    const { rev: second } = (await put({ '.tag': 'update', update: rev })).result
    const { rev: third } = (await put({ '.tag': 'overwrite' })).result
    expect(new Set([rev, second, third]).size).toBe(3)
    await own.close()
  })

  test('updates the revision that it knows, and no other', async () => {
    const { rev } = (await upload('one')).result
    const update = (contents: string, known: string, more: object = {}) =>
      upload(contents, { mode: { '.tag': 'update', update: known }, ...more })
    const { result: second } = await update('two', rev)
    expect(second.rev).not.toBe(rev)
    expect(await failure(update('three', rev))).toEqual(reason('conflict/file'))
    expect((await update('three', rev, { autorename: true })).result.name).toBe('a (conflicted copy).txt')
    expect(stored('/a.txt')).toBe('two')
    await dbx.filesDeleteV2({ path: '/a.txt' })
    expect(await failure(update('four', second.rev, { strict_conflict: true }))).toEqual(reason('conflict/file'))
    expect((await update('four', second.rev)).result.name).toBe('a.txt')
  })

  test('keeps the case of a name that is there, and makes folders', async () => {
    await dbx.filesUpload({ path: '/Dir/A.txt', contents: 'one' })
    const { result } = await dbx.filesUpload({ path: '/DIR/a.TXT', contents: 'two', mode: { '.tag': 'overwrite' } })
    expect(result).toMatchObject({ name: 'A.txt', path_display: '/Dir/A.txt', path_lower: '/dir/a.txt' })
    await dbx.filesUpload({ path: '/dir/Sub/b', contents: 'x' })
    expect(server.paths()).toEqual(['/Dir/A.txt', '/Dir/Sub/b'])
  })

  test.each([
    '.DS_Store',
    'Desktop.INI',
    'thumbs.db',
    '.dropbox',
    '.dropbox.attr',
    '~$x.doc',
    '.~x',
    '~x.TMP',
    'Icon\r',
  ])('is refused for the name %j', async name => {
    expect(await failure(dbx.filesUpload({ path: `/${name}`, contents: '' }))).toEqual(reason('disallowed_name'))
    expect(await failure(dbx.filesUpload({ path: `/${name}/x`, contents: '' }))).toEqual(reason('disallowed_name'))
    expect(await failure(dbx.filesCreateFolderV2({ path: `/${name}` }))).toEqual(tagged('path/disallowed_name'))
  })

  test('is checked against its hash', async () => {
    const hash = contentHash(Buffer.from('other'))
    expect(await failure(upload('one', { content_hash: hash }))).toEqual(tagged('content_hash_mismatch'))
    expect((await failure(upload('one', { content_hash: 'abc' }))).status).toBe(400)
    expect(server.paths()).toEqual([])
    const { result } = await upload('one', { content_hash: contentHash(Buffer.from('one')) })
    expect(result.size).toBe(3)
  })

  test('keeps to the space and to the size of a request', async () => {
    const small = await startStrictDropbox({ allocated: 10, maxRequestBytes: 20 })
    const own = officialClient(small)
    await own.filesUpload({ path: '/a', contents: '12345678' })
    expect(await failure(own.filesUpload({ path: '/b', contents: '123' }))).toEqual(reason('insufficient_space'))
    const long = own.filesUpload({ path: '/b', contents: 'x'.repeat(21) })
    expect(await failure(long)).toEqual(tagged('payload_too_large'))
    await small.close()
  })

  test('is refused while another one is under way, where the server has it so', async () => {
    const busy = await startStrictDropbox({ writeMs: 60_000 })
    const own = officialClient(busy)
    await own.filesUpload({ path: '/a', contents: 'x' })
    const error = await failure(own.filesUpload({ path: '/b', contents: 'x' }))
    expect(error).toEqual({ status: 429, error: { reason: { '.tag': 'too_many_write_operations' } } })
    await busy.close()
  })

  test('that failed stays in a session from which it may be tried again', async () => {
    await upload('one')
    const { error } = await failure(upload('two'))
    const { upload_session_id: id } = error as files.UploadWriteFailed
    const cursor = { session_id: id, offset: 3 }
    await dbx.filesUploadSessionFinish({ cursor, commit: { path: '/b.txt' }, contents: '' })
    expect(stored('/b.txt')).toBe('two')
  })
})

describe('a session', () => {
  const start = async (contents = '', more: files.UploadSessionStartArg = {}): Promise<string> =>
    (await dbx.filesUploadSessionStart({ contents, ...more })).result.session_id
  const append = (id: string, offset: number, contents: string | Buffer, more: object = {}) =>
    dbx.filesUploadSessionAppendV2({ cursor: { session_id: id, offset }, contents, ...more })
  const finish = (id: string, offset: number, contents: string | Buffer, commit: object = {}) =>
    dbx.filesUploadSessionFinish({ cursor: { session_id: id, offset }, contents, commit: { path: '/s', ...commit } })

  test('gathers pieces one after another, and tells the offset that it wants', async () => {
    const id = await start('one')
    await append(id, 3, 'two')
    expect(await failure(append(id, 3, 'two'))).toEqual(tagged('incorrect_offset', { correct_offset: 6 }))
    expect(await failure(append(id, 9, 'two'))).toEqual(tagged('incorrect_offset', { correct_offset: 6 }))
    expect(await failure(append('none', 6, ''))).toEqual(tagged('not_found'))
    expect(await failure(finish(id, 3, ''))).toEqual(tagged('lookup_failed/incorrect_offset', { correct_offset: 6 }))
    expect(server.paths()).toEqual([])
    const { result } = await finish(id, 6, 'three', { client_modified: '2020-01-01T00:00:00Z' })
    expect(result).toMatchObject({ name: 's', size: 11, client_modified: '2020-01-01T00:00:00Z' })
    expect(stored('/s')).toBe('onetwothree')
    expect(server.sessions.open.filter(one => one.id === id)).toEqual([])
    expect(await failure(append(id, 11, 'x'))).toEqual(tagged('closed'))
    expect(await failure(finish(id, 11, ''))).toEqual(tagged('lookup_failed/closed'))
  })

  test('is not found any more after seven days, and after its end where the server has it so', async () => {
    const own = await startStrictDropbox({ afterFinish: 'not_found' })
    const client = officialClient(own)
    const { session_id } = (await client.filesUploadSessionStart({ contents: 'x' })).result
    const commit = { cursor: { session_id, offset: 1 }, commit: { path: '/s' }, contents: '' }
    await client.filesUploadSessionFinish(commit)
    expect(await failure(client.filesUploadSessionFinish(commit))).toEqual(tagged('lookup_failed/not_found'))
    const { session_id: second } = (await client.filesUploadSessionStart({ contents: 'x' })).result
    own.sessions.expire(second)
    const late = client.filesUploadSessionAppendV2({ cursor: { session_id: second, offset: 1 }, contents: 'x' })
    expect(await failure(late)).toEqual(tagged('not_found'))
    await own.close()
  })

  test('takes no more once it is closed', async () => {
    const id = await start('one', { close: true })
    expect(await failure(append(id, 3, 'x'))).toEqual(tagged('closed'))
    expect(await failure(finish(id, 3, 'x'))).toEqual(tagged('lookup_failed/closed'))
    expect((await finish(id, 3, '')).result.size).toBe(3)
  })

  test('keeps its bytes when it cannot become a file', async () => {
    server.put('/s', 'old')
    const id = await start('one')
    expect(await failure(finish(id, 3, 'two'))).toEqual(tagged('path/conflict/file'))
    expect(await failure(finish(id, 3, 'two'))).toEqual(tagged('lookup_failed/incorrect_offset', { correct_offset: 6 }))
    server.contention.add({ route: 'files/upload_session/finish', path: '/s' })
    expect(await failure(finish(id, 6, ''))).toEqual(tagged('too_many_write_operations'))
    expect((await finish(id, 6, '', { mode: { '.tag': 'overwrite' } })).result.size).toBe(6)
  })

  test('checks the hash of each piece', async () => {
    const wrong = { content_hash: contentHash(Buffer.from('other')) }
    expect(await failure(start('one', wrong))).toEqual(tagged('content_hash_mismatch'))
    const id = await start('one')
    expect(await failure(append(id, 3, 'two', wrong))).toEqual(tagged('content_hash_mismatch'))
    await append(id, 3, 'two', { content_hash: contentHash(Buffer.from('two')) })
    const cursor = { session_id: id, offset: 6 }
    const last = dbx.filesUploadSessionFinish({ cursor, commit: { path: '/s' }, contents: 'x', ...wrong })
    expect(await failure(last)).toEqual(tagged('content_hash_mismatch'))
    expect((await finish(id, 6, '')).result.size).toBe(6)
  })

  test('that is concurrent takes blocks of 4 MiB in any order, and its data by pieces only', async () => {
    const type = { session_type: { '.tag': 'concurrent' } } as const
    expect(await failure(start('x', type))).toEqual(tagged('concurrent_session_data_not_allowed'))
    expect(await failure(start('', { ...type, close: true }))).toEqual(tagged('concurrent_session_close_not_allowed'))
    const id = await start('', type)
    const block = Buffer.alloc(BLOCK, 'b')
    expect(await failure(append(id, 5, block))).toEqual(tagged('concurrent_session_invalid_offset'))
    expect(await failure(append(id, 0, 'x'))).toEqual(tagged('concurrent_session_invalid_data_size'))
    await append(id, 2 * BLOCK, 'end', { close: true })
    expect(await failure(finish(id, 2 * BLOCK + 3, ''))).toEqual(tagged('concurrent_session_missing_data'))
    const second = await start('', type)
    await append(second, BLOCK, block)
    expect(await failure(finish(second, 0, ''))).toEqual(tagged('concurrent_session_not_closed'))
    await append(second, 0, block)
    await append(second, 2 * BLOCK, 'end', { close: true })
    expect(await failure(finish(second, 2 * BLOCK + 3, 'x'))).toEqual(tagged('concurrent_session_data_not_allowed'))
    const { result } = await finish(second, 2 * BLOCK + 3, '')
    expect(result.content_hash).toBe(contentHash(Buffer.concat([block, block, Buffer.from('end')])))
  })

  test('may keep some bytes of a piece whose answer is lost', async () => {
    const id = await start('one')
    server.partialWrites.add({ stored: 2, answer: 503 })
    expect((await failure(append(id, 3, 'two'))).status).toBe(503)
    expect(await failure(append(id, 3, 'two'))).toEqual(tagged('incorrect_offset', { correct_offset: 5 }))
    server.partialWrites.add({ stored: 1, answer: 'break' })
    await expect(append(id, 5, 'ab')).rejects.toThrow('fetch failed')
    expect(await failure(append(id, 5, 'ab'))).toEqual(tagged('incorrect_offset', { correct_offset: 6 }))
  })

  test.each([
    [true, 1000],
    [false, 0],
  ])('keeps what arrived of a broken piece: %s', async (keepsArrived, correct_offset) => {
    const own = await startStrictDropbox({ keepsArrived })
    const client = officialClient(own)
    const { session_id } = (await client.filesUploadSessionStart({ contents: '' })).result
    const headers = {
      authorization: `Bearer ${own.token()}`,
      'content-type': 'application/octet-stream',
      'content-length': '2000',
      'dropbox-api-arg': JSON.stringify({ cursor: { session_id, offset: 0 } }),
    }
    const { promise: gone, resolve } = Promise.withResolvers<void>()
    const sent = request(`${own.contentUrl}/2/files/upload_session/append_v2`, { method: 'POST', headers })
    sent.on('error', () => resolve()).on('close', () => resolve())
    sent.write(Buffer.alloc(1000), () => setImmediate(() => sent.destroy()))
    await gone
    const asked = (): Promise<{ error: unknown }> =>
      failure(client.filesUploadSessionAppendV2({ cursor: { session_id, offset: 9 }, contents: '' }))
    await expect.poll(asked).toEqual(tagged('incorrect_offset', { correct_offset }))
    await own.close()
  })
})
