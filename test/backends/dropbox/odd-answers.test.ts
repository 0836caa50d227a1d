/** What no Dropbox should answer, and what it answers seldom. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Asked, Scripted } from '../../support/scripted-client.ts'
import { argOf, called, FILE, refusal, scripted } from './scripted.ts'

// No wait before another try.
beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterEach(() => vi.restoreAllMocks())

const MIB_4 = 4 * 1024 * 1024
const REV = FILE.rev
const json = (value: unknown): Scripted => ({ json: value })
const page: Scripted = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>log in</html>' }
const without = (name: keyof typeof FILE) => Object.fromEntries(Object.entries(FILE).filter(([key]) => key !== name))

describe('an upload', () => {
  it.each<[string, Scripted]>([
    ['a page', page],
    ['nothing', { status: 200 }],
    ['null', json(null)],
    ['a list', json([FILE])],
    ['another status', { status: 202, body: '{}' }],
    ['a folder', json({ ...FILE, '.tag': 'folder' })],
    ['another path', json({ ...FILE, path_lower: '/a (1)', path_display: '/a (1)' })],
    ['another size', json({ ...FILE, size: 5 })],
    ['a size that is none', json({ ...FILE, size: '4' })],
    ['another hash', json({ ...FILE, content_hash: '0'.repeat(64) })],
    ['no revision', json(without('rev'))],
    ['no id', json(without('id'))],
  ])('that is answered by %s may have been carried out, and is no success', async (_, answer) => {
    const saved = scripted(() => answer).save('a', 'text', { overwrite: true })
    await expect(saved).rejects.toMatchObject({ outcome: 'unknown' })
  })

  it.each(['content_hash', 'server_modified', 'client_modified', 'path_lower', '.tag', 'name'] as const)(
    'needs no %s in its answer',
    async name => {
      const files = scripted(() => json(without(name)))
      expect(await files.save('a', 'text', { overwrite: true })).toBe('a')
    },
  )

  const conflict = refusal('path', 'conflict', 'file')
  const lost: Scripted = { status: 502, body: '<html>' }
  const exclusive = (answers: readonly Scripted[], found: Scripted) => {
    const left = [...answers]
    const files = scripted(asked => (called(asked) === 'files/upload' ? left.shift()! : found), { maxAttempts: 3 })
    return { files, modes: () => files.asked.map(called) }
  }

  it('under a condition whose answer was lost is known by its hash', async () => {
    const { files, modes } = exclusive([lost, conflict], json(FILE))
    expect(await files.save('a', 'text')).toBe('a')
    expect(modes()).toEqual(['files/upload', 'files/upload', 'files/get_metadata'])
  })

  it('under a condition whose answer was lost gets another name where other bytes are there', async () => {
    const made = json({ ...FILE, path_lower: undefined, path_display: undefined })
    const answers = [lost, conflict, made]
    const files = scripted(
      asked => {
        if (called(asked) === 'files/upload') return answers.shift()!
        return argOf(asked)['path'] === '/a'
          ? json({ ...FILE, content_hash: 'f'.repeat(64) })
          : refusal('path', 'not_found')
      },
      { maxAttempts: 3 },
    )
    expect(await files.save('a', 'text')).toMatch(/^a_\w{7}$/)
    for (const asked of files.asked.filter(one => called(one) === 'files/upload'))
      expect(argOf(asked)['mode']).toBe('add')
  })

  it('under a condition whose answer was lost is in doubt where the file cannot be asked for', async () => {
    const { files } = exclusive([lost, conflict], { status: 500, body: '' })
    const error = await files.save('a', 'text').catch(reason => reason)
    expect(error).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  })
})

describe('dbx-3: a session', () => {
  const bytes = Buffer.alloc(2 * MIB_4 + 10, 'session')
  const wrong = (at: number, path = false): Scripted => {
    const inner = { '.tag': 'incorrect_offset', correct_offset: at }
    const error = path ? { '.tag': 'lookup_failed', lookup_failed: inner } : inner
    return { status: 409, body: JSON.stringify({ error }) }
  }

  /** A service that keeps what is sent, of which a script may deny any request. */
  const session = (deny: (asked: Asked, offset: number, stored: number) => Scripted | undefined) => {
    let stored = 0
    const sent: Array<[name: string, offset: number, size: number]> = []
    const files = scripted(
      asked => {
        const [name, arg, size] = [called(asked), argOf(asked), asked.body.byteLength]
        const { offset = 0 } = (arg['cursor'] ?? {}) as { offset?: number }
        sent.push([name.slice(name.lastIndexOf('/') + 1), offset, size])
        const denied = deny(asked, offset, stored)
        if (denied !== undefined) return denied
        if (offset !== stored && !name.endsWith('start')) return wrong(stored, name.endsWith('finish'))
        stored = offset + size
        if (name.endsWith('start')) return json({ session_id: 'sid' })
        if (!name.endsWith('finish'))
          return { status: 200, headers: { 'content-type': 'application/json' }, body: 'null' }
        const { content_hash: _, ...rest } = FILE
        return json({ ...rest, size: stored })
      },
      { maxAttempts: 3, fileOverwrite: true },
    )
    return { files, sent, keep: (size: number) => (stored += size) }
  }

  it('sends each byte once', async () => {
    const { files, sent } = session(() => undefined)
    await files.save('a', bytes)
    expect(sent).toEqual([
      ['start', 0, MIB_4],
      ['append_v2', MIB_4, MIB_4],
      ['finish', 2 * MIB_4, 10],
    ])
  })

  it('goes on at the offset that the service names, within what was sent', async () => {
    let isFirst = true
    const own = session((_, offset) => {
      if (!isFirst || offset !== MIB_4) return undefined
      isFirst = false
      own.keep(1_000_000)
      return wrong(MIB_4 + 1_000_000)
    })
    await own.files.save('a', bytes)
    expect(own.sent.slice(1)).toEqual([
      ['append_v2', MIB_4, MIB_4],
      ['append_v2', MIB_4 + 1_000_000, MIB_4 - 1_000_000],
      ['finish', 2 * MIB_4, 10],
    ])
  })

  it('whose part had arrived, though its answer was lost, does not send it again', async () => {
    let isFirst = true
    const own = session((asked, offset) => {
      if (!isFirst || offset !== MIB_4 || !called(asked).endsWith('append_v2')) return undefined
      isFirst = false
      own.keep(MIB_4)
      return { status: 500, body: '' }
    })
    await own.files.save('a', bytes)
    expect(own.sent.slice(1)).toEqual([
      ['append_v2', MIB_4, MIB_4],
      // How far it has got.
      ['append_v2', MIB_4, 0],
      ['finish', 2 * MIB_4, 10],
    ])
  })

  it('whose last bytes had arrived makes the file without them', async () => {
    let isFirst = true
    const own = session(asked => {
      if (!isFirst || !called(asked).endsWith('finish')) return undefined
      isFirst = false
      own.keep(10)
      return refusal('too_many_write_operations')
    })
    await own.files.save('a', bytes)
    expect(own.sent.filter(([name]) => name === 'finish')).toEqual([
      ['finish', 2 * MIB_4, 10],
      ['finish', 2 * MIB_4, 10],
      ['finish', 2 * MIB_4 + 10, 0],
    ])
  })

  it.each([
    ['behind what is still at hand', 5],
    ['beyond what was sent', 3 * MIB_4],
    ['where it was told to go on', MIB_4],
  ])('whose service names an offset %s ends with an error, after a bounded number of requests', async (_, offset) => {
    for (const step of ['append_v2', 'finish']) {
      const { files, sent } = session(asked =>
        called(asked).endsWith(step)
          ? wrong(step === 'finish' ? offset + MIB_4 : offset, step === 'finish')
          : undefined,
      )
      await expect(files.save('a', bytes)).rejects.toMatchObject({ code: 'unavailable' })
      expect(sent.length).toBeLessThan(30)
    }
  })

  it.each([
    ['no session', json({ session: 'x' })],
    ['an empty one', json({ session_id: '' })],
    ['a page', page],
  ])('that is begun by an answer with %s is none', async (_, answer) => {
    const { files } = session(asked => (called(asked).endsWith('start') ? answer : undefined))
    await expect(files.save('a', bytes)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('whose append is answered by a page has not gone on', async () => {
    const { files, sent } = session((asked, offset) =>
      called(asked).endsWith('append_v2') && offset === MIB_4 && asked.body.byteLength > 0 ? page : undefined,
    )
    await expect(files.save('a', bytes)).rejects.toMatchObject({ code: 'unavailable' })
    expect(sent.some(([name]) => name === 'finish')).toBe(false)
  })
})

describe('a download', () => {
  const answer = (headers: Record<string, string>, body = 'text', status = 200): Scripted => ({ status, headers, body })
  const result = (file: object = FILE) => ({ 'dropbox-api-result': JSON.stringify(file) })
  const read = (said: Scripted, options = {}) => scripted(() => said).readBytes('a', options)

  it.each<[string, Scripted]>([
    ['no result', answer({ 'content-length': '4' })],
    ['a result that is none', answer({ 'dropbox-api-result': '<html>' })],
    ['a page', page],
    ['no revision', answer(result(without('rev')))],
    ['another path', answer(result({ ...FILE, path_lower: '/b' }))],
    ['another length', answer({ ...result(), 'content-length': '9' })],
    ['another status', answer(result(), 'text', 203)],
  ])('that is answered with %s gives no bytes', async (_, said) => {
    await expect(read(said)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('with more or fewer bytes than the file has gives none', async () => {
    await expect(read(answer(result(), 'text and more'))).rejects.toMatchObject({ code: 'unknown' })
    // It is continued once, where the service has nothing either.
    await expect(read(answer(result(), 'tex'))).rejects.toMatchObject({ code: 'invalid_range' })
  })

  it('with other bytes than those that are stored is a checksum_mismatch', async () => {
    await expect(read(answer(result(), 'tact'))).rejects.toMatchObject({ code: 'checksum_mismatch' })
    const stream = scripted(() => answer({ ...result(), 'content-length': '4' }, 'tact')).createReadStream('a')
    await expect(stream.toArray()).rejects.toMatchObject({ code: 'checksum_mismatch' })
  })

  it('without a length, or a hash, gives the bytes', async () => {
    expect((await read(answer(result()))).toString()).toBe('text')
    expect((await read(answer(result(without('content_hash')), 'tact'))).toString()).toBe('tact')
  })

  it('of a range is checked against it', async () => {
    const part = { ...result(), 'content-range': 'bytes 1-2/4', 'content-length': '2' }
    expect((await read(answer(part, 'ex', 206), { start: 1, end: 3 })).toString()).toBe('ex')
    // The service ignored it.
    expect((await read(answer({ ...result(), 'content-length': '4' }), { start: 1, end: 3 })).toString()).toBe('ex')
    for (const range of ['bytes 0-1/4', 'bytes 1-2/9', 'bytes */4', 'lines 1-2/4'])
      await expect(read(answer({ ...part, 'content-range': range }, 'ex', 206), { start: 1, end: 3 })).rejects.toThrow()
  })

  it('of a name in raw UTF-8 is understood, as headers come byte by byte', async () => {
    const text = Buffer.from(JSON.stringify({ ...FILE, path_lower: '/ü' })).toString('latin1')
    const files = scripted(() => answer({ 'dropbox-api-result': text }))
    expect((await files.readBytes('ü')).toString()).toBe('text')
  })

  it('of an etag that has changed is precondition_failed, of a version that is none not_found', async () => {
    const files = scripted(() => answer(result()))
    await expect(files.readBytes('a', { etag: 'fedcba987' })).rejects.toMatchObject({ code: 'precondition_failed' })
    const asked = files.asked.length
    for (const versionId of ['', '../a', 'id:abc', '0123', 'ABCDEF0123456'])
      await expect(files.readBytes('a', { versionId })).rejects.toMatchObject({ code: 'not_found' })
    expect(files.asked).toHaveLength(asked)
  })
})

describe('a listing', () => {
  const listed = (entries: unknown, more: object = { cursor: 'c', has_more: false }) =>
    scripted(() => json({ entries, ...more }))
  const file = (path: string, more: object = {}) => ({
    ...FILE,
    path_lower: path.toLowerCase(),
    path_display: path,
    ...more,
  })

  it('leaves out what is odd, entry by entry', async () => {
    const entries = [
      null,
      5,
      'text',
      {},
      { '.tag': 'file' },
      { '.tag': 'deleted', path_display: '/dir/gone' },
      { '.tag': 'hologram', path_display: '/dir/new kind' },
      { '.tag': 'folder', path_display: '/dir' },
      { '.tag': 'folder', path_display: '/dir/sub' },
      file('/dir/a.txt'),
      file('/dir/deep/b.txt'),
      file('/other/c.txt'),
      file('dir/no-root'),
      file('/dir//d'),
      file('/dir/odd', { size: 4, server_modified: 'yesterday', client_modified: 5, rev: 7, content_hash: 'x' }),
      { ...file('/DIR/Lower'), path_display: undefined },
    ]
    const files = listed(entries)
    const [folders, names] = await files.listdir('dir')
    expect([folders.sort(), names]).toEqual([
      ['deep', 'sub'],
      ['a.txt', 'odd', 'lower'],
    ])
    const odd = (await files.page('dir')).entries.find(({ name }) => name === 'dir/odd')!
    expect(odd).toMatchObject({ size: 4, isDirectory: false, modifiedAt: undefined, etag: undefined })
  })

  it('tells both times by what the service stored, else by what it was told', async () => {
    const [one, two] = (await listed([file('/a'), file('/b', { server_modified: undefined })]).page()).entries
    expect(one!.modifiedAt).toEqual(new Date('2026-01-02T03:04:05Z'))
    expect(two!.modifiedAt).toEqual(new Date('2020-01-01T00:00:00Z'))
  })

  it('asks for a size that is missing', async () => {
    const files = scripted(asked =>
      json(
        called(asked) === 'files/get_metadata'
          ? FILE
          : { entries: [file('/a', { size: undefined })], cursor: 'c', has_more: false },
      ),
    )
    expect((await files.page()).entries).toMatchObject([{ name: 'a', size: 4 }])
  })

  it.each<[string, Scripted]>([
    ['no list', json({ entries: {}, cursor: 'c', has_more: false })],
    ['no cursor for what follows', json({ entries: [], cursor: '', has_more: true })],
    ['no word of what follows', json({ entries: [], cursor: 'c', has_more: 'yes' })],
    ['a page', page],
  ])('with %s is none', async (_, answer) => {
    await expect(scripted(() => answer).listdir()).rejects.toMatchObject({
      code: 'unavailable',
      outcome: 'not_applied',
    })
  })

  it('that does not go on ends', async () => {
    let count = 0
    const same = listed([file('/a')], { cursor: 'same', has_more: true })
    await expect(same.listdir()).rejects.toMatchObject({ code: 'unavailable' })
    expect(same.asked.length).toBeLessThan(5)
    const circle = scripted(() => json({ entries: [], cursor: `c${count++ % 2}`, has_more: true }))
    await expect(circle.listdir()).rejects.toMatchObject({ code: 'unavailable' })
    expect(circle.asked.length).toBeLessThan(2000)
  })

  it.each([['not_found'], ['not_folder']])('of a folder that is %s is empty, also in its middle', async tag => {
    expect(await scripted(() => refusal('path', tag)).listdir('dir')).toEqual([[], []])
    const files = scripted((_, count) =>
      count === 1 ? json({ entries: [file('/dir/a')], cursor: 'c', has_more: true }) : refusal('path', tag),
    )
    expect(await files.listdir('dir')).toEqual([[], ['a']])
  })

  describe('that the service has given up', () => {
    /** Pages of one name each; `resets` says before which requests the cursor is given up. */
    const pages = (names: readonly string[], resets: readonly number[]) =>
      scripted((asked, count) => {
        const at = called(asked).endsWith('continue') ? Number(argOf(asked)['cursor']) : 0
        if (at > 0 && resets.includes(count)) return refusal('reset')
        return json({ entries: [file(`/${names[at]}`)], cursor: String(at + 1), has_more: at + 1 < names.length })
      })

    it('begins again and gives nothing twice', async () => {
      expect(await pages(['a', 'b', 'c', 'd'], [3, 7]).listdir()).toEqual([[], ['a', 'b', 'c', 'd']])
      expect(await pages(['a', 'A', 'b'], [3]).listdir()).toEqual([[], ['a', 'b']])
    })

    it('again and again, without anything new, ends with an error', async () => {
      const files = pages(['a', 'b'], [2, 4, 6, 8])
      await expect(files.listdir()).rejects.toMatchObject({ code: 'unavailable', retryable: false })
      expect(files.asked).toHaveLength(4)
    })

    it('is an error of a page, which says to begin again', async () => {
      const files = pages(['a', 'b'], [1])
      await expect(files.page('', { token: '1' })).rejects.toMatchObject({
        code: 'unavailable',
        retryable: false,
        message: expect.stringContaining('begin again'),
      })
    })
  })

  it('of many files remembers all of them', async () => {
    const names = Array.from({ length: 3000 }, (_, at) => `f${at}`)
    const half = { entries: names.slice(0, 2000).map(name => file(`/${name}`)), cursor: '1', has_more: true }
    const all = { entries: names.map(name => file(`/${name}`)), cursor: '2', has_more: false }
    const files = scripted((_, count) => (count === 1 ? json(half) : count === 2 ? refusal('reset') : json(all)))
    expect((await files.listdir())[1]).toEqual(names)
  })
})

describe('dbx-8: a batch', () => {
  const failure = (...tags: string[]) => ({
    '.tag': 'failure',
    failure: tags.reduceRight<object>((inner, tag) => ({ '.tag': tag, [tag]: inner }), {}),
  })
  const success = { '.tag': 'success', metadata: FILE }

  const deletion = (answer: (asked: Asked) => Scripted | undefined, maxAttempts = 1) =>
    scripted(
      asked => {
        const { path } = argOf(asked)
        if (called(asked) === 'files/get_metadata') return json({ ...FILE, path_lower: path })
        return answer(asked) ?? json({ metadata: FILE })
      },
      { maxAttempts },
    )
  const codes = async (files: ReturnType<typeof deletion>, names: readonly string[]) => {
    const { deleted, errors } = await files.deleteMany(names)
    return [deleted, errors.map(({ name, error }) => [name, error.code, error.outcome])]
  }
  const complete = (...entries: unknown[]) => json({ '.tag': 'complete', entries })

  it('has a result for each entry', async () => {
    const files = deletion(asked =>
      called(asked) === 'files/delete_batch'
        ? complete(
            success,
            failure('path_lookup', 'not_found'),
            failure('path_write', 'no_write_permission'),
            { '.tag': 'other' },
            null,
          )
        : undefined,
    )
    expect(await codes(files, ['a', 'b', 'c', 'd', 'e', 'f'])).toEqual([
      2,
      [
        ['c', 'permission_denied', 'not_applied'],
        ['d', 'unavailable', 'unknown'],
        ['e', 'unavailable', 'unknown'],
        ['f', 'unavailable', 'unknown'],
      ],
    ])
  })

  it('sends only entries again that met a lock, one after another', async () => {
    const files = deletion(
      asked =>
        called(asked) === 'files/delete_batch'
          ? complete(failure('too_many_write_operations'), success, failure('path_write', 'too_many_write_operations'))
          : undefined,
      2,
    )
    expect(await codes(files, ['a', 'b', 'c'])).toEqual([3, []])
    const again = files.asked.filter(asked => called(asked) === 'files/delete_v2').map(asked => argOf(asked)['path'])
    expect(again).toEqual(['/a', '/c'])
    expect(files.asked.filter(asked => called(asked) === 'files/delete_batch')).toHaveLength(1)
  })

  it('names a file that has been replaced since it was asked for again', async () => {
    const files = deletion(asked =>
      called(asked) === 'files/delete_batch' ? complete(failure('path_write', 'conflict', 'file')) : undefined,
    )
    expect(await codes(files, ['a'])).toEqual([1, []])
    expect(files.asked.map(called)).toEqual([
      'files/get_metadata',
      'files/delete_batch',
      'files/get_metadata',
      'files/delete_v2',
    ])
  })

  it('waits for a job', async () => {
    let asks = 0
    const files = deletion(asked => {
      if (called(asked) === 'files/delete_batch') return json({ '.tag': 'async_job_id', async_job_id: 'job' })
      if (called(asked) !== 'files/delete_batch/check') return undefined
      expect(argOf(asked)).toEqual({ async_job_id: 'job' })
      return asks++ === 0 ? json({ '.tag': 'in_progress' }) : complete(success)
    })
    expect(await codes(files, ['a'])).toEqual([1, []])
    expect(asks).toBe(2)
  })

  it.each<[string, Scripted, string]>([
    ['has failed', json({ '.tag': 'failed', failed: { '.tag': 'too_many_write_operations' } }), 'throttled'],
    ['is of another kind', json({ '.tag': 'other' }), 'unavailable'],
    ['has no entries', json({ '.tag': 'complete' }), 'unavailable'],
    ['is a page', page, 'unavailable'],
  ])('that %s is no success', async (_, answer, code) => {
    await expect(deletion(() => answer).deleteMany(['a'])).rejects.toMatchObject({ code })
  })

  it('of copies or moves has a result for each, and those that met a lock go again', async () => {
    const files = scripted(
      asked =>
        called(asked).endsWith('_batch_v2')
          ? complete(
              { '.tag': 'success', success: FILE },
              failure('relocation_error', 'to', 'conflict', 'file'),
              failure('relocation_error', 'from_lookup', 'not_found'),
              failure('too_many_write_operations'),
            )
          : json({ metadata: FILE }),
      { maxAttempts: 2, rootPath: '/r' },
    )
    const pairs = ['a', 'b', 'c', 'd'].map(from => ({ from, to: `to/${from}` }))
    const results = await files.moveMany(pairs)
    expect(results.map(({ from, to, error }) => [from, to, error?.code])).toEqual([
      ['a', 'to/a', undefined],
      ['b', 'to/b', 'exists'],
      ['c', 'to/c', 'not_found'],
      ['d', 'to/d', undefined],
    ])
    expect(files.asked.map(called)).toEqual(['files/move_batch_v2', 'files/move_v2'])
    expect(argOf(files.asked[1]!)).toEqual({ from_path: '/r/d', to_path: '/r/to/d', autorename: false })
    const [one] = await files.copyMany([{ from: 'a', to: 'b' }])
    expect([one, called(files.asked[2]!)]).toEqual([{ from: 'a', to: 'b' }, 'files/copy_batch_v2'])
  })
})

describe('a copy or a move', () => {
  const taken = refusal('to', 'conflict', 'file')
  const moved = (answers: Record<string, Scripted[]>, maxAttempts = 1) =>
    scripted(asked => answers[called(asked)]?.shift() ?? refusal('path', 'not_found'), { maxAttempts })

  it('of a folder is is_directory, and moves no tree', async () => {
    for (const verb of ['copy', 'move'] as const) {
      const files = scripted(() => json({ '.tag': 'folder', id: 'id:f', path_display: '/a' }))
      await expect(files[verb]('a', 'b')).rejects.toMatchObject({ code: 'is_directory' })
      expect(new Set(files.asked.map(called))).toEqual(new Set(['files/get_metadata']))
    }
  })

  it('whose answer was lost is known by the id of the file', async () => {
    const lost: Scripted = { status: 500, body: '' }
    const gone = refusal('from_lookup', 'not_found')
    const there = { ...FILE, path_lower: '/b', path_display: '/b' }
    const files = moved({ 'files/get_metadata': [json(FILE), json(there)], 'files/move_v2': [lost, gone] }, 2)
    expect(await files.move('a', 'b')).toBe('b')
    const other = moved(
      { 'files/get_metadata': [json(FILE), json({ ...there, id: 'id:other' })], 'files/move_v2': [lost, gone] },
      2,
    )
    await expect(other.move('a', 'b')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('never deletes the source where the target is the same file in another spelling', async () => {
    const spelled = { ...FILE, path_lower: '/ß', path_display: '/ß' }
    const files = moved({
      'files/get_metadata': [json(FILE), json(spelled)],
      'files/move_v2': [taken],
      'files/delete_v2': [json({ metadata: FILE })],
    })
    await files.move('a', 'ß', { overwrite: true })
    expect(files.asked.map(called)).toEqual(['files/get_metadata', 'files/move_v2', 'files/get_metadata'])
  })

  it.each<[string, Scripted]>([
    ['nothing', json({})],
    ['another path', json({ metadata: { ...FILE, path_lower: '/c', path_display: '/c' } })],
    ['a folder', json({ metadata: { ...FILE, '.tag': 'folder', path_lower: '/b', path_display: '/b' } })],
    ['a page', page],
  ])('that is answered by %s is no success', async (_, answer) => {
    const files = moved({ 'files/get_metadata': [json(FILE)], 'files/copy_v2': [answer] })
    await expect(files.copy('a', 'b')).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  })

  it('over a file reads damaged bytes of the source as an error, and the old file stays', async () => {
    const files = moved({
      'files/get_metadata': [json(FILE), json({ ...FILE, id: 'id:old', path_lower: '/b', path_display: '/b' })],
      'files/copy_v2': [taken],
      'files/download': [{ status: 200, headers: { 'dropbox-api-result': JSON.stringify(FILE) }, body: 'tact' }],
    })
    await expect(files.copy('a', 'b', { overwrite: true })).rejects.toMatchObject({ code: 'checksum_mismatch' })
    expect(files.asked.map(called)).not.toContain('files/upload')
  })
})

it('a deletion that meets another revision again and again ends, one that gets on does not', async () => {
  let rev = 0
  const conflict = refusal('path_write', 'conflict', 'file')
  const stuck = scripted(asked => (called(asked) === 'files/get_metadata' ? json(FILE) : conflict))
  await expect(stuck.delete('a')).rejects.toMatchObject({ code: 'precondition_failed' })
  expect(stuck.asked).toHaveLength(4)
  const moving = scripted(asked => {
    if (called(asked) === 'files/get_metadata') return json({ ...FILE, rev: `${REV}${++rev}` })
    return rev < 4 ? conflict : json({ metadata: FILE })
  })
  await moving.delete('a')
  expect(argOf(moving.asked.at(-1)!)).toEqual({ path: '/a', parent_rev: `${REV}4` })
})

it('a folder that is not empty, or of which nothing is known, is not deleted', async () => {
  const folder = { '.tag': 'folder', id: 'id:f', path_display: '/dir', path_lower: '/dir' }
  const listings: readonly Scripted[] = [
    json({ entries: [FILE], has_more: false }),
    json({ entries: [], has_more: true }),
    json({ entries: 5, has_more: false }),
    page,
  ]
  for (const listing of listings) {
    const files = scripted(asked => (called(asked) === 'files/get_metadata' ? json(folder) : listing))
    await expect(files.delete('dir')).rejects.toThrow()
    const { errors } = await files.deleteMany(['dir'])
    expect(errors).toHaveLength(1)
    expect(files.asked.map(called).filter(name => name.includes('delete'))).toEqual([])
  }
})
