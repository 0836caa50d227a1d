/** Files that our storage and the official client give each other, with equal content hashes. */

import { uploadFile } from 'dropbox'
import { afterAll, describe, expect, test } from 'vitest'
import { officialClient } from '../../servers/strict-dropbox/official.ts'
import { contentHash, startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { at, MIB_4, storageWith } from './support.ts'

const server = await startStrictDropbox({ pageSize: 2 })
const dbx = officialClient(server)
const files = storageWith({ ...at(server), multipartThreshold: MIB_4, partSize: MIB_4 })
afterAll(async () => {
  await files.close()
  await server.close()
})

const names = ["Folder ü/a b+c%2E#?&='!.txt", '日本/🙂', 'empty', 'large']
const sizeOf = (name: string): number => ({ empty: 0, large: 2 * MIB_4 + 77 })[name] ?? 20

test.each(names)('ours are read by the official client, with the hash that it has of them: %j', async name => {
  const bytes = Buffer.alloc(sizeOf(name), 'ours')
  await files.save(name, bytes, { overwrite: true })
  const { result } = await dbx.filesDownload({ path: `/${name}` })
  expect(bytes.equals(result.fileBinary as Buffer)).toBe(true)
  expect(result).toMatchObject({ path_display: `/${name}`, size: bytes.length, content_hash: contentHash(bytes) })
  const stat = await files.stat(name)
  expect(stat).toMatchObject({ size: bytes.length, etag: result.rev, versionId: result.rev })
  expect(stat.modifiedAt).toEqual(new Date(result.server_modified))
})

test.each(names)('its are read by us: %j', async name => {
  const bytes = Buffer.alloc(sizeOf(name), 'official')
  const path = `/its/${name}`
  const isLarge = bytes.length > MIB_4
  const commit = { path, mode: { '.tag': 'overwrite' } } as const
  async function* source(): AsyncGenerator<Buffer> {
    yield bytes
  }
  if (isLarge) await uploadFile(dbx, { open: async () => source() }, commit, { chunkSize: MIB_4 })
  else await dbx.filesUpload({ ...commit, contents: bytes })
  expect((await files.readBytes(`its/${name}`)).equals(bytes)).toBe(true)
  const { result } = await dbx.filesGetMetadata({ path })
  expect(result).toMatchObject({ content_hash: contentHash(bytes) })
  if (bytes.length > 0) expect((await files.readBytes(`its/${name}`, { start: 2, end: 9 })).toString()).toBe('ficialo')
})

test('both list the same names, and delete what the other one made', async () => {
  const ours: string[] = []
  for await (const { name } of files.entries('', { recursive: true })) ours.push(`/${name}`)
  const its: string[] = []
  let { result } = await dbx.filesListFolder({ path: '', recursive: true })
  for (;;) {
    its.push(...result.entries.filter(entry => entry['.tag'] === 'file').map(entry => entry.path_display!))
    if (!result.has_more) break
    ;({ result } = await dbx.filesListFolderContinue({ cursor: result.cursor }))
  }
  expect(ours.sort()).toEqual(its.sort())
  await files.delete('its/large')
  await dbx.filesDeleteV2({ path: '/large' })
  expect([await files.exists('large'), server.file('/its/large')]).toEqual([false, undefined])
})

describe('revisions', () => {
  test('are its versions, and its conditions meet ours', async () => {
    await files.save('versioned', 'one', { overwrite: true })
    const { etag } = await files.stat('versioned')
    await dbx.filesUpload({ path: '/versioned', contents: 'two', mode: { '.tag': 'update', update: etag! } })
    await expect(files.save('versioned', 'three', { ifMatch: etag! })).rejects.toMatchObject({
      code: 'precondition_failed',
    })
    expect(await files.readText('versioned')).toBe('two')
    expect(await files.readText('versioned', { versionId: etag! })).toBe('one')
    const again = dbx.filesUpload({ path: '/versioned', contents: 'four', mode: { '.tag': 'update', update: etag! } })
    await expect(again).rejects.toMatchObject({ status: 409 })
  })

  test('of copies and moves keep the bytes and their hash', async () => {
    await files.save('source', 'bytes', { overwrite: true })
    await files.copy('source', 'Copies/one', { overwrite: true })
    await files.move('source', 'Copies/two', { overwrite: true })
    const { result } = await dbx.filesListFolder({ path: '/copies' })
    const hash = contentHash(Buffer.from('bytes'))
    const found = result.entries.map(entry => [entry.path_display, 'content_hash' in entry && entry.content_hash])
    expect(found.sort()).toEqual([
      ['/Copies/one', hash],
      ['/Copies/two', hash],
    ])
  })
})
