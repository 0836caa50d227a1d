import { splitSuffix } from '../core/static-manifest.ts'
import { filepathToUri } from '../core/urls.ts'

/** A reference to a file of the same site. */
export interface Resolved {
  /** Name of the file. */
  readonly name: string
  /** Returns the URL of the reference for another last part of that name. */
  withLast(last: string): string
}

/** A scheme, or a host after two slashes. (RFC 3986 3.1) */
const ELSEWHERE = /^(?:[a-z][a-z0-9+.-]*:|\/\/|\\)/i

/**
 * Resolves a URL in a file: returns the name of another file, or undefined where it leads elsewhere, to a fragment of the page, or to a
 * folder. `baseUrls` are the prefixes of static URLs, so that absolute ones are recognised; a name that leaves the root begins with `../`.
 */
export function resolveReference(from: string, url: string, baseUrls: readonly string[]): Resolved | undefined {
  const trimmed = url.trim()
  const [path, suffix] = splitSuffix(trimmed)
  if (path === '' || path.endsWith('/')) return undefined
  const below = belowBase(path, baseUrls)
  if (below === undefined && (path.startsWith('/') || ELSEWHERE.test(path))) return undefined
  const folder = below === undefined ? from.slice(0, from.lastIndexOf('/') + 1) : ''
  const name = joined(folder, decoded(below ?? path))
  if (name === undefined) return undefined
  return { name, withLast: last => withLast(path, name, last) + suffix }
}

/**
 * Returns a URL path with another last part. The common part of both names stays as written, so that only the hash is inserted; otherwise
 * the part is percent-encoded.
 */
function withLast(path: string, name: string, last: string): string {
  const plain = name.slice(name.lastIndexOf('/') + 1)
  let start = 0
  while (start < plain.length && plain[start] === last[start]) start++
  const end = plain.slice(start)
  const added = last.slice(start, last.length - end.length)
  if (path.endsWith(end) && last.endsWith(end) && last.length > plain.length && /^[\w.-]*$/.test(added)) {
    return path.slice(0, path.length - end.length) + added + end
  }
  return path.slice(0, path.lastIndexOf('/') + 1) + filepathToUri(last)
}

/** Returns the rest of a URL after the first base that it begins with; undefined for any other URL. */
function belowBase(path: string, baseUrls: readonly string[]): string | undefined {
  const base = baseUrls.find(
    each => each !== '' && path.startsWith(each) && path.startsWith('//') === each.startsWith('//'),
  )
  return base === undefined ? undefined : path.slice(base.length)
}

/** Joins parts by the rules of URLs: `.` and `..` are steps. Undefined where nothing remains, as for `.`. (RFC 3986 5.2.4) */
function joined(folder: string, path: string): string | undefined {
  const parts: string[] = []
  let above = 0
  const steps = `${folder}${path}`.split('/')
  const last = steps[steps.length - 1]
  if (last === '' || last === '.' || last === '..') return undefined
  for (const step of steps) {
    if (step === '' || step === '.') continue
    if (step !== '..') parts.push(step)
    else if (parts.pop() === undefined) above++
  }
  return '../'.repeat(above) + parts.join('/')
}

/** Decodes percent-encoding, part by part where one is malformed. */
function decoded(path: string): string {
  if (!path.includes('%')) return path
  return path
    .split('/')
    .map(part => {
      try {
        return decodeURIComponent(part)
      } catch {
        return part
      }
    })
    .join('/')
}
