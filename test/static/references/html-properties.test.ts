// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of JavaScript
import fc from 'fast-check'
import { Parser } from 'htmlparser2'
import { expect, test } from 'vitest'
import { htmlElements } from '../../../src/static/references/html/elements.ts'
import { htmlReferences } from '../../../src/static/references/html.ts'
import { between, rewritten, urls } from './finding.ts'

/** What pages are made of, whole and broken. */
const PIECES = [
  ...[
    '<img src=a.png>',
    '<img src="b.png?x&amp;y" alt="',
    "<img srcset='c.png 1x, d.png?&amp; 2x'>",
    '<img ',
    'src=',
    'srcset="e.png 1x,',
  ],
  ...[
    '<p style="a:url(f.png)">',
    '<p style="a:url(&quot;g.png&quot;) url(',
    "<p style='",
    '<style>',
    'a{b:url(h.png)}',
    '@import url(i.css);',
    '</style>',
  ],
  ...[
    '<script type=module>',
    'import "./j.js";',
    'import(`./k.js`)',
    '</script>',
    '<script type="importmap">',
    '{"imports":{"l":"./l.js"}}',
    '<script>',
  ],
  ...[
    '<svg>',
    '<svg/>',
    '</svg>',
    '<use href="m.svg#n"/>',
    '<math>',
    '<title>',
    '</title>',
    '<desc>',
    '<div>',
    '</div>',
    '<image href=o.png>',
  ],
  ...[
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<textarea>',
    '</textarea>',
    '<template>',
    '<noscript>',
    '<link rel=icon href=p.ico>',
    '<plaintext>',
  ],
  ...[
    '&',
    '&amp;',
    '&#34;',
    '&quot',
    '&NotEqualTilde;',
    '&copy',
    ';',
    '"',
    "'",
    '=',
    '<',
    '>',
    '/',
    ' ',
    '\n',
    '\t',
    ',',
    'a',
    '😀',
    '\0',
    '(',
    ')',
  ],
]
const pages = fc.array(fc.constantFrom(...PIECES), { maxLength: 16 }).map(pieces => pieces.join(''))
const names = fc
  .array(fc.constantFrom('a', '.png', '"', "'", '`', '\\', '$', '&', '&amp;', '&lt', '>', '😀', '%20', ',b'), {
    maxLength: 6,
  })
  .map(parts => `./${parts.join('')}z`)
const numRuns = process.env['HOLDALL_TESTS'] === 'full' ? 50_000 : 1000

test('references have an order, and with their own URLs are found again', async () => {
  let count = 0
  await fc.assert(
    fc.asyncProperty(pages, async page => {
      const before = await between(htmlReferences, page)
      const once = await rewritten(htmlReferences, page, ({ url }) => url)
      // A URL with a `<` is written encoded, and its blanks with it.
      const encoded = (all: readonly string[]) => all.map(url => url.replaceAll('<', '%3C').replaceAll(' ', '%20'))
      expect(encoded(await urls(htmlReferences, once))).toEqual(encoded(await urls(htmlReferences, page)))
      expect(await between(htmlReferences, once)).toEqual(before)
      expect(await rewritten(htmlReferences, once, ({ url }) => url)).toBe(once)
      count += before.length - 1
    }),
    { numRuns },
  )
  expect(count).toBeGreaterThan(numRuns / 10)
})

test('other URLs are read as they were written, and the text between stays', async () => {
  await fc.assert(
    fc.asyncProperty(pages, names, async (page, name) => {
      const references = await htmlReferences(page)
      const after = await rewritten(htmlReferences, page, () => name)
      expect(await urls(htmlReferences, after)).toEqual(references.map(() => name))
      expect(await between(htmlReferences, after)).toEqual(await between(htmlReferences, page))
    }),
    { numRuns },
  )
})

test('attributes have the values that the parser of htmlparser2 gives them, and their places', async () => {
  await fc.assert(
    fc.asyncProperty(pages, async page => {
      const expected: string[] = []
      const reading: [name: string, attributes: Record<string, string>][] = []
      const parser = new Parser({
        onopentag(name, attributes) {
          reading.push([name, attributes])
        },
      })
      parser.end(page)
      for (const [name, attributes] of reading)
        expected.push(...Object.entries(attributes).map(([key, value]) => `${name} ${key}=${value}`))
      const found: string[] = []
      for (const { name, attributes } of await htmlElements(page)) {
        for (const [key, value] of attributes) {
          found.push(`${name === 'image' ? 'img' : name} ${key}=${value.text}`)
          const raw = page.slice(value.start, value.end)
          if (!raw.includes('&')) expect(raw).toBe(value.text)
          expect([undefined, value.end]).toContain(value.placeOf(value.text.length))
        }
      }
      const sorted = (all: readonly string[]) => all.map(each => each.replace(/^image /, 'img ')).sort()
      // The parser does not know that elements of HTML end SVG, behind which `<style>` is another one.
      if (!/<(?:svg|math)/.test(page)) expect(sorted(found)).toEqual(sorted(expected))
    }),
    { numRuns },
  )
})
