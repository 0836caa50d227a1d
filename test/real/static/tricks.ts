/** Sheets on which Django's `collectstatic` fails or writes links that lead nowhere, and what becomes of each on both sides. */

/** One sheet. */
export interface Trick {
  readonly title: string
  /** The text of `css/main.css`; beside it are `css/other.css`, which imports nothing but names a picture, and `img/x.png`. */
  readonly css: string
  /** What Django 3.2 ends with, where it fails. */
  readonly djangoFails?: RegExp
  /** What Django writes, with `<x>`, `<ace>`, `<map>` and `<other>` for the hashes of the files' final bytes, and `<?>` for another one. */
  readonly django?: string
  /** What we write. */
  readonly ours: string
}

export const TRICKS: readonly Trick[] = [
  {
    title: 'a `url()` in a comment: Django looks for the file',
    css: '/* url(../img/nothing.png) */ a { background: url(../img/x.png) }',
    djangoFails: /'img\/nothing\.png' could not be found/,
    ours: '/* url(../img/nothing.png) */ a { background: url("../img/x.<x>.png") }',
  },
  {
    title: 'a `url()` of a file that exists in a comment: Django rewrites it, we leave comments alone',
    css: '/* url(../img/x.png) */',
    django: '/* url("../img/x.<x>.png") */',
    ours: '/* url(../img/x.png) */',
  },
  {
    title: 'a blank before the quote: Django takes the quote for a part of the name',
    css: 'a { background: url( "../img/x.png" ) }',
    djangoFails: /could not be found/,
    ours: 'a { background: url("../img/x.<x>.png") }',
  },
  {
    title: 'an import with a query: Django names a file that it does not store',
    css: '@import url("other.css?v=1");',
    django: '@import url("other.<?>.css?v=1");',
    ours: '@import url("other.<other>.css?v=1");',
  },
  {
    title: 'a picture with a query is equal',
    css: 'a { background: url(../img/x.png?v=1#y) }',
    django: 'a { background: url("../img/x.<x>.png?v=1#y") }',
    ours: 'a { background: url("../img/x.<x>.png?v=1#y") }',
  },
  {
    title: 'the hack for old fonts is equal',
    css: 'a { background: url(../img/x.png?#iefix) }',
    django: 'a { background: url("../img/x.<x>.png?#iefix") }',
    ours: 'a { background: url("../img/x.<x>.png?#iefix") }',
  },
  {
    title: 'an import of a string becomes one of a `url()` in both',
    css: `@import 'other.css' screen;`,
    django: `@import url("other.<other>.css") screen;`,
    ours: `@import url("other.<other>.css") screen;`,
  },
  {
    title: 'a fragment alone: Django 3.2 puts it in quotes',
    css: 'a { behavior: url(#default#VML) }',
    django: 'a { behavior: url("#default#VML") }',
    ours: 'a { behavior: url(#default#VML) }',
  },
  {
    title: 'a data URL and another site are left alone by both',
    css: 'a { b: url("data:image/svg+xml;utf8,<svg fill=\'url(#a)\'/>"); c: url(https://example.com/x.png); d: url(//example.com/x.png) }',
    django:
      'a { b: url("data:image/svg+xml;utf8,<svg fill=\'url(#a)\'/>"); c: url(https://example.com/x.png); d: url(//example.com/x.png) }',
    ours: 'a { b: url("data:image/svg+xml;utf8,<svg fill=\'url(#a)\'/>"); c: url(https://example.com/x.png); d: url(//example.com/x.png) }',
  },
  {
    title: 'the string of an `image-set()`: Django does not know it',
    css: 'a { background: image-set("../img/x.png" 1x) }',
    django: 'a { background: image-set("../img/x.png" 1x) }',
    ours: 'a { background: image-set("../img/x.<x>.png" 1x) }',
  },
  {
    title: 'a name with escapes: Django does not know them',
    css: 'a { background: \\75rl(../img/x.png) }',
    django: 'a { background: \\75rl(../img/x.png) }',
    ours: 'a { background: url("../img/x.<x>.png") }',
  },
  {
    title: 'an escaped selector that looks like a reference: Django looks for the file',
    css: ".bg-\\[url\\(\\'x\\.png\\'\\)\\] { background: url(../img/x.png) }",
    django: '.bg-\\[url\\(\\\'x\\.png\\\'\\)\\] { background: url("../img/x.<x>.png") }',
    ours: '.bg-\\[url\\(\\\'x\\.png\\\'\\)\\] { background: url("../img/x.<x>.png") }',
  },
  {
    title: 'a percent-encoded name: Django undoes the encoding, we keep it',
    css: 'a { background: url("../img/sp%20ace.png") }',
    django: 'a { background: url("../img/sp ace.<ace>.png") }',
    ours: 'a { background: url("../img/sp%20ace.<ace>.png") }',
  },
  {
    title: 'a source map: Django knows them since 4.0',
    css: 'a { color: red }\n/*# sourceMappingURL=main.css.map */\n',
    django: 'a { color: red }\n/*# sourceMappingURL=main.css.map */\n',
    ours: 'a { color: red }\n/*# sourceMappingURL=main.css.<map>.map */\n',
  },
  {
    title: 'an absolute URL below STATIC_URL is equal',
    css: 'a { background: url(/static/img/x.png); color: url(/media/x.png) }',
    django: 'a { background: url("/static/img/x.<x>.png"); color: url(/media/x.png) }',
    ours: 'a { background: url("/static/img/x.<x>.png"); color: url(/media/x.png) }',
  },
]

/** The tree of a trick. */
export function treeOf({ css }: Trick): Readonly<Record<string, string>> {
  return {
    'css/main.css': css,
    'css/other.css': 'b { background: url("../img/x.png") }',
    'css/main.css.map': '{}',
    'img/x.png': 'a picture',
    'img/sp ace.png': 'another picture',
  }
}
