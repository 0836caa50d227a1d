import { hasScheme, hasTemplateMarks } from '../file-url.ts'
import { lineOf } from '../lines.ts'
import type { Reference } from '../reference.ts'
import type { HtmlElement } from './elements.ts'

/** Stands for the page's own address. */
const PAGE = 'http://page.invalid/folder/page.html'

/** Returns the first `<base>` with an address: it applies to all URLs of a page. (HTML, the base element) */
function baseOf(elements: readonly HtmlElement[]): HtmlElement | undefined {
  return elements.find(({ name, isForeign, attributes }) => name === 'base' && !isForeign && attributes.has('href'))
}

/**
 * Returns references whose URLs are relative to the page, or to the server if its `<base>` is. With `<base href="/">` the URL `a.js`
 * becomes `/a.js`. Throws a `SyntaxError` for a base that is another folder by a relative URL: new URLs would be relative to it, too.
 */
export function resolvedAgainstBase(
  text: string,
  elements: readonly HtmlElement[],
  references: readonly Reference[],
): readonly Reference[] {
  const element = baseOf(elements)
  if (element === undefined) return references
  const href = element.attributes.get('href')!.text.trim()
  if (folderOf(href) === folderOf('') && !hasTemplateMarks(href)) return references
  if ((!href.startsWith('/') && !hasScheme(href)) || hasTemplateMarks(href)) {
    const line = lineOf(text, element.start)
    throw new SyntaxError(`expected an absolute URL in <base href> of line ${line}, got '${href.slice(0, 100)}'`)
  }
  return references.map(reference => ({ ...reference, url: resolved(reference.url, href) }))
}

/** Returns the folder of a URL in a page; a URL that ends in a slash is a folder itself. */
function folderOf(url: string): string | undefined {
  return URL.parse('.', URL.parse(url, PAGE)?.href)?.href
}

/** Returns a URL resolved against the base, with as much of scheme and host as the base has. */
function resolved(url: string, base: string): string {
  const absolute = hasScheme(url) || url.startsWith('//') ? null : URL.parse(url, URL.parse(base, PAGE)?.href)
  if (absolute === null) return url
  if (hasScheme(base)) return absolute.href
  return absolute.href.slice(base.startsWith('//') ? absolute.protocol.length : absolute.origin.length)
}
