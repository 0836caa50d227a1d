import { cssReferences } from './css.ts'
import { hasTemplateMarks, mayNameFile } from './file-url.ts'
import { resolvedAgainstBase } from './html/base.ts'
import { type HtmlElement, htmlElements } from './html/elements.ts'
import { srcsetUrls } from './html/srcset.ts'
import { isModule, setAttribute, typeOf, urlAttributes } from './html/url-attributes.ts'
import type { HtmlValue } from './html/value.ts'
import { importMapReferences } from './import-map.ts'
import { javaScriptReferences } from './javascript.ts'
import type { Reference, ReferenceFinder, ReferenceKind } from './reference.ts'

/** Classic scripts by their media types; a missing type is one, too. (WHATWG MIME Sniffing 4.6) */
const CLASSIC =
  /^(?:(?:text|application)\/(?:x-)?(?:java|ecma)script|text\/(?:javascript1\.[0-5]|jscript|livescript))?$/
/** The digest of an inline part in a Content-Security-Policy. (CSP 3, hash-source) */
const DIGEST = /'sha(?:256|384|512)-/i

/** Options of `htmlFinder`. */
export interface HtmlFinderOptions {
  /** Whether inline scripts and import maps are read; default true. */
  readonly modules?: boolean | undefined
}

/**
 * Finds the files that a page loads: pictures, media, stylesheets, scripts, icons, preloads. It reads attributes of HTML and SVG (`src`,
 * `srcset`, `poster`, `data`, `href` of `<link>`, `<image>` and `<use>`), `style` attributes and `<style>`, inline scripts and import maps.
 * `<template>` and `<noscript>` are included. Comments, `<textarea>`, links to pages, and URLs with the marks of a template language (`{{`,
 * `{%`, `<%`, `${`) are not. Character references are decoded, and written where they are needed. An inline part that its own finder cannot
 * read does not change, like in browsers.
 *
 * An element with `integrity` does not change: its file is loaded by its plain name, with the bytes of the digest. Inline parts do not
 * change where a Content-Security-Policy in a `<meta>` has digests, which may be theirs; if such a part loads modules, all modules of the
 * page keep their plain names. With a `<base>` that is an absolute URL, relative URLs become absolute; a `<base>` that is another folder by
 * a relative URL is a `SyntaxError`.
 *
 * Needs the package `htmlparser2`: `ImproperlyConfigured` without it.
 */
export const htmlReferences: ReferenceFinder = htmlFinder()

/** `htmlReferences` with options. */
export function htmlFinder({ modules = true }: HtmlFinderOptions = {}): ReferenceFinder {
  return async text => {
    const elements = await htmlElements(text)
    const outer = elements.flatMap(fromAttributes)
    const inline: (readonly Reference[])[] = []
    for (const element of elements) inline.push(await fromStyle(element), await fromContent(element, modules))
    const references = elements.some(hasDigests) ? besideFixed(outer, inline.flat()) : [...outer, ...inline.flat()]
    return resolvedAgainstBase(
      text,
      elements,
      references.sort((a, b) => a.start - b.start),
    )
  }
}

/**
 * Returns the references outside of inline parts that do not change. If those parts load modules by plain names, all modules keep them, so
 * that no module runs twice.
 */
function besideFixed(outer: Reference[], inline: readonly Reference[]): Reference[] {
  const isModule = ({ kind }: Reference): boolean => kind === 'module'
  return inline.some(isModule) ? outer.filter(reference => !isModule(reference)) : outer
}

/** Whether an element is a Content-Security-Policy that allows inline parts by their digests. */
function hasDigests({ name, isForeign, attributes }: HtmlElement): boolean {
  if (name !== 'meta' || isForeign) return false
  const kind = attributes.get('http-equiv')?.text.toLowerCase()
  return kind === 'content-security-policy' && DIGEST.test(attributes.get('content')?.text ?? '')
}

async function fromStyle({ attributes }: HtmlElement): Promise<readonly Reference[]> {
  const style = attributes.get('style')
  return style === undefined ? [] : inValue(style, await cssReferences(style.text))
}

function fromAttributes(element: HtmlElement): readonly Reference[] {
  const { attributes } = element
  if (attributes.get('integrity')?.text.trim()) return []
  const kind: ReferenceKind = isModule(element) ? 'module' : 'asset'
  const urls = urlAttributes(element).flatMap(name => {
    const value = attributes.get(name)
    return value === undefined ? [] : inValue(value, wholeValue(kind, value.text))
  })
  const set = attributes.get(setAttribute(element) ?? '')
  const candidates =
    set === undefined
      ? []
      : inValue(
          set,
          srcsetUrls(set.text).map(url => plain(kind, url)),
        )
  return [...urls, ...candidates]
}

/** Returns the URL of an attribute, without the blanks around it and the line ends and tabs in it, which browsers ignore. */
function wholeValue(kind: ReferenceKind, text: string): readonly Reference[] {
  const start = text.length - text.trimStart().length
  const end = text.trimEnd().length
  return start < end ? [plain(kind, { url: text.slice(start, end).replace(/[\t\n\r]/g, ''), start, end })] : []
}

function plain(kind: ReferenceKind, place: Pick<Reference, 'url' | 'start' | 'end'>): Reference {
  return { kind, ...place, write: url => url.replace(/[\t\n\f\r ]/g, encodeURIComponent) }
}

/** Returns references in a value, at their positions in the page. A reference whose ends are unknown there is skipped. */
function inValue(value: HtmlValue, references: readonly Reference[]): readonly Reference[] {
  return references.flatMap(reference => {
    const [start, end] = [value.placeOf(reference.start), value.placeOf(reference.end)]
    if (start === undefined || end === undefined || !isFile(reference.url)) return []
    return { ...reference, start, end, write: (url: string) => value.escape(reference.write(url)) }
  })
}

function isFile(url: string): boolean {
  return mayNameFile(url) && !hasTemplateMarks(url)
}

function finderOfContent(element: HtmlElement, modules: boolean): ReferenceFinder | undefined {
  const type = typeOf(element)
  if (element.name === 'style') return type === '' || type === 'text/css' ? cssReferences : undefined
  if (element.name !== 'script' || !modules || element.attributes.has('src')) return undefined
  if (type === 'module' || CLASSIC.test(type)) return javaScriptReferences
  return type === 'importmap' ? importMapReferences : undefined
}

/** Returns references in the text of a `<style>` or `<script>`. In their URLs `<` is percent-encoded: it might end the element. */
async function fromContent(element: HtmlElement, modules: boolean): Promise<readonly Reference[]> {
  const { content } = element
  const finder = finderOfContent(element, modules)
  if (content === undefined || finder === undefined) return []
  const found = await readable(finder, content.text)
  return inValue(
    content,
    found.map(reference => ({ ...reference, write: url => reference.write(url.replaceAll('<', '%3C')) })),
  )
}

/** Returns the references of a finder; none where it cannot read the text. */
async function readable(finder: ReferenceFinder, text: string): Promise<readonly Reference[]> {
  try {
    return await finder(text)
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}
