import { expect, test } from 'vitest'
import { MAX_PATTERN_LENGTH } from '../../src/core/patterns.ts'
import { FnmatchPattern } from '../../src/static/fnmatch.ts'
import { DEFAULT_IGNORE, ignorePatterns } from '../../src/static/ignore.ts'
import { FNMATCH_RESULTS } from './fnmatch-results.ts'

test.each(FNMATCH_RESULTS)("pattern %j is compared as Python's fnmatch does", (pattern, matching, others) => {
  const compiled = new FnmatchPattern(pattern)
  expect([...matching, ...others].filter(name => compiled.matches(name))).toEqual(matching)
})

test('a pattern is compared with the base name and with the whole path', () => {
  const isIgnored = ignorePatterns(['*.map', 'vendor/*.txt', 'docs', 'a?b'])
  for (const path of ['x.map', 'a/b/x.map', 'vendor/x.txt', 'vendor/deep/x.txt', 'docs', 'lib/docs', 'a/b', 'x/a-b']) {
    expect(isIgnored(path), path).toBe(true)
  }
  // Patterns are for whole names, and letter case counts.
  for (const path of ['x.MAP', 'x.map.js', 'my/vendor/x.txt', 'docs.css', 'lib/docs/a.css', 'x/a/b']) {
    expect(isIgnored(path), path).toBe(false)
  }
})

test('two stars are any number of folders or none, as people who write for Node expect', () => {
  const table: ReadonlyArray<readonly [pattern: string, matching: string[], others: string[]]> = [
    ['vendor/**/*.map', ['vendor/a.map', 'vendor/x/a.map', 'vendor/x/y/a.map'], ['a.map', 'my/vendor/a.map']],
    ['**/test/*', ['test/a', 'x/test/a', 'x/y/test/b/c'], ['test', 'mytest/a', 'x/mytest/a']],
    ['**/a.css', ['a.css', 'x/a.css', 'x/y/a.css'], ['ba.css', 'x/ba.css']],
    ['a/**/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/xb']],
    ['a/**/b/**/c', ['a/b/c', 'a/x/b/y/c', 'a/b/b/c', 'a/b/x/b/c'], ['a/c', 'a/b/xc', 'a/xb/c']],
    ['a/**', ['a/b', 'a/b/c'], ['a', 'ab']],
    ['**', ['a', 'a/b'], []],
    ['a**b', ['ab', 'axb', 'a/b'], ['a/c']],
    ['*/**/x', ['a/x', 'a/b/x'], ['x']],
  ]
  for (const [pattern, matching, others] of table) {
    const compiled = new FnmatchPattern(pattern)
    expect(
      [...matching, ...others].filter(name => compiled.matches(name)),
      pattern,
    ).toEqual(matching)
  }
})

test('a pattern is normalized as a path, as Django does', () => {
  const isIgnored = ignorePatterns(['docs/', './lib//src/', './css', 'x/../y', ''])
  const paths = ['docs', 'x/docs', 'lib/src', 'src', 'css', 'y', 'x', 'a']
  expect(paths.filter(isIgnored)).toEqual(['docs', 'x/docs', 'lib/src', 'css', 'y'])
})

test('by default CVS, hidden files and backups are left out', () => {
  const isIgnored = ignorePatterns(DEFAULT_IGNORE)
  const paths = ['CVS', 'a/CVS', '.git', 'a/.htaccess', 'a~', 'a/b.css~', 'cvs', 'CVSROOT', 'a.css', '~a', 'a./b']
  expect(paths.filter(isIgnored)).toEqual(['CVS', 'a/CVS', '.git', 'a/.htaccess', 'a~', 'a/b.css~'])
})

test('without patterns nothing is left out', () => {
  expect(['a', '.b', 'c/d'].filter(ignorePatterns([]))).toEqual([])
  expect(['a', '.b', 'c/d'].filter(ignorePatterns(['']))).toEqual([])
})

test('what is no list of patterns is refused', () => {
  const refused = (message: string) => expect.objectContaining({ code: 'improperly_configured', message })
  expect(() => ignorePatterns('*.map' as never)).toThrow(refused('ignore: expected a list of patterns, got string.'))
  expect(() => ignorePatterns([/a/] as never)).toThrow(refused('ignore: expected a pattern, got object.'))
  expect(() => ignorePatterns(['a'.repeat(MAX_PATTERN_LENGTH + 1)])).toThrow(
    refused('ignore: a pattern has 4097 characters; the longest one allowed has 4096.'),
  )
})

test('hostile patterns take no more steps than pattern and name have characters, multiplied', () => {
  const name = 'a'.repeat(500)
  // An expression that goes back to every star would take longer than the world is old.
  for (const part of ['*a', '?*', '[!b]*', '[a-a]*', '**/']) {
    expect(new FnmatchPattern(`${part.repeat(100)}b`).matches(name), part).toBe(false)
  }
  expect(new FnmatchPattern(`${'*/**/'.repeat(100)}b`).matches('a/'.repeat(500))).toBe(false)
  for (const part of ['[', '[!', '[a-', '[]', '*[']) new FnmatchPattern(part.repeat(MAX_PATTERN_LENGTH / 4))
})
