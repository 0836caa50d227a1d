/** What no Dropbox should answer of many files or of two, and what it answers seldom. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Asked, Scripted } from '../../support/scripted-client.ts'
import { argOf, called, FILE, refusal, scripted } from './scripted.ts'

// No wait before another try.
beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterEach(() => vi.restoreAllMocks())

const REV = FILE.rev
const json = (value: unknown): Scripted => ({ json: value })
const page: Scripted = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>log in</html>' }

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

    it('is an error of a page, which says to restart', async () => {
      const files = pages(['a', 'b'], [1])
      await expect(files.page('', { token: '1' })).rejects.toMatchObject({
        code: 'unavailable',
        retryable: false,
        message: expect.stringContaining('must be restarted'),
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

  it.each(['copy', 'move'] as const)(
    'that is refused for a while is tried as often as anything else: %s',
    async verb => {
      const files = scripted(
        asked => (called(asked) === 'files/get_metadata' ? json(FILE) : refusal('too_many_write_operations')),
        { maxAttempts: 2 },
      )
      await expect(files[verb]('a', 'b')).rejects.toMatchObject({ code: 'throttled', outcome: 'not_applied' })
      expect(files.asked.map(called)).toEqual(['files/get_metadata', `files/${verb}_v2`, `files/${verb}_v2`])
    },
  )

  it('of which a try was lost may be done, whatever the last try says', async () => {
    const answers = { 'files/get_metadata': [json(FILE)], 'files/copy_v2': [{ status: 500, body: '' }] }
    const files = scripted(
      asked => (answers as Record<string, Scripted[]>)[called(asked)]?.shift() ?? refusal('too_many_write_operations'),
      { maxAttempts: 2 },
    )
    await expect(files.copy('a', 'b')).rejects.toMatchObject({ code: 'throttled', outcome: 'unknown' })
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
