import type { Reference, ReferenceFinder } from '../../../src/static/references/reference.ts'

/** What is found: the kind, the text that another URL replaces, and the URL. */
export async function found(finder: ReferenceFinder, text: string): Promise<readonly (readonly string[])[]> {
  return (await finder(text)).map(({ kind, start, end, url }) => [kind, text.slice(start, end), url])
}

/** The URLs that are found. */
export async function urls(finder: ReferenceFinder, text: string): Promise<readonly string[]> {
  return (await finder(text)).map(({ url }) => url)
}

/** The text with other URLs in its references. */
export async function rewritten(
  finder: ReferenceFinder,
  text: string,
  newUrl: (reference: Reference) => string,
): Promise<string> {
  const pieces: string[] = []
  let done = 0
  for (const reference of await finder(text)) {
    pieces.push(text.slice(done, reference.start), reference.write(newUrl(reference)))
    done = reference.end
  }
  return pieces.join('') + text.slice(done)
}

/** The pieces of a text that are outside of references. Fails where references overlap, or are not in their order. */
export async function between(finder: ReferenceFinder, text: string): Promise<readonly string[]> {
  const pieces: string[] = []
  let done = 0
  for (const { start, end } of await finder(text)) {
    if (start < done || end <= start || end > text.length) throw new Error(`from ${start} to ${end} after ${done}`)
    pieces.push(text.slice(done, start))
    done = end
  }
  return [...pieces, text.slice(done)]
}
