import { expect, test } from 'vitest'
import { globMatcher } from '../../src/core/globs.ts'

const TABLE: ReadonlyArray<readonly [patterns: string[], matching: string[], others: string[]]> = [
  // Without a slash: the last part of a name.
  [['*.html'], ['a.html', 'x/a.html', 'x/y/.a.html'], ['a.htm', 'a.html/b', 'a.html.gz']],
  [['robots.txt'], ['robots.txt', 'x/robots.txt'], ['my-robots.txt']],
  [['*'], ['a', 'x/.b'], []],
  [['**'], ['a', 'x/.b'], []],
  // With one: the whole name, and stars stay within a folder.
  [['css/*.css'], ['css/a.css', 'css/.a.css'], ['css/x/a.css', 'x/css/a.css', 'css/a.js']],
  [['css/**/*.css'], ['css/a.css', 'css/x/y/a.css'], ['a.css', 'x/css/a.css']],
  [['**/*.html'], ['a.html', 'x/a.html', '.x/.a.html'], ['a.css']],
  [['/*.html'], ['a.html'], ['x/a.html']],
  [['fonts/'], ['fonts/a', 'fonts/b/.c'], ['fonts', 'x/fonts/a', 'fonts2/a']],
  [['/fonts/'], ['fonts/a'], ['x/fonts/a']],
  [['a?c/*'], ['abc/x'], ['a/c/x', 'ac/x']],
  // What else globs of Node have.
  [['*.{js,css}'], ['a.js', 'x/a.css'], ['a.json', 'a.{js,css}x']],
  [['{a,b}/*'], ['a/x', 'b/x'], ['c/x', 'a']],
  [['[!a]*.js'], ['b.js', 'x/c.js'], ['a.js', 'x/a.js']],
  [['[^a]*.js'], ['b.js'], ['a.js']],
  [['x[!a]y/*'], ['xby/q'], ['xay/q', 'x/y/q']],
  [['[a-c].js'], ['b.js'], ['d.js']],
  [['@(a|b).js'], ['a.js', 'b.js'], ['c.js', 'ab.js']],
  [['!(a|b).js'], ['c.js'], ['a.js', 'b.js']],
  [['\\*.js'], ['*.js'], ['a.js']],
  [['[id].js'], ['[id].js', 'i.js'], ['x.js']],
  [['a+b (1).js'], ['a+b (1).js'], ['aab (1).js']],
  // Lists.
  [['*.js', '*.css'], ['a.js', 'a.css'], ['a.png']],
  [
    ['*.js', '!vendor/**', 'vendor/keep.js'],
    ['a.js', 'x/a.js', 'vendor/keep.js'],
    ['vendor/a.js', 'vendor/x/a.js', 'a.css'],
  ],
  [['!*.html'], ['a.js', 'x/a.css'], ['a.html', 'x/a.html']],
  [['!*.html', '!*.js'], ['a.css'], ['a.html', 'a.js']],
  [[], [], ['a']],
  [['', '/', '!'], [], ['a', '']],
]

test.each(TABLE)('%j', (patterns, matching, others) => {
  const matches = globMatcher(patterns)
  expect([...matching, ...others].filter(matches)).toEqual(matching)
})

test('what is no list of patterns is refused with the name of the option', () => {
  const refused = (message: string) => expect.objectContaining({ code: 'improperly_configured', message })
  expect(() => globMatcher('*.html' as never, 'lenientFor')).toThrow(
    refused('lenientFor: expected a list of patterns, got string.'),
  )
  expect(() => globMatcher([undefined] as never, 'headers')).toThrow(
    refused('headers: expected a pattern, got undefined.'),
  )
  expect(() => globMatcher(['a'.repeat(5000)])).toThrow(/^patterns: a pattern has 5000 characters/)
})
