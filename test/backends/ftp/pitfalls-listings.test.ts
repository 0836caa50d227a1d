/** Pitfalls of FTP: listings that are cut off, taken for another thing, odd, or without a year. */
import { describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import type { FtpFault, FtpServerOptions } from '../../servers/ftp.ts'
import { all, type Place, startPlace } from './support.ts'

const ALWAYS = Number.POSITIVE_INFINITY
const plain: FtpServerOptions = { without: ['MLST', 'MLSD'] }

/** Makes every listing of a server another one. */
function lieAbout(
  place: Place,
  change: { data?: (lines: string[]) => string[]; reply?: string; times?: number },
): void {
  const { data, reply, times = ALWAYS } = change
  for (const operation of ['LIST', 'MLSD']) {
    place.server.faults.add({
      operation,
      times,
      fault: {
        do: 'lie',
        at: 'after',
        ...(reply !== undefined && { reply: () => reply }),
        ...(data !== undefined && {
          data: bytes => Buffer.from([...data(bytes.toString('utf8').split('\r\n').slice(0, -1)), ''].join('\r\n')),
        }),
      },
    })
  }
}

async function namesIn(place: Place, folder: string): Promise<string[]> {
  const [folders, files] = await place.files.listdir(folder)
  return [...folders.map(name => `${name}/`), ...files].sort()
}

describe('ftp-8: a listing of which the server says that it is not all ends in an error', () => {
  test.each([
    ['of a limit, MLSD', {}, '226-Options: -a -l\n226 Output truncated to 2 matches'],
    ['of a limit, LIST', plain, '226 Output truncated to 2 matches'],
    ['of a limit in other words', plain, '226 Maximum number of entries reached, listing incomplete'],
    ['of a folder that could not be opened', plain, '226 Transfer done (but failed to open directory).'],
    ['of no permission', plain, '226 opendir: Permission denied'],
  ] as const)('%s', async (_title, manners, reply) => {
    await using place = await startPlace(manners, { maxAttempts: 1 })
    for (const name of ['a', 'b', 'c', 'd']) place.server.put(`folder/${name}`, name)
    lieAbout(place, { data: lines => lines.slice(0, reply.includes('truncated') ? 4 : 0), reply })
    const error = { code: expect.not.stringMatching('not_found') }
    await expect(place.files.listdir('folder')).rejects.toMatchObject(error)
    await expect(place.files.entries('folder', { recursive: true }).next()).rejects.toMatchObject(error)
    await expect(place.files.page('folder')).rejects.toMatchObject(error)
    // Nothing that works on a listing works on a part of it.
    await using memory = new MemoryStorage()
    await expect(copyAll(place, memory)).rejects.toMatchObject(error)
    expect(place.server.files()).toEqual(['folder/a', 'folder/b', 'folder/c', 'folder/d'])
  })

  test.each([
    ['may not be entered', 'CWD', {}],
    ['may not be entered, LIST', 'CWD', plain],
    ['may not be listed', 'MLSD', {}],
  ] as const)('a folder below that %s ends a recursive listing', async (_title, operation, manners) => {
    await using place = await startPlace(manners, { maxAttempts: 1 })
    for (const name of ['a', 'b/locked/c', 'd']) place.server.put(name, 'x')
    const fault: FtpFault = { do: 'refuse', status: 550, body: 'Permission denied.' }
    const isThere = (): boolean => place.server.commands('CWD').at(-1) === 'CWD /b/locked'
    const where = operation === 'CWD' ? { key: '/b/locked' } : { match: isThere }
    place.server.faults.add({ operation, times: ALWAYS, fault, ...where })
    await expect(all(place.files.entries('', { recursive: true }))).rejects.toMatchObject({ code: 'permission_denied' })
    expect(await namesIn(place, 'b')).toEqual(['locked/'])
  })

  test('and no exists() works on it', async () => {
    await using place = await startPlace(
      { ...plain, without: ['MLST', 'MLSD', 'SIZE', 'MDTM'], terse: true },
      { maxAttempts: 1 },
    )
    place.server.put('folder/z', 'bytes')
    lieAbout(place, { data: () => [], reply: '226 Output truncated to 0 matches' })
    await expect(place.files.exists('folder/z')).rejects.toMatchObject({ code: expect.not.stringMatching('not_found') })
    await expect(place.files.save('folder/z', 'other', { overwrite: false })).rejects.toThrow()
    expect(place.server.read('folder/z')?.toString()).toBe('bytes')
  })

  test('one that is whole and has such words in its names is none', async () => {
    await using place = await startPlace(plain)
    place.server.put('truncated/Output truncated', 'x')
    expect(await namesIn(place, '')).toEqual(['truncated/'])
    expect(await namesIn(place, 'truncated')).toEqual(['Output truncated'])
  })
})

/** What some work gives, and what it reports to be left out. */
async function warned<T>(work: () => Promise<T>): Promise<{ value: T; told: string[] }> {
  const told: string[] = []
  const listen = (warning: Error & { code?: string }): void => {
    const [, what] = /^(.*) is left out: /s.exec(warning.message) ?? []
    if (warning.code === 'HOLDALL_LEFT_OUT') told.push(what ?? warning.message)
  }
  process.on('warning', listen)
  try {
    const value = await work()
    // Warnings are told in a turn of their own.
    await new Promise(setImmediate)
    return { value, told }
  } finally {
    process.off('warning', listen)
  }
}

/** What a sync does first. */
async function copyAll(place: Place, target: MemoryStorage): Promise<void> {
  for await (const entry of place.files.entries('', { recursive: true })) await target.save(entry.name, 'x')
}

describe('ftp-9: a server that takes -a for a name', () => {
  test.each(['name', 'empty'] as const)(
    'and answers as for a %s: plain LIST is asked before a folder is called empty or missing',
    async flags => {
      await using place = await startPlace({ ...plain, flags }, { poolSize: 1 })
      place.server.put('folder/a', 'bytes')
      place.server.put('b', 'bytes')
      expect(await namesIn(place, '')).toEqual(['b', 'folder/'])
      expect(await namesIn(place, 'folder')).toEqual(['a'])
      expect(await namesIn(place, 'none')).toEqual([])
      expect(await place.files.exists('folder')).toBe(true)
      place.server.tree.ensureFolder('/empty')
      expect(await namesIn(place, 'empty')).toEqual([])
      expect(await namesIn(place, 'folder')).toEqual(['a'])
    },
  )

  test('a file named -a is listed as one', async () => {
    await using place = await startPlace({ ...plain, flags: 'name' })
    place.server.put('-a', 'x')
    place.server.put('-a folder/x', 'x')
    expect(await namesIn(place, '')).toEqual(['-a', '-a folder/'])
    expect(await namesIn(place, '-a folder')).toEqual(['x'])
  })

  test('hidden files are listed where -a is an option', async () => {
    await using place = await startPlace(plain)
    place.server.put('folder/.hidden', 'x')
    expect(await namesIn(place, 'folder')).toEqual(['.hidden'])
  })

  test.each([550, 450, 'empty'] as const)(
    'one missing folder (%s), as the first listing of a connection, changes nothing for later calls',
    async missingFolder => {
      const modified = new Date('2024-05-06T07:08:09Z')
      await using place = await startPlace({ missingFolder }, { poolSize: 1 })
      place.server.put('folder/a', 'bytes', modified)
      expect(await namesIn(place, 'missing')).toEqual([])
      const [entry] = await all(place.files.entries('folder'))
      expect(entry).toMatchObject({ name: 'folder/a', modifiedAt: modified })
      expect(place.server.commands('LIST')).toEqual([])
    },
  )
})

test('a folder that is listed like a missing file, or like a file of its name, is a folder', async () => {
  await using place = await startPlace({ ...plain, terse: true, missingFolder: 'empty' })
  place.server.put('sample.txt', 'x')
  place.server.put('same/same', 'x')
  await place.files.save('bare/x', 'x')
  await place.files.delete('bare/x')
  expect([await place.files.exists('none'), await place.files.exists('none2')]).toEqual([false, false])
  // By now the storage has seen that the server lists a file alone.
  expect(place.server.commands('LIST')).toContain('LIST /none2')
  for (const name of ['bare', 'same']) {
    expect(await place.files.exists(name)).toBe(true)
    await expect(place.files.open(name)).rejects.toMatchObject({ code: 'is_directory' })
    const saves = ['a', 'b', 'c', 'd'].map(each => place.files.save(`${name}/${each}`, each))
    expect(await Promise.all(saves)).toEqual(['a', 'b', 'c', 'd'].map(each => `${name}/${each}`))
  }
  await expect(place.files.save('sample.txt/x', 'x')).rejects.toMatchObject({ code: 'not_a_directory' })
})

describe('ftp-10: a folder is listed by CWD and a listing without argument', () => {
  const odd = ['with spaces', ' leading', 'x[1]', '*', 'a?b', '-la', 'trailing ', "it's", 'ü😀', '{a,b}', '~', '#1']

  test.each([
    ['takes patterns', { ...plain, globs: true }],
    ['takes the first word', { ...plain, listArgument: 'first word' }],
    ['ignores its argument', { ...plain, listArgument: 'ignored' }],
    ['has MLSD', {}],
  ] as const)('where LIST %s the entries are those of that folder', async (_title, manners) => {
    await using place = await startPlace(manners, { poolSize: 1 })
    for (const folder of odd) place.server.put(`${folder}/in ${folder}`, folder)
    for (const folder of odd) expect(await namesIn(place, folder), folder).toEqual([`in ${folder}`])
    expect((await place.files.listdir(''))[0]).toEqual([...odd].sort())
    const found = await all(place.files.entries('', { recursive: true }))
    expect(found.map(({ name }) => name).sort()).toEqual(odd.map(folder => `${folder}/in ${folder}`).sort())
  })

  test('the folder is put back, so that a path of the next call means what it meant', async () => {
    await using place = await startPlace({ home: '/home/anna' }, { poolSize: 1, path: 'media' })
    await place.files.save('folder/a', 'bytes')
    expect(await namesIn(place, 'folder')).toEqual(['a'])
    await place.files.save('b', 'bytes')
    expect(await place.files.readText('b')).toBe('bytes')
    expect(place.server.files()).toEqual(['home/anna/media/b', 'home/anna/media/folder/a'])
    expect(place.server.opened).toBe(1)
  })

  test('a CWD that says 250 and goes nowhere is noticed', async () => {
    await using place = await startPlace(plain, { maxAttempts: 1 })
    place.server.put('my folder/a', 'bytes')
    place.server.put('top', 'bytes')
    place.server.faults.add({
      operation: 'CWD',
      key: '/my folder',
      times: ALWAYS,
      fault: { do: 'lie', at: 'before', reply: () => '250 Directory successfully changed.' },
    })
    const names = await namesIn(place, 'my folder').catch(error => error.code)
    expect(names).not.toContain('top')
    expect(names).not.toEqual([])
  })
})

describe('ftp-11: an odd line is read leniently, or told', () => {
  const ok = '-rw-r--r--    1 ftp      ftp             5 Dec 31 23:59 fine'

  test.each([
    ['no group', '-rw-r--r--    1 ftp             5 Dec 31 23:59 odd', 5],
    ['neither owner nor group', '-rw-r--r--    1             5 Dec 31 23:59 odd', 5],
    ['a mode one letter short', '-rw-r--r-    1 ftp      ftp             5 Dec 31 23:59 odd', 5],
    ['a mode with an attribute', '-rw-r--r--+   1 ftp      ftp             5 Dec 31 23:59 odd', 5],
    ['a size with separators', '-rw-r--r--    1 ftp      ftp     1,234,567 Dec 31 23:59 odd', 1_234_567],
    ['an owner with a space', '-rw-r--r--    1 Domain Users ftp       5 Dec 31 23:59 odd', 5],
    ['a day before the month', '-rw-r--r--    1 ftp      ftp             5 31 Dec 23:59 odd', 5],
    ['a date of numbers', '-rw-r--r--    1 ftp      ftp             5 2025-12-31 23:59 odd', 5],
    ['a month in German', '-rw-r--r--    1 ftp      ftp             5 31. Dez 23:59 odd', 5],
    ['the form of DOS', '12-31-25  11:59PM                    5 odd', 5],
    ['four digits of a year in DOS', '12-31-2025  11:59PM                    5 odd', 5],
  ])('%s', async (_title, line, size) => {
    for (const lines of [
      [line, ok],
      [ok, line],
    ]) {
      await using place = await startPlace(plain, { maxAttempts: 1 })
      place.server.put('folder/x', '')
      lieAbout(place, { data: () => lines })
      const entries = await all(place.files.entries('folder'))
      expect(entries.map(each => [each.name, each.size]).sort()).toEqual([
        ['folder/fine', 5],
        ['folder/odd', size],
      ])
    }
  })

  test.each([
    ['a message', 'ftpd: folder: Permission denied'],
    ['a message at the end', 'Total of 1 Files, 1 Blocks.'],
    ['half a line', '-rw-r--r--    1 ftp'],
    ['something else', 'lorem ipsum'],
  ])('%s is told as a warning, and the other entries are there', async (_title, line) => {
    for (const lines of [
      [line, ok],
      [ok, line],
    ]) {
      await using place = await startPlace(plain)
      place.server.put('folder/x', '')
      lieAbout(place, { data: () => lines })
      expect(await warned(() => namesIn(place, 'folder'))).toEqual({ value: ['fine'], told: [JSON.stringify(line)] })
    }
  })

  test('what is no entry is left out: totals, the folder itself, its parent, devices', async () => {
    await using place = await startPlace(plain)
    place.server.put('folder/x', '')
    const more = ['total 8', 'drwxr-xr-x    2 a b 4096 Dec 31 23:59 .', 'drwxr-xr-x    2 a b 4096 Dec 31 23:59 ..']
    const device = 'crw-rw-rw-    1 root root   1, 3 Dec 31 23:59 null'
    lieAbout(place, { data: () => [...more, ok, '', device] })
    expect(await namesIn(place, 'folder')).toEqual(['fine'])
  })

  test('an odd line of MLSD is told, an odd fact is left out', async () => {
    await using place = await startPlace({}, { maxAttempts: 1 })
    place.server.put('folder/a', 'bytes')
    lieAbout(place, { times: 1, data: lines => [...lines, 'type=file;size=5;modify=2026xx; odd time'] })
    const entries = await all(place.files.entries('folder'))
    const found = entries.map(({ name, modifiedAt }) => [name, modifiedAt instanceof Date])
    expect(found).toEqual([
      ['folder/a', true],
      ['folder/odd time', false],
    ])
    place.server.faults.clear()
    lieAbout(place, { times: 1, data: lines => [...lines, 'a message without facts'] })
    expect(await warned(() => namesIn(place, 'folder'))).toEqual({ value: ['a'], told: ['"a message without facts"'] })
  })

  test('two entries of one name, and names that would leave the folder, harm nothing', async () => {
    await using place = await startPlace({}, { maxAttempts: 1 })
    place.server.put('folder/a', 'bytes')
    lieAbout(place, {
      data: lines => [...lines, 'type=file;size=5; ../escape', 'type=file;size=5; /abs', 'type=dir; ..'],
    })
    const names = await all(place.files.entries('folder', { recursive: true })).then(
      entries => entries.map(({ name }) => name),
      error => error.code,
    )
    if (Array.isArray(names)) expect(names).toEqual(['folder/a'])
    else expect(names).toMatch(/unavailable|unknown|suspicious_name/)
  })
})
