import { describe, expect, test } from 'vitest'
import { itemIn, parseFacts } from '../../../src/backends/ftp/facts.ts'
import { parseListLine } from '../../../src/backends/ftp/listing-lines.ts'

const NOW = Date.UTC(2026, 0, 10, 12)
const read = (line: string) => parseListLine(line, NOW)
const file = (name: string, size: number, time?: string) => ({
  name,
  isDirectory: false,
  stat: { size, ...(time !== undefined && { modifiedAt: new Date(time), isRoughTime: true }) },
})
const folder = (name: string) => ({ name, isDirectory: true })

describe('lines in the form of ls', () => {
  test.each([
    ['-rw-r--r--    1 ftp      ftp          1234 Jan 05 09:30 a.txt', file('a.txt', 1234, '2026-01-05T09:30:00Z')],
    ['-rw-r--r--    1 ftp      ftp          1234 Nov 28  2024 a.txt', file('a.txt', 1234, '2024-11-28T00:00:00Z')],
    ['drwxr-xr-x    2 ftp      ftp          4096 Jan 05 09:30 a folder', folder('a folder')],
    [
      '-rw-r--r-- 1 ftp ftp 1 Jan  5 09:30  leading and trailing ',
      file(' leading and trailing ', 1, '2026-01-05T09:30:00Z'),
    ],
    [
      '-rw-r--r-- 1 ftp ftp 1 Jan 5 09:30 -a;b=c "quoted" [x]*%+',
      file('-a;b=c "quoted" [x]*%+', 1, '2026-01-05T09:30:00Z'),
    ],
    ['-rw-r--r-- 1 ftp ftp 1 Jan 5 09:30 5 Jan 10 09:30 name', file('5 Jan 10 09:30 name', 1, '2026-01-05T09:30:00Z')],
    // No group; a mode one letter short; a size with separators; an owner of two words.
    ['-rw-r--r-- 1 ftp 1234 Jan 5 09:30 a', file('a', 1234, '2026-01-05T09:30:00Z')],
    ['-rw-r--r- 1 ftp ftp 1234 Jan 5 09:30 a', file('a', 1234, '2026-01-05T09:30:00Z')],
    ['-rw-r--r-- 1 ftp ftp 1,234,567 Jan 5 09:30 a', file('a', 1_234_567, '2026-01-05T09:30:00Z')],
    ["-rw-r--r-- 1 ftp ftp 1'234 Jan 5 09:30 a", file('a', 1234, '2026-01-05T09:30:00Z')],
    ['-rw-r--r-- 1 Domain Users 12 Jan 5 09:30 a', file('a', 12, '2026-01-05T09:30:00Z')],
    ['-rw-r--r--+ 1 ftp ftp 12 Jan 5 09:30:59 a', file('a', 12, '2026-01-05T09:30:59Z')],
    ['-rw-r--r-- 1 ftp ftp 12 2025-11-28 19:01 a', file('a', 12, '2025-11-28T19:01:00Z')],
    ['-rw-r--r-- 1 ftp ftp 12 28 Nov 2025 a', file('a', 12, '2025-11-28T00:00:00Z')],
    ['- [R----F--] supervisor 214059 Oct 20 15:27 cx.exe', file('cx.exe', 214_059, '2025-10-20T15:27:00Z')],
    // A month in another language: the file is there, its time is not known.
    ['-rw-r--r-- 1 ftp ftp 12 Mär 5 09:30 a', file('a', 12)],
  ])('%s', (line, expected) => {
    expect(read(line)).toEqual(expected)
  })

  test('a link has to be asked about, and its target is no part of its name', () => {
    const line = 'lrwxrwxrwx 1 ftp ftp 7 Jan 5 09:30 link -> a/target'
    expect(read(line)).toEqual({ name: 'link', isDirectory: false })
  })

  test.each([
    'total 12',
    'insgesamt 8',
    '',
    'drwxr-xr-x 2 f f 4096 Jan 5 09:30 .',
    'drwxr-xr-x 2 f f 4096 Jan 5 09:30 ..',
    'crw-rw-rw- 1 root root 1, 3 Jan 5 09:30 null',
    'srw-rw-rw- 1 root root 0 Jan 5 09:30 socket',
  ])('no entry: %s', line => {
    expect(read(line)).toBe('none')
  })

  test.each(['ftpd: folder: Permission denied', 'lorem ipsum', '-rw-r--r-- 1 ftp', '226 done'])(
    'unreadable: %s',
    line => {
      expect(read(line)).toBeUndefined()
    },
  )
})

describe('times without a year', () => {
  test.each([
    ['Dec 31 23:59', '2025-12-31T23:59:00Z'],
    ['Jan 10 11:00', '2026-01-10T11:00:00Z'],
    // Less than a day ahead: another zone, or a clock that is fast.
    ['Jan 11 11:00', '2026-01-11T11:00:00Z'],
    ['Jan 11 13:00', '2025-01-11T13:00:00Z'],
    ['Feb 01 00:00', '2025-02-01T00:00:00Z'],
  ])('%s is the nearest that is not more than a day ahead', (text, time) => {
    expect(read(`-rw-r--r-- 1 f f 1 ${text} a`)).toEqual(file('a', 1, time))
  })

  test('may be of the year to come', () => {
    const item = parseListLine('-rw-r--r-- 1 f f 1 Jan 01 00:30 a', Date.UTC(2026, 11, 31, 12))
    expect(item).toEqual(file('a', 1, '2027-01-01T00:30:00Z'))
  })
})

describe('lines in the form of DOS', () => {
  test.each([
    ['11-28-26  07:01PM                 1234 a b.txt', file('a b.txt', 1234, '2026-11-28T19:01:00Z')],
    ['11-28-2026  12:01AM            1,234 a', file('a', 1234, '2026-11-28T00:01:00Z')],
    ['01-23-99  12:34PM                    1  leading', file(' leading', 1, '1999-01-23T12:34:00Z')],
    ['11-28-26  07:01AM       <DIR>          a folder', folder('a folder')],
    ['2026-11-28  19:01                  12 a', file('a', 12, '2026-11-28T19:01:00Z')],
    ['11-28-26  07:01AM       <SYMLINK>      link [C:\\x]', { name: 'link', isDirectory: false }],
    ['99-99-26  07:01AM                   1 a', file('a', 1)],
  ])('%s', (line, expected) => {
    expect(read(line)).toEqual(expected)
  })
})

describe('lines of MLSD', () => {
  const item = (line: string) => itemIn(parseFacts(line)!)

  test.each([
    ['type=file;size=4;modify=20261128190102; a', { size: 4, modifiedAt: new Date('2026-11-28T19:01:02Z') }, 'a'],
    [
      'Type=FILE;Size=4;Modify=20261128190102.5;  two blanks ',
      { size: 4, modifiedAt: new Date('2026-11-28T19:01:02.500Z') },
      ' two blanks ',
    ],
    ['type=file;size=4; a;b=c; d', { size: 4 }, 'a;b=c; d'],
    ['type=file;size=4;modify=20261399000000; odd time', { size: 4 }, 'odd time'],
    ['size=4; no type', { size: 4 }, 'no type'],
    ['type=file;UNIX.owner=Domain Users;size=4; a', { size: 4 }, 'a'],
  ])('%s', (line, stat, name) => {
    expect(item(line)).toEqual({ name, isDirectory: false, stat })
  })

  test('a unique fact makes a weak etag', () => {
    expect(item('type=file;size=4;modify=20261128190102;unique=1 g2"; a')?.stat?.etag).toBe(
      'W/"1_g2_-4-20261128190102"',
    )
  })

  test('folders, links, what has no size, and what is none of these', () => {
    expect(item('type=dir;sizd=4096; d')).toEqual(folder('d'))
    expect(item('type=OS.unix=slink:/x;size=3; l')).toEqual({ name: 'l', isDirectory: false })
    expect(item('type=file; a')).toEqual({ name: 'a', isDirectory: false })
    for (const line of ['type=cdir; .', 'type=pdir; ..', 'type=OS.unix=chr-1/3; null'])
      expect(item(line)).toBeUndefined()
    expect(parseFacts('a message without facts')).toBeUndefined()
  })
})
