import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { compareKeys, laterKey } from '../../core/key-order.ts'
import { PageProgress } from '../../storage/page-progress.ts'
import type { Caller, Side } from './side.ts'
import type { Sides } from './sides.ts'

/** Entries of one storage in the order of keys, and the place up to which they are complete; undefined: all of them. */
interface Part {
  readonly files: ReadonlyMap<string, ListedFile>
  /** Keys with a slash at the end. */
  readonly directories: ReadonlySet<string>
  readonly until: string | undefined
}

/**
 * Returns a page of both listings: each name once, a file of `first` in place of the same file of `second`. Where both storages list in the order
 * of keys, the token is the last place of the page, and one page of each is read. Otherwise the listings have no common order, and one page has
 * all entries.
 */
export async function mergedPage(
  { first, second }: Sides,
  prefix: string,
  request: PageRequest,
  caller: Caller,
): Promise<Page> {
  const isOrdered = first.features.listRange === true && second.features.listRange === true
  const { token, ...rest } = request
  const { recursive, trailingSlash } = rest
  const own = isOrdered ? { ...rest, startAfter: laterKey(token, request.startAfter) } : { recursive, trailingSlash }
  const parts = await Promise.all(
    [first, second].map(side =>
      isOrdered ? pagePart(side, prefix, own, caller) : wholePart(side, prefix, own, caller),
    ),
  )
  const [a, b] = parts as [Part, Part]
  const until = earlierKey(a.until, b.until)
  const isIn = (place: string): boolean => until === undefined || compareKeys(place, until) <= 0
  const files = new Map([...b.files, ...a.files].filter(([place]) => isIn(place)))
  const directories = new Set([...a.directories, ...b.directories].filter(isIn))
  const places = [...files.keys(), ...directories].sort(compareKeys)
  const { limit } = rest
  const isCut = isOrdered && limit !== undefined && places.length > limit
  const last = isCut ? places[limit - 1] : until
  const wanted = isCut ? places.slice(0, limit) : places
  return {
    files: wanted.flatMap(place => files.get(place) ?? []),
    directories: wanted.filter(place => directories.has(place)).map(place => place.slice(0, -1)),
    next: last,
  }
}

/** Returns one page, or the first page with an entry. */
async function pagePart(side: Side, prefix: string, request: PageRequest, caller: Caller): Promise<Part> {
  const progress = new PageProgress({ operation: 'list', fileName: prefix })
  for (let token: string | undefined; ; ) {
    const page = await side.list(prefix, { ...request, token }, caller)
    progress.check(page)
    const part = partOf(page.files, page.directories)
    if (page.next === undefined) return { ...part, until: undefined }
    const last = [...part.files.keys(), ...part.directories].reduce<string | undefined>(laterKey, undefined)
    if (last !== undefined) return { ...part, until: last }
    token = page.next
  }
}

async function wholePart(side: Side, prefix: string, request: PageRequest, caller: Caller): Promise<Part> {
  const progress = new PageProgress({ operation: 'list', fileName: prefix })
  const files: ListedFile[] = []
  const directories: string[] = []
  let token: string | undefined
  do {
    const page = await side.list(prefix, { ...request, token }, caller)
    progress.check(page)
    files.push(...page.files)
    directories.push(...page.directories)
    token = page.next
  } while (token !== undefined)
  return { ...partOf(files, directories), until: undefined }
}

function partOf(files: readonly ListedFile[], directories: readonly string[]): Omit<Part, 'until'> {
  return {
    files: new Map(files.map(file => [file.key, file])),
    directories: new Set(directories.map(key => `${key}/`)),
  }
}

function earlierKey(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return compareKeys(a, b) < 0 ? a : b
}
