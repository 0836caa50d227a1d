import type { ListedFile, Page, PageRequest, Stat } from '../core/driver.ts'
import { type ErrorCode, StorageError } from '../core/errors.ts'
import { compareKeys, restBelow } from '../core/key-order.ts'
import { mapParallel } from '../core/parallel.ts'

/** Whether no key below the prefix can lie in the range, so that no request is needed. */
export function isEmptyRange(prefix: string, { startAfter, until }: PageRequest): boolean {
  if (restBelow(prefix, startAfter) === undefined) return true
  return until !== undefined && compareKeys(until, prefix) <= 0
}

/**
 * Checks a service's page against the request; its directories end with a slash. Left out: names that are not below the prefix or not in
 * the range, and folder markers (keys that end in a slash; with `trailingSlash` not those with content). A page that reaches `until` is the last one, even if the service does not
 * support `until`. Codes: `unavailable` if the next token equals that of the request; `unsupported` for a range of keys from a service
 * without order.
 */
export function checkedPage({ files, directories, next }: Page, prefix: string, request: PageRequest): Page {
  if (next !== undefined && next === request.token) {
    const text = 'The listing cannot continue: the service returned the same continuation token again.'
    throw new StorageError('unavailable', text, { retryable: false, outcome: 'not_applied' })
  }
  const keys = files.map(file => file.key)
  const isPast = isBehind(request, keys, directories)
  const isWanted = (key: string): boolean => key.startsWith(prefix) && isInRange(key, request)
  // A service may ignore the delimiter: a deeper key then stands for its folder.
  const deep = (key: string): number => (request.recursive ? -1 : key.indexOf('/', prefix.length))
  const shown = keys.filter(key => deep(key) >= 0).map(key => key.slice(0, deep(key) + 1))
  const folders = new Set([...directories, ...shown])
  const isMarker = ({ key, size }: ListedFile): boolean =>
    key.endsWith('/') && !(request.recursive && request.trailingSlash === true && size > 0)
  return {
    files: files.filter(file => !isMarker(file)).filter(({ key }) => deep(key) < 0 && isWanted(key)),
    directories: [...folders].filter(key => key.endsWith('/') && isWanted(key)).map(key => key.slice(0, -1)),
    next: isPast ? undefined : next,
  }
}

/** Maximum number of parallel requests for file sizes. */
const STATS_AT_ONCE = 8

/** The same page with its missing sizes (NaN) filled in by `stat`. A file that no longer exists is left out. */
export async function sizedPage(
  page: Page,
  stat: (key: string) => Promise<Pick<Stat, 'size'>>,
  classify: (error: unknown) => ErrorCode | undefined,
): Promise<Page> {
  if (page.files.every(({ size }) => !Number.isNaN(size))) return page
  const sized = async (file: ListedFile): Promise<ListedFile | undefined> => {
    if (!Number.isNaN(file.size)) return file
    try {
      return { ...file, size: (await stat(file.key)).size }
    } catch (error) {
      if (classify(error) !== 'not_found') throw error
      return undefined
    }
  }
  const files = await mapParallel(page.files, { limit: STATS_AT_ONCE }, sized)
  return { ...page, files: files.filter(file => file !== undefined) }
}

/** Whether a key lies between the bounds of a request. */
function isInRange(key: string, { startAfter, until }: PageRequest): boolean {
  if (startAfter !== undefined && compareKeys(key, startAfter) <= 0) return false
  return until === undefined || compareKeys(key, until) < 0
}

/** Whether a page reaches `until`. A service without order cannot list ranges, and a part of its listing must not count as a range. */
function isBehind({ startAfter, until }: PageRequest, ...lists: ReadonlyArray<readonly string[]>): boolean {
  if (startAfter === undefined && until === undefined) return false
  for (const keys of lists) {
    if (keys.some((key, at) => at > 0 && compareKeys(keys[at - 1]!, key) > 0)) {
      throw new StorageError('unsupported', 'The service does not list keys in the order of their UTF-8 bytes.')
    }
  }
  return until !== undefined && lists.some(keys => keys.length > 0 && compareKeys(keys.at(-1)!, until) >= 0)
}
