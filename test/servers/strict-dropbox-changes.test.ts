import type { files } from 'dropbox'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { failure, tagged } from './strict-dropbox/failure.ts'
import { officialClient } from './strict-dropbox/official.ts'
import { startStrictDropbox } from './strict-dropbox.ts'

const server = await startStrictDropbox({ jobPolls: 2 })
const dbx = officialClient(server)
afterAll(() => server.close())
beforeEach(() => server.clear())

const stored = (path: string): string | undefined => server.file(path)?.revision.body.toString()

describe('folders', () => {
  test('are made with all above them, once', async () => {
    const { result } = await dbx.filesCreateFolderV2({ path: '/A/b' })
    expect(result.metadata).toMatchObject({ name: 'b', path_display: '/A/b', path_lower: '/a/b' })
    expect(await failure(dbx.filesCreateFolderV2({ path: '/a/B' }))).toEqual(tagged('path/conflict/folder'))
    server.put('/file', 'x')
    expect(await failure(dbx.filesCreateFolderV2({ path: '/File' }))).toEqual(tagged('path/conflict/file'))
    expect(await failure(dbx.filesCreateFolderV2({ path: '/file/x' }))).toEqual(tagged('path/conflict/file_ancestor'))
    const { result: second } = await dbx.filesCreateFolderV2({ path: '/a/b', autorename: true })
    expect(second.metadata.name).toBe('b (1)')
  })
})

describe('deletes', () => {
  test('take a file of the known revision, a folder with all in it, and never the root', async () => {
    const { revision } = server.put('/a', 'x')
    const wrong = dbx.filesDeleteV2({ path: '/a', parent_rev: '123456789' })
    expect(await failure(wrong)).toEqual(tagged('path_write/conflict/file'))
    const { result } = await dbx.filesDeleteV2({ path: '/A', parent_rev: revision.rev })
    expect(result.metadata).toMatchObject({ '.tag': 'file', name: 'a', rev: revision.rev })
    expect(await failure(dbx.filesDeleteV2({ path: '/a' }))).toEqual(tagged('path_lookup/not_found'))
    server.put('/dir/x/y', 'x')
    expect((await dbx.filesDeleteV2({ path: '/dir' })).result.metadata['.tag']).toBe('folder')
    expect(server.paths()).toEqual([])
    expect(await failure(dbx.filesDeleteV2({ path: '/' }))).toEqual(tagged('path_lookup/malformed_path'))
  })

  test('are refused while others write', async () => {
    server.put('/a', 'x')
    server.contention.add({ path: '/a', times: 2 })
    for (let count = 0; count < 2; count++) {
      expect(await failure(dbx.filesDeleteV2({ path: '/a' }))).toEqual(tagged('too_many_write_operations'))
    }
    await dbx.filesDeleteV2({ path: '/a' })
  })

  test('of many are a job with a result for each', async () => {
    for (const name of ['a', 'b', 'c']) server.put(`/${name}`, name)
    server.contention.add({ path: '/b' })
    const entries = ['/a', '/b', '/no', '/c'].map(path => ({ path }))
    const { result } = await dbx.filesDeleteBatch({ entries })
    if (result['.tag'] !== 'async_job_id') throw new Error('no job')
    const ask = async (): Promise<files.DeleteBatchJobStatus> => (await dbx.filesDeleteBatchCheck(result)).result
    const polled = (await Promise.all([ask(), ask()])).map(({ '.tag': tag }) => tag)
    expect(polled).toEqual(['in_progress', 'in_progress'])
    expect(await ask()).toMatchObject({
      '.tag': 'complete',
      entries: [
        { '.tag': 'success', metadata: { '.tag': 'file', name: 'a' } },
        { '.tag': 'failure', failure: { '.tag': 'too_many_write_operations' } },
        { '.tag': 'failure', failure: tagged('path_lookup/not_found').error },
        { '.tag': 'success', metadata: { '.tag': 'file', name: 'c' } },
      ],
    })
    expect(server.paths()).toEqual(['/b'])
    expect(await failure(dbx.filesMoveBatchCheckV2(result))).toEqual(tagged('invalid_async_job_id'))
    server.jobs.forgetAll()
    expect(await failure(ask())).toEqual(tagged('invalid_async_job_id'))
    const many = Array.from({ length: 1001 }, () => ({ path: '/a' }))
    expect((await failure(dbx.filesDeleteBatch({ entries: many }))).status).toBe(400)
  })
})

describe('copies and moves', () => {
  const copy = (from_path: string, to_path: string, more: object = {}) =>
    dbx.filesCopyV2({ from_path, to_path, ...more })
  const move = (from_path: string, to_path: string, more: object = {}) =>
    dbx.filesMoveV2({ from_path, to_path, ...more })

  test('keep bytes and times, and give copies another id', async () => {
    await dbx.filesUpload({ path: '/a.txt', contents: 'one', client_modified: '2020-01-01T00:00:00Z' })
    const { id } = server.file('/a.txt')!
    const copied = (await copy('/A.txt', '/Dir/b.txt')).result.metadata
    expect(copied).toMatchObject({
      '.tag': 'file',
      path_display: '/Dir/b.txt',
      client_modified: '2020-01-01T00:00:00Z',
    })
    expect(server.file('/dir/b.txt')!.id).not.toBe(id)
    const moved = (await move('/a.txt', '/c.txt')).result.metadata
    expect(moved).toMatchObject({ '.tag': 'file', id, client_modified: '2020-01-01T00:00:00Z' })
    expect(server.paths()).toEqual(['/Dir/b.txt', '/c.txt'])
  })

  test('take folders with all in them, and not into themselves', async () => {
    server.put('/dir/x/y', 'y')
    await copy('/dir', '/other')
    await move('/dir', '/Third/dir')
    expect(server.paths()).toEqual(['/Third/dir/x/y', '/other/x/y'])
    expect(await failure(move('/other', '/other/x/in'))).toEqual(tagged('cant_move_folder_into_itself'))
    expect(await failure(copy('/other', '/other/x/in'))).toEqual(tagged('duplicated_or_nested_paths'))
  })

  test('never replace what is there, unless by another name', async () => {
    server.put('/a.txt', 'a')
    server.put('/b.txt', 'a')
    server.put('/dir/x', 'x')
    for (const relocate of [copy, move]) {
      expect(await failure(relocate('/a.txt', '/b.txt'))).toEqual(tagged('to/conflict/file'))
      expect(await failure(relocate('/a.txt', '/dir'))).toEqual(tagged('to/conflict/folder'))
      expect(await failure(relocate('/a.txt', '/b.txt/c'))).toEqual(tagged('to/conflict/file_ancestor'))
      expect(await failure(relocate('/a.txt', '/thumbs.db'))).toEqual(tagged('to/disallowed_name'))
      expect(await failure(relocate('/a.txt', '/c '))).toEqual(tagged('to/malformed_path'))
      expect(await failure(relocate('/no', '/c'))).toEqual(tagged('from_lookup/not_found'))
      expect(await failure(relocate('/a.txt', '/a.txt'))).toEqual(tagged('duplicated_or_nested_paths'))
    }
    expect((await copy('/a.txt', '/b.txt', { autorename: true })).result.metadata.name).toBe('b (1).txt')
  })

  test('to another case alone are a success that changes nothing', async () => {
    server.put('/Case.txt', 'x')
    expect((await move('/case.txt', '/CASE.txt')).result.metadata.path_display).toBe('/Case.txt')
    expect(server.paths()).toEqual(['/Case.txt'])
  })

  test('of many have a result for each, as a job or at once', async () => {
    const quick = await startStrictDropbox({ batches: 'at once' })
    for (const [own, client] of [
      [server, dbx],
      [quick, officialClient(quick)],
    ] as const) {
      for (const name of ['a', 'b', 'c', 'd']) own.put(`/${name}`, name)
      own.contention.add({ route: 'files/copy_batch_v2', path: '/b' })
      own.contention.add({ path: '/c', error: 'internal_error' })
      const entries = ['/a', '/b', '/c', '/d', '/no'].map(path => ({ from_path: path, to_path: `/to${path}` }))
      own.put('/to/d', 'old')
      const { result } = await client.filesCopyBatchV2({ entries })
      expect(result['.tag']).toBe(own === quick ? 'complete' : 'async_job_id')
      let status: { '.tag': string; entries?: unknown } = result
      if (result['.tag'] === 'async_job_id') {
        do status = (await client.filesCopyBatchCheckV2(result)).result
        while (status['.tag'] === 'in_progress')
      }
      expect(status.entries).toEqual([
        { '.tag': 'success', success: expect.objectContaining({ '.tag': 'file', path_display: '/to/a' }) },
        { '.tag': 'failure', failure: { '.tag': 'too_many_write_operations' } },
        { '.tag': 'failure', failure: { '.tag': 'internal_error' } },
        { '.tag': 'failure', failure: tagged('relocation_error/to/conflict/file').error },
        { '.tag': 'failure', failure: tagged('relocation_error/from_lookup/not_found').error },
      ])
    }
    const { result } = await officialClient(quick).filesMoveBatchV2({ entries: [{ from_path: '/a', to_path: '/z' }] })
    expect(result).toMatchObject({ '.tag': 'complete', entries: [{ '.tag': 'success' }] })
    expect(quick.file('/z')!.revision.body.toString()).toBe('a')
    await quick.close()
  })

  test('go by ids as well', async () => {
    const { id } = server.put('/a', 'x')
    await move(id, '/b')
    expect(stored('/b')).toBe('x')
    const { id: dir } = (await dbx.filesCreateFolderV2({ path: '/dir' })).result.metadata
    await copy(id, `${dir}/c`)
    expect(stored('/dir/c')).toBe('x')
  })
})
