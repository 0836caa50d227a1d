/** What users of other libraries ran into with Dropbox: one group for each. */
import { Readable } from 'node:stream'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DropboxOptions } from '../../../src/backends/dropbox/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import type { Storage } from '../../../src/storage/storage.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { htmlError, type RateLimit, rateLimited, refused, startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { at, driverFor, KIB_64, smallParts, storageWith } from './support.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const server = await startStrictDropbox()
afterAll(() => server.close())
beforeEach(() => {
  server.faults.clear()
  server.clear()
  server.requests.length = 0
})

const storage = (more: Input<DropboxOptions> = {}) => storageWith({ ...at(server), ...more })
const ops = (from = server): string[] => from.requests.map(({ operation }) => operation.replace('files/', ''))
const body = (path: string): Buffer | undefined => server.file(path)?.revision.body
/** Bytes of three parts that differ everywhere. */
const distinct = Buffer.from(Uint32Array.from({ length: (3 * KIB_64 - 1000) / 4 }, (_, at) => at * 2654435761).buffer)
const SESSION = 'upload_session/'

describe('dbx-1: the argument of a request is pure ASCII', () => {
  const names = ['ü', '日本', '😀 🏳️‍🌈', '\u0080\u009f', '\u2028\u2029.', 'ÿĀ\uffff\ue000', '"quotes"', 'a\tb']

  test.each(names)('with escapes for all from DEL on, two for a character beyond the BMP: %j', async name => {
    await using files = storage()
    expect(await files.save(`dir/${name}`, 'text')).toBe(`dir/${name}`)
    expect(await files.readText(`dir/${name}`)).toBe('text')
    expect(server.paths()).toEqual([`/dir/${name}`])
    for (const { headers, status } of server.requests) {
      expect(status).toBe(200)
      expect(headers['dropbox-api-arg'] ?? '').toMatch(/^[\x20-\x7e]*$/)
    }
    expect(await files.listdir('dir')).toEqual([[], [name]])
    await files.delete(`dir/${name}`)
    expect(server.paths()).toEqual([])
  })

  test('and so is the root of a team, and the metadata that comes with bytes is read as such', async () => {
    const team = await startStrictDropbox({ account: 'team' })
    await using files = storageWith({ ...at(team), teamRoot: true, rootPath: '/Ördner 日本' })
    await files.save('ü', 'text')
    expect(await files.readText('ü')).toBe('text')
    expect(team.paths(team.space.root)).toEqual(['/Ördner 日本/ü'])
    await team.close()
  })
})

describe('dbx-2: an exclusive create is one also with equal bytes', () => {
  test.each([
    ['in one request', 100, 'files/upload'],
    ['by a session', KIB_64 + 5, `files/${SESSION}finish`],
  ])('two savers of the same bytes have two files, %s', async (_, size, operation) => {
    await using files = smallParts(server, { fileOverwrite: false })
    const bytes = Buffer.alloc(size, 'same')
    const names = await Promise.all(Array.from({ length: 4 }, () => files.save('same.txt', bytes)))
    expect(new Set(names).size).toBe(4)
    expect(server.paths()).toEqual(names.map(name => `/${name}`).sort())
    const commits = server.requests.filter(one => one.operation === operation)
    expect(commits.length).toBeGreaterThanOrEqual(7)
    for (const { headers } of commits) {
      const arg = JSON.parse(headers['dropbox-api-arg']!) as { commit?: object }
      expect(arg.commit ?? arg).toMatchObject({ mode: 'add', autorename: false, strict_conflict: true })
    }
  })

  test('the same bytes of somebody else are not taken for what a session that has gone was to make', async () => {
    await using files = smallParts(server, { fileOverwrite: false, maxAttempts: 1 })
    const bytes = Buffer.alloc(KIB_64 + 5, 'same')
    const match = () => {
      server.put('/same.txt', bytes)
      server.sessions.expire()
      return false
    }
    server.faults.add({ operation: `files/${SESSION}finish`, match })
    const name = await files.save('same.txt', bytes).catch(error => error.code)
    expect(name).not.toBe('same.txt')
  })

  test('x mode fails where the same bytes are there', async () => {
    await using files = storage()
    server.put('/a', 'text')
    const made = files.edit('a', 'x', file => file.write('text'))
    await expect(made).rejects.toMatchObject({ code: 'exists', fileName: 'a' })
  })

  test('a condition on a revision is one also where the file is gone, or has the same bytes', async () => {
    for (const strictConflict of ['conflict', 'by mode'] as const) {
      const own = await startStrictDropbox({ strictConflict })
      await using files = storageWith(at(own))
      await files.save('a', 'one')
      const { etag } = await files.stat('a')
      await files.save('a', 'one', { ifMatch: etag! })
      const { etag: second } = await files.stat('a')
      await files.save('a', 'two', { ifMatch: second! })
      const failed = { code: 'precondition_failed', fileName: 'a' }
      await expect(files.save('a', 'two', { ifMatch: second! })).rejects.toMatchObject(failed)
      await files.delete('a')
      await expect(files.save('a', 'three', { ifMatch: second! })).rejects.toMatchObject(failed)
      expect(own.paths()).toEqual([])
      await own.close()
    }
  })
})

describe('dbx-3: the offset of a session moves on only after a success', () => {
  const append = `files/${SESSION}append_v2`
  const finish = `files/${SESSION}finish`
  const source = (): Readable => Readable.from([distinct], { objectMode: false })
  const appends = () =>
    server.requests
      .filter(({ operation, bodySize }) => operation === append && bodySize > 0)
      .map(({ headers }) => JSON.parse(headers['dropbox-api-arg']!).cursor.offset as number)

  test.each([503, 'break'] as const)('some bytes of a piece that were stored are not sent again (%s)', async answer => {
    await using files = smallParts(server)
    server.partialWrites.add({ stored: 10_001, answer })
    await files.save('a', source())
    expect(body('/a')?.equals(distinct)).toBe(true)
    expect(appends()).toContain(KIB_64 + 10_001)
  })

  test('all bytes of a piece were stored, and its answer was lost', async () => {
    await using files = smallParts(server)
    server.faults.add({ operation: append, fault: { do: 'drop', at: 'after' } })
    await files.save('a', source())
    expect(body('/a')?.equals(distinct)).toBe(true)
  })

  test.each([
    ['an append', append, 'incorrect_offset'],
    ['an append that tells it inside', append, 'lookup_failed/incorrect_offset'],
    ['the end', finish, 'lookup_failed/incorrect_offset'],
  ])('%s that is told the place it has, goes on from there', async (_, operation, tags) => {
    await using files = smallParts(server)
    const correct_offset = operation === append ? KIB_64 : 2 * KIB_64
    server.faults.add({ operation, fault: refused(tags, { correct_offset }) })
    await files.save('a', source())
    expect(body('/a')?.equals(distinct)).toBe(true)
  })

  test('the end whose bytes were stored before sends none of them again', async () => {
    await using files = smallParts(server)
    server.contention.add({ route: finish, path: '/a' })
    await files.save('a', source())
    expect(body('/a')?.equals(distinct)).toBe(true)
    const ends = server.requests.filter(({ operation, status }) => operation === finish && status === 200)
    expect(ends.map(({ bodySize }) => bodySize)).toEqual([0])
  })

  test.each([
    ['before what was sent', 5],
    ['behind what was sent', 3 * KIB_64],
    ['no number', '9'],
    ['negative', -1],
  ])('a place that cannot be is an error, and nothing is stored: %s', async (_, correct_offset) => {
    await using files = smallParts(server)
    server.faults.add({ operation: append, times: 99, fault: refused('incorrect_offset', { correct_offset }) })
    await expect(files.save('a', source())).rejects.toMatchObject({ code: 'unavailable', fileName: 'a' })
    expect(server.paths()).toEqual([])
  })
})

describe('dbx-4: a name that Dropbox never takes', () => {
  test.each([
    '.DS_Store',
    'dir/DESKTOP.ini',
    'Thumbs.db/x',
    '.dropbox',
    '.Dropbox.Attr',
    'icon\r',
    'folder /file',
    'file ',
    'a\x7fb',
    'x'.repeat(256),
  ])('is refused before the first byte is sent: %j', async name => {
    await using files = storage()
    for (const call of [files.save(name, 'x'), files.copy('a', name), files.move('a', name)]) {
      await expect(call).rejects.toMatchObject({ name: 'SuspiciousFileOperation', code: 'suspicious_name' })
    }
    await expect(files.open(name, 'w')).rejects.toMatchObject({ code: 'suspicious_name' })
    expect(server.requests).toEqual([])
  })

  test.each([
    ['in one request', 100, 'files/upload'],
    ['after a whole session', KIB_64 + 5, `files/${SESSION}finish`],
  ])('that only the service refuses is an invalid name, not tried again, %s', async (_, size, operation) => {
    await using files = smallParts(server)
    // Office writes such a file while a document is open.
    const failed = { code: 'suspicious_name', fileName: '~$document.doc' }
    await expect(files.save('~$document.doc', Buffer.alloc(size))).rejects.toMatchObject(failed)
    expect(server.requests.filter(one => one.operation === operation)).toHaveLength(1)
    const astral = await startStrictDropbox({ refusesAstral: true })
    await using others = smallParts(astral)
    await expect(others.save('😀', Buffer.alloc(size))).rejects.toMatchObject({
      code: 'suspicious_name',
      fileName: '😀',
    })
    expect(astral.requests.filter(one => one.operation === operation)).toHaveLength(1)
    await astral.close()
  })
})

describe('dbx-5: the root of a team', () => {
  test.each(['team', 'team_space'] as const)(
    'goes with every request of both hosts, of an account that says %s',
    async account => {
      const team = await startStrictDropbox({ account, pageSize: 1 })
      team.put('/Team Folder/theirs', 'x', team.space.root)
      team.put('/mine', 'y')
      await using files = smallParts(team, { teamRoot: true }, { teamRoot: true })
      expect((await files.listdir(''))[0].sort()).toEqual(['Ann Example', 'Team Folder'])
      expect(await files.readText('Team Folder/theirs')).toBe('x')
      await files.save('Team Folder/large', distinct)
      await files.copy('Team Folder/large', 'Ann Example/copy')
      expect(await files.readText('Ann Example/mine')).toBe('y')
      await files.url('Team Folder/theirs')
      await files.deleteMany(['Team Folder/theirs', 'Team Folder/large'])
      expect(team.paths()).toEqual(['/copy', '/mine'])
      const roots = team.requests.map(({ operation, headers }) => [operation, headers['dropbox-api-path-root']])
      expect(roots.filter(([, root]) => root === undefined)).toEqual([['users/get_current_account', undefined]])
      const told = new Set(roots.map(([, root]) => root).filter(root => root !== undefined))
      expect([...told]).toEqual(['{".tag":"root","root":"2003"}'])
      await team.close()
    },
  )

  test('is the home of the member without it: files of the team are missing', async () => {
    const team = await startStrictDropbox({ account: 'team' })
    team.put('/Team Folder/theirs', 'x', team.space.root)
    await using files = storageWith(at(team))
    expect(await files.exists('Team Folder/theirs')).toBe(false)
    expect(team.requests.every(({ headers }) => headers['dropbox-api-path-root'] === undefined)).toBe(true)
    await team.close()
  })

  test('is asked for once by many calls, and again when it has changed', async () => {
    const team = await startStrictDropbox({ account: 'team' })
    await using files = storageWith({ ...at(team), teamRoot: true })
    await Promise.all(Array.from({ length: 8 }, () => files.exists('a')))
    expect(ops(team).filter(name => name === 'users/get_current_account')).toHaveLength(1)
    team.account.namespaces.set('3003', team.space.root)
    team.account.rootNamespace = '3003'
    await Promise.all(Array.from({ length: 4 }, (_, at) => files.save(`Ann Example/${at}`, 'x')))
    expect(team.paths()).toEqual(['/0', '/1', '/2', '/3'])
    await team.close()
  })

  test('that is not told, or not allowed, is an error that names the setting', async () => {
    const team = await startStrictDropbox({ account: 'team' })
    await using files = storageWith({ ...at(team), teamRoot: true, maxAttempts: 1 })
    const answer = { '.tag': 'no_permission' }
    const fault = { do: 'refuse', status: 422, code: 'no_permission', body: JSON.stringify({ error: answer }) } as const
    team.faults.add({
      operation: 'files/get_metadata',
      fault: { ...fault, headers: { 'content-type': 'application/json' } },
    })
    await expect(files.stat('a')).rejects.toMatchObject({ message: expect.stringContaining('DROPBOX_TEAM_ROOT') })
    await team.close()
  })
})

describe('dbx-6: an answer that says to slow down, or that nothing works', () => {
  const forms: ReadonlyArray<readonly [title: string, form: RateLimit]> = [
    ['with a wait in its header', { header: 0 }],
    ['with a wait in its body alone', { inBody: 0 }],
    ['without a wait', {}],
    ['as text', { form: 'text' }],
    ['as a page', { form: 'html' }],
    ['as nothing', { form: 'empty' }],
    ['about writes', { reason: 'too_many_write_operations' }],
  ]

  /** A server of its own with a file, since all of these wait. */
  async function place(maxAttempts = 3) {
    const own = await startStrictDropbox()
    own.put('/a', 'x')
    const files = storageWith({ ...at(own), maxAttempts })
    return { own, files, [Symbol.asyncDispose]: () => Promise.all([files.close(), own.close()]).then(() => {}) }
  }

  test.concurrent.each(forms)('%s is waited for and tried again, up to the attempts', async (_, form) => {
    await using at = await place()
    const { own, files } = at
    const calls = [
      ['files/upload', () => files.save('b', 'x')],
      ['files/get_metadata', () => files.size('a')],
      ['files/download', () => files.readText('a')],
    ] as const
    for (const [operation, call] of calls) {
      const tries = () => own.requests.splice(0).filter(one => one.operation === operation).length
      own.faults.add({ operation, times: 2, fault: rateLimited(form) })
      await call()
      expect(tries()).toBe(3)
      own.faults.add({ operation, times: 9, fault: rateLimited(form) })
      await expect(call()).rejects.toMatchObject({ code: 'throttled' })
      expect(tries()).toBe(3)
      own.faults.clear()
    }
  })

  test('tells how long to wait, by its header or by its body', async () => {
    await using at = await place(1)
    for (const form of [{ header: 7 }, { inBody: 7 }, { header: 7, inBody: 9 }]) {
      at.own.faults.add({ fault: rateLimited(form) })
      await expect(at.files.stat('a')).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 7000 })
    }
  })

  test.concurrent.each([
    ['a page', htmlError(502)],
    ['another page', htmlError(503)],
    ['nothing', { do: 'refuse', status: 500, body: '' }],
    ['half of JSON', { do: 'refuse', status: 500, headers: { 'content-type': 'application/json' }, body: '{"error' }],
  ] as const)('a 5xx of %s is unavailable, never a parse error', async (_, fault) => {
    await using at = await place()
    at.own.faults.add({ operation: 'files/get_metadata', times: 2, fault })
    expect(await at.files.size('a')).toBe(1)
    at.own.faults.add({ operation: 'files/get_metadata', times: 9, fault })
    const error = await at.files.size('a').catch(reason => reason)
    expect(error).toMatchObject({ code: 'unavailable', fileName: 'a' })
    expect(error.message).not.toMatch(/[<{]|JSON|Unexpected/)
  })
})

describe('dbx-7: folders', () => {
  test('are made by the upload: a save asks for none', async () => {
    await using files = storage()
    await files.save('a/b/c/file', 'x')
    expect(ops()).toEqual(['upload'])
    expect(server.paths()).toEqual(['/a/b/c/file'])
  })

  test('that are made are a success where they are there, and not where a file is', async () => {
    const driver = driverFor(server, { rootPath: 'Root/Folder' })
    await driver.createContainer(plainContext())
    await driver.createContainer(plainContext())
    expect(server.space.nodes.size).toBe(3)
    await driver.close()
    server.put('/taken', 'x')
    await using files = storage({ rootPath: '/taken' })
    await expect(files.createContainer()).rejects.toMatchObject({ name: 'StorageError' })
  })

  test('that are gone take their files with them: to delete one is no failure', async () => {
    await using files = storage()
    server.put('/dir/one', 'x')
    server.put('/dir/two', 'x')
    server.space.remove(server.file('/dir/one')!.parent!)
    await files.delete('dir/one')
    expect(await files.deleteMany(['dir/one', 'dir/two'])).toMatchObject({ deleted: 2, errors: [] })
    // They go between the question and the batch.
    server.put('/dir/one', 'x')
    server.put('/dir/two', 'x')
    const match = () => {
      server.clear()
      return false
    }
    server.faults.add({ operation: 'files/delete_batch', match })
    expect(await files.deleteMany(['dir/one', 'dir/two'])).toMatchObject({ deleted: 2, errors: [] })
  })

  test('are never deleted with what is in them', async () => {
    await using files = storage()
    server.put('/dir/file', 'x')
    await expect(files.delete('dir')).rejects.toMatchObject({ code: 'is_directory' })
    const { deleted, errors } = await files.deleteMany(['dir'])
    expect([deleted, errors.map(({ error }) => error.code)]).toEqual([0, ['is_directory']])
    expect(server.paths()).toEqual(['/dir/file'])
  })

  test.each([
    ['files/delete_v2', async (files: Storage) => files.delete('a')],
    [
      'files/delete_batch',
      async (files: Storage) => {
        const { errors } = await files.deleteMany(['a'])
        throw errors[0]?.error
      },
    ],
  ])('that take the place of a file meanwhile are not removed: %s', async (operation, run) => {
    await using files = storage()
    server.put('/a', 'x')
    const match = () => {
      server.clear()
      return server.put('/a/inside', 'x') === undefined
    }
    server.faults.add({ operation, match })
    await expect(run(files)).rejects.toMatchObject({ code: 'is_directory' })
    expect(server.paths()).toEqual(['/a/inside'])
  })
})

describe('dbx-8: the result of a batch', () => {
  test('is read entry by entry, and only what met a lock is sent again, one after another', async () => {
    await using files = storage()
    for (const name of ['a', 'b', 'c', 'd']) server.put(`/${name}`, name)
    server.contention.add({ route: 'files/delete_batch', path: '/b' })
    server.contention.add({ route: 'files/delete_batch', path: '/d' })
    server.contention.add({ route: 'files/delete_v2', path: '/d' })
    expect(await files.deleteMany(['a', 'b', 'c', 'd'])).toMatchObject({ deleted: 4, errors: [] })
    expect(server.paths()).toEqual([])
    const again = server.requests.filter(({ operation }) => operation === 'files/delete_v2')
    expect(again.map(({ json }) => JSON.parse(json!).path)).toEqual(['/b', '/d', '/d'])
    expect(ops().filter(name => name === 'delete_batch')).toHaveLength(1)
  })

  test('that is complete with failures inside is no success', async () => {
    await using files = storage()
    for (const name of ['a', 'b']) server.put(`/${name}`, name)
    server.contention.add({ path: '/b', times: 99 })
    const { deleted, errors } = await files.deleteMany(['a', 'b'])
    expect([deleted, errors.map(({ name, error }) => [error.code, name])]).toEqual([1, [['throttled', 'b']]])
    expect(server.paths()).toEqual(['/b'])
  })

  test.each(['at once', 'jobs'] as const)('of copies and moves as well, %s', async batches => {
    const own = await startStrictDropbox({ batches, jobPolls: 2 })
    await using files = storageWith(at(own))
    for (const name of ['a', 'b', 'c', 'd']) own.put(`/${name}`, name)
    own.put('/to/d', 'old')
    own.contention.add({ route: 'files/copy_batch_v2', path: '/b' })
    own.contention.add({ route: 'files/copy_batch_v2', path: '/c', error: 'internal_error' })
    const pairs = ['a', 'b', 'c', 'd', 'none'].map(name => ({ from: name, to: `to/${name}` }))
    const results = await files.copyMany(pairs)
    expect(results.map(({ error }) => error?.code)).toEqual([
      undefined,
      undefined,
      'unavailable',
      'exists',
      'not_found',
    ])
    expect(own.requests.filter(({ operation }) => operation === 'files/copy_v2')).toHaveLength(1)
    const moved = await files.moveMany([
      { from: 'to/a', to: 'moved/a' },
      { from: 'a', to: 'to/b' },
    ])
    expect(moved.map(({ error }) => error?.code)).toEqual([undefined, 'exists'])
    expect(own.paths()).toEqual(['/a', '/b', '/c', '/d', '/moved/a', '/to/b', '/to/d'])
    await own.close()
  })

  test.each([
    ['copyMany', 'files/copy_batch_v2'],
    ['moveMany', 'files/move_batch_v2'],
  ] as const)('stays what it was while the next batch is sent again, or fails: %s', async (verb, operation) => {
    await using files = storage()
    const pairs = Array.from({ length: 1001 }, (_, at) => ({ from: `a/${at}`, to: `b/${at}` }))
    for (const { from } of pairs) server.put(`/${from}`, 'x')
    let sent = 0
    const match = () => ++sent >= 2
    server.faults.add({ operation, match, fault: rateLimited({ header: 0 }) })
    expect((await files[verb](pairs)).filter(({ error }) => error !== undefined)).toEqual([])
    expect(ops().filter(name => name === operation.slice(6))).toHaveLength(3)
    sent = 0
    server.faults.add({ operation, match, times: 99, fault: rateLimited({ header: 0 }) })
    const again = await files[verb](
      pairs.map(({ from, to }) => ({ from: verb === 'copyMany' ? from : to, to: `c${to}` })),
    )
    const failed = again.filter(({ error }) => error !== undefined)
    expect(failed.map(({ from, error }) => [from, error?.code, error?.fileName])).toEqual([
      [again[1000]!.from, 'throttled', again[1000]!.from],
    ])
    // A call that fails before anything was done is an error.
    await expect(files[verb](pairs)).rejects.toMatchObject({ code: 'throttled', outcome: 'not_applied' })
  })

  test('that nobody tells is an error, not a success', async () => {
    await using files = storage({ maxAttempts: 2 })
    server.put('/a', 'x')
    const forget = () => {
      server.jobs.forgetAll()
      return false
    }
    server.faults.add({ operation: 'files/delete_batch/check', times: 99, match: forget })
    await expect(files.deleteMany(['a'])).rejects.toMatchObject({ outcome: 'unknown' })
    server.faults.clear()
  })
})
