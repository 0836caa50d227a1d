import { cssReferences } from '../../../src/static/references/css.ts'
import type { Reference } from '../../../src/static/references/reference.ts'

/** The references of a stylesheet, which are found at once. */
export function referencesOf(text: string): readonly Reference[] {
  return cssReferences(text) as readonly Reference[]
}

/** What is found: the text that another URL replaces, and the URL. */
export function found(text: string): ReadonlyArray<readonly [text: string, url: string]> {
  return referencesOf(text).map(({ start, end, url }) => [text.slice(start, end), url])
}

/** The URLs that are found. */
export function urls(text: string): readonly string[] {
  return referencesOf(text).map(({ url }) => url)
}

/** The text with other URLs in its references. */
export function rewritten(text: string, newUrl: (reference: Reference) => string): string {
  let [result, done] = ['', 0]
  for (const reference of referencesOf(text)) {
    result += text.slice(done, reference.start) + reference.write(newUrl(reference))
    done = reference.end
  }
  return result + text.slice(done)
}
