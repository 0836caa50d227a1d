// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of JavaScript
import { describe, expect, test } from 'vitest'
import { htmlReferences } from '../../../src/static/references/html.ts'
import { importMapReferences } from '../../../src/static/references/import-map.ts'
import { sourceMapReferences } from '../../../src/static/references/javascript/source-map.ts'
import { javaScriptReferences } from '../../../src/static/references/javascript.ts'
import type { ReferenceFinder } from '../../../src/static/references/reference.ts'
import { urls } from './finding.ts'

/** A megabyte in CI. */
const LENGTH = process.env['HOLDALL_TESTS'] === 'full' ? 1_000_000 : 20_000
/** In two parts, since tools look for it in this file too. */
const MAP = `//${'#'} sourceMappingURL=`

/** What is found in a text that may not be readable. */
async function found(finder: ReferenceFinder, text: string): Promise<readonly string[] | string> {
  try {
    return await urls(finder, text)
  } catch (error) {
    if (error instanceof SyntaxError) return error.message
    throw error
  }
}

describe('a long text is read in one pass', () => {
  test.each([
    ...[
      '(',
      '{',
      '[',
      '`${',
      '`',
      '"',
      "'",
      '/',
      '/*',
      '//',
      '\\',
      '<!--',
      ' ',
      '\n',
      'import',
      'import(',
      'import("./b.js",',
    ],
    ...[
      'import.meta',
      'import.meta.url,',
      'new URL(',
      'new ',
      'new URL("a",import.meta',
      'new URL(import.meta.url,',
      'import.meta.resolve(',
    ],
    ...[
      'import.meta/*',
      'a=>{',
      '(1)/',
      '}/',
      'import"a"/',
      'export{',
      'import{a,',
      'import a from "b" with {',
      '\ud83d',
      'async ',
    ],
  ])('of JavaScript: %j', async piece => {
    const text = `import "./a.js";new URL("b",import.meta.url);${piece.repeat(LENGTH / piece.length)}`
    const result = await found(javaScriptReferences, text)
    if (typeof result === 'string') expect(result).toMatch(/^expected JavaScript: /)
    else expect(result.slice(0, 2)).toEqual(['./a.js', 'b'])
  })

  test.each(['/**/', '/*', '*/', '//', '// */', '\n', ' ', '/**/ ', '// a\n', '/* a\n*/', `${MAP}\n`, '//#'])(
    'at the end of a script: %j',
    async piece => {
      const text = `a()\n${MAP}b.map\n${piece.repeat(LENGTH / piece.length)}`
      expect([[], ['b.map']]).toContainEqual(await urls(sourceMapReferences, text))
    },
  )

  test.each([
    '[',
    '{"a":',
    '[[],',
    '"',
    '\\',
    '{',
    ' ',
    '-1',
    '-',
    ',',
    '["a",',
    '"\\u0061',
    '{"imports":{"a":"./a.js"},"b":',
  ])('of JSON: %j', async piece => {
    expect(await found(importMapReferences, piece.repeat(LENGTH / piece.length))).toMatch(/^expected JSON: /)
  })

  test.each([
    ...[
      '<',
      '<a',
      '<a ',
      '<a b',
      '<a b=',
      '<a b="',
      '</a>',
      '<a>',
      '<b/>',
      '<!--',
      '<![CDATA[',
      '<!',
      '<?',
      '&',
      '&amp;',
      '&#',
      '&#1',
      '&a',
    ],
    ...[
      '<svg>',
      '</svg>',
      '<svg><desc>',
      '</desc>',
      '<svg></svg>',
      '<form>',
      '<table>',
      '<p>',
      '</p>',
      '</zz>',
      '<i></b>',
      '<style>',
      '<script>',
    ],
    ...[
      '<script type=module>',
      '</script>',
      '<textarea>',
      '<svg><style>',
      '<svg><style>&amp;',
      '<svg><style>a</>',
      '<base href="/">',
      '\ud83d',
    ],
  ])('of HTML: %j', async piece => {
    const text = `<img src=a.png>${piece.repeat(LENGTH / piece.length)}`
    expect((await urls(htmlReferences, text))[0]).toMatch(/a\.png$/)
  })

  test.each([
    ...[
      ' ',
      ',',
      '(',
      ')',
      'b.png ',
      'b.png,',
      'b.png 1x,',
      'b.png (',
      '&amp;',
      '&#32;',
      '&NotEqualTilde;',
      '&',
      'b&amp;,',
      'url(',
      'url(b)',
      '/',
    ],
  ])('in attributes of HTML: %j', async piece => {
    const value = piece.repeat(LENGTH / piece.length)
    for (const name of ['src', 'srcset', 'style', 'alt']) {
      const result = await urls(htmlReferences, `<img src=a.png><img ${name}="${value}"><img ${name}=${value}>`)
      expect(result[0]).toBe('a.png')
    }
  })

  test('of names of attributes', async () => {
    const names = Array.from({ length: 100_000 }, (_, at) => `a${at}=b`).join(' ')
    expect(await urls(htmlReferences, `<img ${names} src=a.png>`)).toEqual(['a.png'])
  })
})

test('elements that lie in each other by the hundred thousand are no matter, as are end tags that end none', async () => {
  const depth = 100_000
  const names = Array.from({ length: depth }, (_, at) => `a${at}`)
  const page = `${names.map(name => `<${name}>`).join('')}${'</x>'.repeat(depth)}<img src=a.png>`
  expect(await urls(htmlReferences, page)).toEqual(['a.png'])
  const svg = `${'<svg><desc>'.repeat(depth)}${'</math>'.repeat(depth)}<style>a{b:url(<b.png)}</style>`
  expect(await urls(htmlReferences, svg)).toEqual(['<b.png'])
})

test('JSON of any depth is read', async () => {
  const depth = 300_000
  const text = `{"imports":{"a":"./a.js"},"b":${'['.repeat(depth)}${']'.repeat(depth)},"c":${'{"d":'.repeat(depth)}1${'}'.repeat(depth)}}`
  expect(await urls(importMapReferences, text)).toEqual(['./a.js'])
})

test('a text of many references has all of them', async () => {
  const count = 20_000
  expect(await urls(javaScriptReferences, 'import("./a.js");new URL("b",import.meta.url);'.repeat(count))).toHaveLength(
    2 * count,
  )
  expect(await urls(htmlReferences, '<img src=a srcset="b, c" style="d:url(e)">'.repeat(count))).toHaveLength(4 * count)
  expect(await urls(importMapReferences, `{"imports":{${'"a":"./a.js",'.repeat(count)}"b":"c"}}`)).toHaveLength(count)
})
