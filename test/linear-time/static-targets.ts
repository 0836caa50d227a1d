import { cssReferences } from '../../src/static/references/css.ts'
import { htmlReferences } from '../../src/static/references/html.ts'
import { importMapReferences } from '../../src/static/references/import-map.ts'
import { javaScriptReferences } from '../../src/static/references/javascript.ts'
import type { ReferenceFinder } from '../../src/static/references/reference.ts'
import { webManifestReferences } from '../../src/static/references/web-manifest.ts'
import type { Target } from './target.ts'

const CSS = [
  'url(',
  'url("',
  '\\75rl(',
  '@import ',
  '@import "',
  'image-set(',
  'var(',
  '/*# sourceMappingURL=',
  '/*',
  '*/',
  '"',
  "'",
  '\\',
  '(',
  ')',
  '{',
  ';',
  ' ',
  '\n',
  'a',
  'data:',
]

/** In two parts, since tools look for it in this file too. */
const MAP = `//${'#'} sourceMappingURL=`

const JAVASCRIPT = [
  'import("./a");',
  'import.meta',
  '.url',
  '.resolve(',
  'new URL(',
  'new ',
  'URL',
  '"a"',
  ',',
  '/* ',
  '*/',
  '// ',
  '\n',
  ' ',
  '(',
  ')',
  MAP,
  '`',
  'a',
]

const JSON_TEXT = [
  '{',
  '}',
  '[',
  ']',
  '"',
  '"imports":',
  '"icons":',
  '"src":',
  '"./a"',
  ',',
  ':',
  '1',
  '-',
  '\\',
  ' ',
  '\n',
]

const HTML = [
  '<img src=a ',
  'srcset="',
  'style="',
  '<svg>',
  '</svg>',
  '<desc>',
  '<style>',
  '<script type=module>',
  '</script>',
  '<base href="/a/">',
  '<!--',
  '&amp;',
  '&',
  'url(a)',
  '"',
  '=',
  '>',
  '/>',
  ',',
  '(',
  ' ',
  'a',
]

/** Finds references and writes them, as far as the text can be read. */
async function processed(finder: ReferenceFinder, text: string): Promise<void> {
  try {
    for (const { url, write } of await finder(text)) write(url)
  } catch {
    // Refused.
  }
}

/** Files that are collected: those of packages come from others. */
export const ofStatic: readonly Target[] = [
  {
    title: 'a stylesheet, and URLs in it',
    parts: CSS,
    run: async input => {
      for (const { write } of await cssReferences(input)) write('a')
      for (const { write } of await cssReferences(`a{b:url(x) image-set('x')}/*# sourceMappingURL=x */`)) write(input)
    },
  },
  {
    title: 'a script, its source map, and URLs in it',
    parts: JAVASCRIPT,
    run: async input => {
      await processed(javaScriptReferences, input)
      await processed(javaScriptReferences, `import("./a");new URL("a",import.meta.url)\n${MAP}a\n${input}`)
      for (const { write } of await javaScriptReferences(`import "./a"\n${MAP}a`)) write(input)
    },
  },
  {
    title: 'an import map, and a web app manifest',
    parts: JSON_TEXT,
    run: async input => {
      await processed(importMapReferences, input)
      await processed(webManifestReferences, `{"icons":[{"src":${input}`)
    },
  },
  {
    title: 'a page',
    parts: HTML,
    run: async input => {
      await processed(htmlReferences, input)
      for (const name of ['src', 'srcset', 'style']) await processed(htmlReferences, `<img ${name}='${input}'>`)
    },
  },
]
