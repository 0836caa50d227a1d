import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'
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

describe('a name that Dropbox does not take', () => {
  it.each([
    'desktop.ini',
    'Thumbs.DB',
    '.DS_Store',
    '.dropbox',
    '.DROPBOX.attr',
    'Icon\r',
    'below/desktop.ini',
    'desktop.ini/below',
    'trailing ',
    'folder /file',
    'del\u007f',
    'x'.repeat(256),
    `${'é'.repeat(256)}/a`,
  ])('%j is suspicious_name in every call, and nothing is asked', async name => {
    const calls = [
      files.save(name, 'x'),
      files.save(name, Buffer.alloc(5_000_000)),
      files.open(name, 'w'),
      files.exists(name),
      files.delete(name),
      files.copy('a', name),
      files.url(name),
      files.uploadUrl(name),
    ]
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'suspicious_name', fileName: name })
    for (const pair of [
      { from: 'a', to: name },
      { from: name, to: 'a' },
    ]) {
      const error = expect.objectContaining({ code: 'suspicious_name' })
      expect([await files.copyMany([pair]), await files.moveMany([pair])]).toEqual([
        [{ ...pair, error }],
        [{ ...pair, error }],
      ])
    }
    expect(server.requests).toEqual([])
  })

  it.each([
    'desktop.ini.txt',
    'thumbs.db~',
    'a.DS_Store',
    'dropbox',
    ' leading',
    'wide\u3000',
    'x'.repeat(255),
    '🙂'.repeat(100),
    'icon',
  ])('%j is none of them', async name => {
    expect(await files.save(name, 'x')).toBe(name)
    expect(await files.listdir()).toEqual([[], [name]])
  })

  it('of another kind is the same error when the service says so, also after a whole session', async () => {
    const error = { code: 'suspicious_name', retryable: false, outcome: 'not_applied' }
    // Under a condition, too, the message tells the step that failed.
    const message = expect.stringMatching(/^writeOnce: POST .*path\/disallowed_name$/)
    await expect(files.save('dir/~$lock.docx', 'x')).rejects.toMatchObject({ ...error, message })
    for (const size of [10, 5_000_000]) {
      const failed = files.save('dir/~$lock.docx', Buffer.alloc(size), { overwrite: true })
      await expect(failed).rejects.toMatchObject(error)
    }
    expect(server.requests.filter(({ operation }) => operation.endsWith('finish'))).toHaveLength(1)
  })

  it.each([undefined, 'ab', 5])('or a list of pairs that is none is invalid_argument: %j', async pairs => {
    const error = { code: 'invalid_argument', message: expect.stringMatching(/expected a list of pairs, got/) }
    await expect(files.copyMany(pairs as unknown as [])).rejects.toMatchObject(error)
  })

  it('is told as it was given, without the root', async () => {
    await expect(files.save('trailing ', 'x')).rejects.toThrow(/: "trailing "$/)
  })

  it.each(['copyMany', 'moveMany'] as const)('does not keep %s from what else it was given', async verb => {
    server.put('/App/a', 'x')
    const results = await files[verb]([
      { from: 'a', to: 'bad ' },
      { from: 'a', to: 'b' },
      { from: '../a', to: 'c' },
    ])
    expect(results.map(({ from, to, error }) => [from, to, error?.code])).toEqual([
      ['a', 'bad ', 'suspicious_name'],
      ['a', 'b', undefined],
      ['../a', 'c', 'suspicious_name'],
    ])
    expect(await files.readText('b')).toBe('x')
  })

  it('does not come of making a taken name free', async () => {
    const long = `${'x'.repeat(251)}.txt`
    await files.save(long, 'one')
    const other = await files.save(long, 'two')
    expect(other).toMatch(/^x+_\w{7}\.txt$/)
    expect(other.length).toBe(255)
  })
})

describe('A.txt and a.txt are one file', () => {
  it('exists under any case, and keeps the case in which it was written', async () => {
    await files.save('Dir/A.txt', 'one')
    expect(await files.exists('dir/a.TXT')).toBe(true)
    expect(await files.isNameAvailable('dir/a.txt')).toBe(false)
    expect(await files.readText('DIR/a.txt')).toBe('one')
    expect(await files.listdir('')).toEqual([['Dir'], []])
    // Below the folder as it was asked for.
    expect((await files.page('dIr')).entries.map(({ name }) => name)).toEqual(['dIr/A.txt'])
    expect((await files.page('', { recursive: true })).entries.map(({ name }) => name)).toEqual(['Dir/A.txt'])
  })

  it('is not created again exclusively under another case', async () => {
    await files.save('A.txt', 'one')
    expect(await files.save('a.txt', 'two')).toMatch(/^a_\w{7}\.txt$/)
    await expect(files.open('a.TXT', 'x')).rejects.toMatchObject({ code: 'exists' })
    expect(await files.getAvailableName('a.txt')).not.toBe('a.txt')
    expect(await files.readText('A.txt')).toBe('one')
  })

  it('is replaced under another case with overwriting, and deleted', async () => {
    await files.save('A.txt', 'one')
    expect(await files.save('a.txt', 'two', { overwrite: true })).toBe('a.txt')
    expect(await files.readText('A.txt')).toBe('two')
    expect(server.paths()).toHaveLength(1)
    await files.delete('a.TXT')
    expect(server.paths()).toEqual([])
  })

  it.each([false, true])(
    'is never lost by a copy or a move to another case of itself, overwriting: %s',
    async overwrite => {
      await files.save('A.txt', 'one')
      await files.move('A.txt', 'a.txt', { overwrite })
      expect(await files.readText('a.txt')).toBe('one')
      expect(server.paths()).toHaveLength(1)
      await files.copy('A.txt', 'a.txt', { overwrite })
      expect(await files.readText('A.txt')).toBe('one')
    },
  )

  it('is not lost either by a move into another storage of the same place', async () => {
    await files.save('A.txt', 'one')
    await using other = storageWith({ ...at(server), rootPath: '/', fileOverwrite: true })
    await files.move('A.txt', 'APP/a.txt', { storage: other })
    expect(await files.readText('A.txt')).toBe('one')
    expect(server.paths()).toHaveLength(1)
  })

  it('and so are two forms of a letter in Unicode, of which Dropbox knows form C alone', async () => {
    const [one, two] = ['\u00e9.txt', 'e\u0301.txt']
    server.put(`/App/${two}`, 'theirs')
    for (const name of [one, two]) {
      expect(await files.readText(name)).toBe('theirs')
      expect(await files.save(name, 'another')).not.toBe(name)
      expect(await files.move(name, name === one ? two : one, { overwrite: true })).toBeDefined()
    }
    for (const { name } of (await files.page('')).entries) expect(await files.exists(name)).toBe(true)
    expect(server.paths()).toHaveLength(3)
    await files.delete(two)
    expect(await files.exists(one)).toBe(false)
  })

  it('is listed with a root that was made in another case', async () => {
    server.put('/app/Below/B.txt', 'x')
    expect(await files.listdir()).toEqual([['Below'], []])
    expect((await files.page('', { recursive: true })).entries.map(({ name }) => name)).toEqual(['Below/B.txt'])
  })
})

describe('the root', () => {
  it.each(['../x', 'a/../../x', '/etc/x', '..'])('row 207: %j leaves it: suspicious_name', async name => {
    await expect(files.open(name)).rejects.toMatchObject({ code: 'suspicious_name' })
    await expect(files.save(name, 'x')).rejects.toMatchObject({ code: 'suspicious_name' })
    expect(server.requests).toEqual([])
  })

  it('is not in the names that save gives, and a version of a file outside it is not found', async () => {
    expect(await files.save('dir/a.txt', 'in')).toBe('dir/a.txt')
    expect(server.paths()).toEqual(['/App/dir/a.txt'])
    const { rev } = server.put('/outside.txt', 'out').revision
    for (const call of [files.stat('dir/a.txt', { versionId: rev }), files.open('dir/a.txt', 'rb', { versionId: rev })])
      await expect(call).rejects.toMatchObject({ code: 'not_found' })
  })
})
