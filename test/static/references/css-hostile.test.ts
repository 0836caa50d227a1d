import { expect, test } from 'vitest'
import { referencesOf, urls } from './css-support.ts'

/** Characters; a reader that goes through them more than once would not end in time. */
const LENGTH = process.env['HOLDALL_TESTS'] === 'full' ? 1_000_000 : 30_000

test.each([
  'url(',
  'url("',
  "url('x' ",
  'url(data:"',
  '((((',
  '[',
  '{',
  '"',
  '"\n',
  '/*',
  '/*#',
  '\\',
  '\\\n',
  '\\75rl(',
  'a\\',
  '@',
  '@import ',
  '@import "',
  '@import/**/',
  'image-set(',
  'image-set("x" ',
  'var(',
  ' ',
  '-',
  '1e',
  '\ud83d',
])('a long text of %j is read in one pass', piece => {
  const text = `a{b:url(x.png)}${piece.repeat(LENGTH / piece.length)}`
  expect(referencesOf(text)[0]!.url).toBe('x.png')
})

test('functions and blocks that lie in each other by the hundred thousand are no matter', () => {
  const depth = 200_000
  const css = `a{b:${'var('.repeat(depth)}url(x.png)${')'.repeat(depth)} image-set(${'('.repeat(depth)}${')'.repeat(depth)}"y.png" 1x)}`
  expect(urls(css)).toEqual(['x.png', 'y.png'])
  expect(urls(`${'a{'.repeat(depth)}b:url(x.png)${'}'.repeat(depth)}`)).toEqual(['x.png'])
})

test('a text of many references has all of them', () => {
  const count = 100_000
  expect(referencesOf('a{b:url(x.png)}'.repeat(count))).toHaveLength(count)
})

test('a text that has none is not read at all', () => {
  // The tokenizer would take what is no string for one.
  const text = { toString: () => 'a{color:red}/* no reference */' } as string
  expect(urls(text)).toEqual([])
  expect(() => urls({ toString: () => 'a{b:URL(x)}' } as string)).toThrow(TypeError)
})
