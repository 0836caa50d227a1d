// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of JavaScript
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { importMapReferences } from '../../../src/static/references/import-map.ts'
import { sourceMapReferences } from '../../../src/static/references/javascript/source-map.ts'
import { javaScriptReferences } from '../../../src/static/references/javascript.ts'
import type { ReferenceFinder } from '../../../src/static/references/reference.ts'
import { between, rewritten, urls } from './finding.ts'

/** Statements that hold references and what looks like them, and pieces of them. */
const STATEMENTS = [
  ...[
    "import './a.js'",
    'import b from "./b\\u002ejs" with { type: "x" }',
    'export * from "../c.js"',
    'import("/d.js")',
  ],
  ...[
    'import(`./e.js`)',
    'new URL("f.png", import.meta.url)',
    "new\nURL('g', import.meta.url,)",
    'import.meta.resolve("./h.js")',
  ],
  ...[
    '`import("./x.js") ${import("./i.js")} ${`${import("https://j.example/k.js")}`}`',
    'x = /import(".x")/',
    '// import("./x.js")',
  ],
  ...[
    '/* new URL("x", import.meta.url) */',
    '"import(\'./x.js\')"',
    "import 'lodash'",
    'f("new URL(", "x", import.meta.url)',
  ],
  ...['`\n//# sourceMap' + 'pingURL=x.map\n`', '"😀"', 'a = `'],
]
const ENDINGS = ['', '\n', '\n//# sourceMap' + 'pingURL=l.map', '\n//@ sourceMap' + 'pingURL=m.map \n// n\n/* o\n*/\n']
const scripts = fc
  .tuple(
    fc.array(fc.constantFrom(...STATEMENTS), { maxLength: 8 }),
    fc.constantFrom('', '\uFEFF'),
    fc.constantFrom(...ENDINGS),
  )
  .map(([statements, start, end]) => start + statements.join(';\n') + end)
const names = fc
  .array(fc.constantFrom('a', '.png', '"', "'", '`', '\\', '${', '\n', '\u2028', '</script>', '*/', '😀', '%20', ' '), {
    maxLength: 6,
  })
  .map(parts => `./${parts.join('')}z`)
const numRuns = process.env['HOLDALL_TESTS'] === 'full' ? 20_000 : 500

/** A text that cannot be read has none. */
const lenient =
  (finder: ReferenceFinder): ReferenceFinder =>
  async text => {
    try {
      return await finder(text)
    } catch (error) {
      if (error instanceof SyntaxError) return []
      throw error
    }
  }

describe.each([
  ['JavaScript', javaScriptReferences, scripts],
  ['a script without its modules', sourceMapReferences, scripts],
  [
    'an import map',
    importMapReferences,
    fc.json().map(json => `{"imports":{"a":"./a.js","b":${json}},"scopes":{"c":{"d":"../e"},"f":${json}}}`),
  ],
] as const)('in %s', (_, finder, texts) => {
  const find = lenient(finder)

  test('references have an order, and with their own URLs are found again', async () => {
    let count = 0
    await fc.assert(
      fc.asyncProperty(texts, async text => {
        const before = await between(find, text)
        const once = await rewritten(find, text, ({ url }) => url)
        expect(await urls(find, once)).toEqual(await urls(find, text))
        expect(await between(find, once)).toEqual(before)
        expect(await rewritten(find, once, ({ url }) => url)).toBe(once)
        count += before.length - 1
      }),
      { numRuns },
    )
    expect(count).toBeGreaterThan(numRuns / 10)
  })

  test('other URLs are read as they were written, and the text between stays', async () => {
    await fc.assert(
      fc.asyncProperty(texts, names, async (text, name) => {
        const references = await find(text)
        const after = await rewritten(find, text, () => name)
        const inMap = name
          .replace(/[\s"'`\\<]/g, unit => (unit === "'" ? '%27' : encodeURIComponent(unit)))
          .replaceAll('*/', '%2A/')
        expect(await urls(find, after)).toEqual(references.map(({ kind }) => (kind === 'sourceMap' ? inMap : name)))
        expect(await between(find, after)).toEqual(await between(find, text))
      }),
      { numRuns },
    )
  })
})
