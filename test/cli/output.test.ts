import { stripVTControlCharacters } from 'node:util'
import { afterEach, expect, test, vi } from 'vitest'
import { clipped, formatSize, Output, printable, table } from '../../src/cli/output.ts'
import { StorageError } from '../../src/core/errors.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test('columns stay aligned beside characters of any width', () => {
  const names = ['plain', '你好', 'ｆｕｌｌ', '한글', 'e\u0301a\u0300', '👩‍👩‍👧 ❤️', '🇩🇪', 'カナ、']
  const columns = [5, 4, 8, 4, 2, 5, 2, 6]
  const [, ...lines] = stripVTControlCharacters(
    table(
      ['name', 'size'],
      names.map(name => [name, '|']),
    ),
  ).split('\n')
  const wide = Math.max(...columns)
  expect(lines).toEqual(names.map((name, i) => `${name}${' '.repeat(wide - columns[i]! + 2)}|`))
})

test('a text is cut by columns, not in the middle of a character', () => {
  expect(clipped('你好abc', 5)).toBe('你好a')
  expect(clipped('你好', 3)).toBe('你')
  expect(clipped('a\u0301bc', 2)).toBe('a\u0301b')
})

test('nothing in a name can steer the terminal', () => {
  expect(printable('a\x1b[31m\n\x9bb\u202egnp.exe')).toBe('a\\x1b[31m\\x0a\\x9bb\\u202egnp.exe')
})

test('sizes have three digits', () => {
  expect([0, 999, 1000, 99_500, 1e9, 1.5e15].map(formatSize)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '100 kB',
    '1.0 GB',
    '1.5 PB',
  ])
})

test('the bar is gone while a line is written', async () => {
  const written: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation(text => written.push(String(text)) > 0)
  vi.spyOn(process.stderr, 'write').mockImplementation(text => written.push(String(text)) > 0)
  const out = new Output()
  out.status = { clear: () => written.push('cleared') }
  await out.line('result')
  out.log('message')
  out.quiet = true
  out.log('unseen')
  out.json = true
  out.error(new TypeError('no'))
  expect(written).toEqual([
    'cleared',
    'result\n',
    'cleared',
    'message\n',
    'cleared',
    '{"error":{"name":"TypeError","message":"no"}}\n',
  ])
})

test('an error says which file failed where its message does not', () => {
  const written: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation(text => written.push(String(text)) > 0)
  const output = new Output()
  output.error(new StorageError('invalid_argument', 'The content gave only 5 bytes.', { fileName: 'a/b.txt' }))
  output.error(new StorageError('not_found', "read 'a/b.txt': the file does not exist.", { fileName: 'a/b.txt' }))
  output.error(new StorageError('improperly_configured', 'No credentials.', { fileName: 'a/b.txt' }))
  expect(written.map(text => stripVTControlCharacters(text))).toEqual([
    'holdall: a/b.txt: The content gave only 5 bytes.\n',
    "holdall: read 'a/b.txt': the file does not exist.\n",
    'holdall: No credentials.\n',
  ])
})
