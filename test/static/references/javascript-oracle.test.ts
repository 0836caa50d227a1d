// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of JavaScript and templates
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compared } from './javascript-oracle.ts'

const MODULES = join(import.meta.dirname, '../../../node_modules')
/** Packages with modules, bundles and scripts of CommonJS: some 900 files that are read in a second. */
const PACKAGES = ['@vitest', 'css-tree', 'hono', 'kysely', 'pino', 'rolldown', 'rolldown-plugin-dts', 'youch']
const RUNS = process.env['HOLDALL_TESTS'] === 'full' ? 100_000 : 2000

test('oxc-parser finds the same references in files of packages', async () => {
  let [files, equal] = [0, 0]
  const differences: unknown[] = []
  for (const name of globSync(`{${PACKAGES.join(',')}}/**/*.{js,mjs}`, { cwd: MODULES })) {
    const both = await compared(readFileSync(join(MODULES, name), 'utf8'))
    files++
    equal += both?.equal ?? 0
    if (both !== undefined && both.onlyOurs.length + both.onlyTheirs.length > 0) differences.push({ name, ...both })
  }
  expect(differences).toEqual([])
  expect(files).toBeGreaterThan(500)
  expect(equal).toBeGreaterThan(1500)
})

describe('oxc-parser differs', () => {
  test.each([
    ['in strings in parentheses, which are left alone', 'import(("./a.js"))', [], ['module 8-16 ./a.js']],
    [
      'in comments that only classic scripts have, and only from before modules',
      'a\n<!-- import("./a.js")\n--> import("./b.js")',
      ['module 14-22 ./a.js', 'module 35-43 ./b.js'],
      [],
    ],
    [
      'in a regular expression behind an import without a semicolon, which the lexer takes for a division',
      'import "a"\n/import(".\\/a.js")/.test(b)',
      ['module 19-28 ./a.js'],
      [],
    ],
    [
      'where a block in the next line makes import() look like a method',
      'import("./a.js")\n{}',
      [],
      ['module 7-15 ./a.js'],
    ],
    ['in a spread promise, which no program has', 'f(...import("./a.js"))', [], ['module 12-20 ./a.js']],
    ['behind a blank beyond ASCII', 'a;\u2028import("./a.js")', [], ['module 10-18 ./a.js']],
    ['in a constructor that is none', 'new import.meta.resolve("./a.js")', ['asset 24-32 ./a.js'], []],
  ])('%s', async (_, text, onlyOurs, onlyTheirs) => {
    const both = await compared(text).catch(error => error)
    expect(both).toMatchObject({ onlyOurs, onlyTheirs })
  })
})

test('oxc-parser finds the same references in any other text that it reads', async () => {
  // Without what the test above lists.
  const PIECES = [
    ...[
      'import ',
      'import(',
      'import("./a.js")',
      "import './b.js';",
      'import x from "./c.js";',
      'export { a } from `./e.js`;',
    ],
    ...[
      'export * from "./d.js";',
      'import(`./f.js`)',
      'import("./g.js", {with: {}})',
      'import.meta',
      '.url',
      'import.meta.url',
    ],
    ...[
      'new URL("./h.png", import.meta.url)',
      "new URL('i.png',import.meta.url,)",
      'new self.URL(`j.png`, import.meta.url)',
    ],
    ...['new URL(', 'new ', 'URL', 'URL(', 'new\nURL(', 'new // c\nURL(', 'new /* c */ URL(', 'self . URL ('],
    ...[
      ';import.meta.resolve("./m.js")',
      ';import.meta.resolve(',
      '"./k.png"',
      "'./l.png'",
      '"new URL("',
      '"import(\'./n.js\')"',
    ],
    ...[
      '`new URL("./o.png", import.meta.url)`',
      '${new URL("./p.png", import.meta.url)}',
      '${import("./q.js")}',
      '`',
      '${',
    ],
    ...[
      '/* ',
      ' */',
      '// ',
      '/* a, b */',
      '// "c"\n',
      '/',
      ' /x/ ',
      '"',
      "'",
      '\\',
      '\n',
      '\r\n',
      ' ',
      ';',
      ',',
      ':',
      '?',
      '.a',
    ],
    ...[
      '(',
      ')',
      '{',
      '}',
      '[',
      ']',
      '=',
      '+',
      '++',
      '=>',
      'a',
      'x = ',
      'y(',
      'if(a)',
      'return ',
      'function f(){',
      'class A{',
    ],
    ...['typeof ', 'void ', 'async () => '],
  ]
  const script = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 12 }).map(pieces => pieces.join(''))
  let equal = 0
  await fc.assert(
    fc.asyncProperty(script, async text => {
      const both = await compared(text)
      if (both === undefined) return
      expect([both.onlyOurs, both.onlyTheirs], text).toEqual([[], []])
      equal += both.equal
    }),
    // Of what is listed above, one text in a million has something.
    { numRuns: RUNS, seed: 1 },
  )
  expect(equal).toBeGreaterThan(RUNS / 100)
})
