import type { ListedFile, Page, PageRequest } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { compareKeys, restBelow } from '../core/key-order.ts'

/** Whether no key below the prefix can lie in the range, so that nothing need be asked. */
export function isEmptyRange(prefix: string, { startAfter, until }: PageRequest): boolean {
  if (restBelow(prefix, startAfter) === undefined) return true
  return until !== undefined && compareKeys(until, prefix) <= 0
}

/** The same page with the sizes that it lacks, each asked for by itself; a file that has none is gone. */
export async function sizedPage(page: Page, sizeOfKey: (key: string) => Promise<number | undefined>): Promise<Page> {
  if (page.files.every(({ size }) => !Number.isNaN(size))) return page
  const files: ListedFile[] = []
  for (const file of page.files) {
    const size = Number.isNaN(file.size) ? await sizeOfKey(file.key) : file.size
    if (size !== undefined) files.push({ ...file, size })
  }
  return { ...page, files }
}

/** Whether a key lies between the bounds of a request. */
export function isInRange(key: string, { startAfter, until }: PageRequest): boolean {
  if (startAfter !== undefined && compareKeys(key, startAfter) <= 0) return false
  return until === undefined || compareKeys(key, until) < 0
}

/** Whether a page reaches `until`. A service without order has no ranges, and a part of its listing must not be taken for one. */
export function isBehind({ startAfter, until }: PageRequest, ...lists: ReadonlyArray<readonly string[]>): boolean {
  if (startAfter === undefined && until === undefined) return false
  for (const keys of lists) {
    if (keys.some((key, at) => at > 0 && compareKeys(keys[at - 1]!, key) > 0)) {
      throw new StorageError('unsupported', 'The service does not list keys in the order of their UTF-8 bytes.')
    }
  }
  return until !== undefined && lists.some(keys => keys.length > 0 && compareKeys(keys.at(-1)!, until) >= 0)
}
