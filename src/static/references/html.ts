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

/** How the pages of a site are read. */
export interface HtmlFinderOptions {
  /** Whether inline modules and import maps are read; default true. */
  readonly modules?: boolean | undefined
}

/**
 * Finds what a page loads: pictures, media, stylesheets, scripts, icons, preloads, in attributes of HTML and SVG (`src`, `srcset`, `poster`,
 * `data`, `href` of `<link>`, `<image>` and `<use>`), in `style` attributes and `<style>`, in `<script type="module">` and
 * `<script type="importmap">`. `<template>` and `<noscript>` count; comments, `<textarea>`, and links to pages do not, nor a URL with the
 * marks of a template language (`{{`, `{%`, `<%`, `${`). Character references are undone, and written where they are needed. An inline part
 * that its own finder cannot read is left alone, as browsers do.
 *
 * An element with `integrity` is left alone: its file is loaded by its plain name, with the bytes that the digest was made of. With a
 * `<base>` that is an absolute URL, relative URLs become absolute; one that is another folder by a relative URL is a `SyntaxError`.
 *
 * Needs the package `htmlparser2`: `ImproperlyConfigured` without it.
 */
export const htmlReferences: ReferenceFinder = htmlFinder()

/** `htmlReferences` with options. */
export function htmlFinder({ modules = true }: HtmlFinderOptions = {}): ReferenceFinder {
  return async text => {
    const elements = await htmlElements(text)
    const found: (readonly Reference[])[] = []
    for (const element of elements) {
      found.push(await fromAttributes(element))
      const finder = finderOfContent(element, modules)
      if (finder !== undefined) found.push(await fromContent(element, finder))
    }
    const references = found.flat().sort((a, b) => a.start - b.start)
    return resolvedAgainstBase(text, elements, references)
  }
}

async function fromAttributes(element: HtmlElement): Promise<readonly Reference[]> {
  const { attributes } = element
  const style = attributes.get('style')
  const styles = style === undefined ? [] : inValue(style, await cssReferences(style.text))
  if (attributes.get('integrity')?.text.trim()) return styles
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
  return [...styles, ...urls, ...candidates]
}

/** The URL of an attribute, without the blanks around it and the line ends and tabs in it, which no browser takes for parts of it. */
function wholeValue(kind: ReferenceKind, text: string): readonly Reference[] {
  const start = text.length - text.trimStart().length
  const end = text.trimEnd().length
  return start < end ? [plain(kind, { url: text.slice(start, end).replace(/[\t\n\r]/g, ''), start, end })] : []
}

function plain(kind: ReferenceKind, place: Pick<Reference, 'url' | 'start' | 'end'>): Reference {
  return { kind, ...place, write: url => url.replace(/[\t\n\f\r ]/g, encodeURIComponent) }
}

/** References in a value, as they stand in the page. One whose ends are not known there is left alone. */
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
  if (type === 'module') return javaScriptReferences
  return type === 'importmap' ? importMapReferences : undefined
}

/** References in the text of a `<style>` or `<script>`. In their URLs `<` is percent-encoded: it might end the element. */
async function fromContent({ content }: HtmlElement, finder: ReferenceFinder): Promise<readonly Reference[]> {
  if (content === undefined) return []
  const found = await readable(finder, content.text)
  return inValue(
    content,
    found.map(reference => ({ ...reference, write: url => reference.write(url.replaceAll('<', '%3C')) })),
  )
}

/** What a finder finds; nothing where it cannot read the text. */
async function readable(finder: ReferenceFinder, text: string): Promise<readonly Reference[]> {
  try {
    return await finder(text)
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}
