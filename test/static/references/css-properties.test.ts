import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { found, referencesOf, rewritten, urls } from './css-support.ts'

/** What stylesheets are made of, whole and broken. */
const PIECES = [
  ...['url(', 'URL( ', '\\75rl(', 'url("', "url('", 'url(x.png)', 'url("y\\"z.png")', "url( 'w.png' )", 'url("v"'],
  ...[
    '@import',
    '@import ',
    '@\\69mport',
    '@import "a.css";',
    '@import url(b.css);',
    '@namespace ',
    '@supports (',
    '@document ',
  ],
  ...['image-set(', '-webkit-image-set(', 'image(', 'var(', 'type("t")', '"c.png" 1x', "'d.png'", 'cross-fade('],
  ...['/*', '*/', '/*# sourceMappingURL=e.map */', '/*@ sourceMappingURL=f', '<!--', '-->'],
  ...[
    '"',
    "'",
    '\\',
    '\\66 ',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ';',
    ':',
    ',',
    ' ',
    '\n',
    '\r\n',
    '\f',
    '\t',
    '@',
    '#',
    '-',
    '.',
  ],
  ...['a', 'x.png', '1e3px', '😀', '\ud83d', '\uFEFF', '\0', 'data:,', '--p:', 'é', '%41'],
]
const stylesheets = fc.array(fc.constantFrom(...PIECES), { maxLength: 30 }).map(pieces => pieces.join(''))

/** Enough to be found by chance; more in CI. */
const numRuns = process.env['HOLDALL_TESTS'] === 'full' ? 50_000 : 1000

describe('in any text', () => {
  test('references have an order and do not overlap', () => {
    fc.assert(
      fc.property(stylesheets, css => {
        let done = 0
        for (const { start, end, url } of referencesOf(css)) {
          expect(start).toBeGreaterThanOrEqual(done)
          expect(end).toBeGreaterThan(start)
          expect(url).not.toBe('')
          done = end
        }
        expect(done).toBeLessThanOrEqual(css.length)
      }),
      { numRuns },
    )
  })

  test('a reference that is written with its own URL is found again, and so are all others', () => {
    fc.assert(
      fc.property(stylesheets, css => {
        const once = rewritten(css, ({ url }) => url)
        expect(urls(once)).toEqual(urls(css))
        expect(rewritten(once, ({ url }) => url)).toBe(once)
      }),
      { numRuns },
    )
  })

  test('other URLs are read as they were written, and the text between stays', () => {
    const names = fc.array(fc.constantFrom('a', '.png', '"', "'", '\\', ')', '\n', '*/', '😀', '%20'), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(stylesheets, names, (css, name) => {
        const url = `n${name.join('')}z`
        const text = rewritten(css, () => url)
        const inMap = url.replaceAll('\n', '%0A').replaceAll('*/', '%2A/')
        expect(urls(text)).toEqual(referencesOf(css).map(({ kind }) => (kind === 'sourceMap' ? inMap : url)))
        expect(between(text)).toEqual(between(rewritten(css, ({ url }) => url)))
      }),
      { numRuns },
    )
  })

  test('what was left open changes nothing behind its end', () => {
    // Ends a string, even behind a backslash; a comment; a url(); a declaration; a block.
    const rule = '\n\n*/);}a{b:url(z.png) image-set("y.png" 1x)}'
    fc.assert(
      fc.property(stylesheets, css => {
        expect(found(css + rule).slice(-2)).toEqual([
          ['url(z.png)', 'z.png'],
          ['"y.png"', 'y.png'],
        ])
      }),
      { numRuns },
    )
  })
})

/** The text outside of the references. */
function between(css: string): readonly string[] {
  const pieces: string[] = []
  let done = 0
  for (const { start, end } of referencesOf(css)) {
    pieces.push(css.slice(done, start))
    done = end
  }
  return [...pieces, css.slice(done)]
}
