import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { compareKeys, restBelow } from '../../core/key-order.ts'
import type { XmlNode } from '../../http/xml.ts'

/** The query of ListObjectsV2 (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html). */
export function listQuery(prefix: string, page: PageRequest): Array<[string, string]> {
  const query: Array<[string, string]> = [
    ['encoding-type', 'url'],
    ['list-type', '2'],
    ['prefix', prefix],
  ]
  if (!page.recursive) query.push(['delimiter', '/'])
  if (page.token !== undefined) query.push(['continuation-token', page.token])
  else if (page.startAfter !== undefined && compareKeys(page.startAfter, prefix) > 0)
    query.push(['start-after', page.startAfter])
  if (page.limit !== undefined) query.push(['max-keys', String(Math.min(1000, Math.max(1, page.limit)))])
  return query
}

/** Whether no key below the prefix can lie in the range, so that nothing need be asked. */
export function isEmptyRange(prefix: string, { startAfter, until }: PageRequest): boolean {
  if (restBelow(prefix, startAfter) === undefined) return true
  return until !== undefined && compareKeys(until, prefix) <= 0
}

/**
 * The page in a ListObjectsV2 answer; folder markers (keys that end in '/') are no files, and what is not below the prefix is left out. `until`
 * is not the service's: the page is cut there, and is the last one. The size of a file is NaN where the answer has none.
 */
export function pageOf(root: XmlNode, prefix: string, request: PageRequest): Page {
  const decode = keyDecoder(root)
  const files: ListedFile[] = []
  const directories: string[] = []
  let isTruncated = false
  let next: string | undefined
  for (const node of root.children()) {
    switch (node.name) {
      case 'Contents':
        files.push(listedFile(node, decode))
        break
      case 'CommonPrefixes':
        directories.push(decode(node.child('Prefix')?.text ?? ''))
        break
      case 'IsTruncated':
        isTruncated = node.text.trim() === 'true'
        break
      case 'NextContinuationToken':
        next = node.text
    }
  }
  if (isTruncated && !next) throw new StorageError('unavailable', 'The listing is cut off and names no next page.')
  if (isTruncated && next === request.token) {
    throw new StorageError('unavailable', 'The listing does not go on: it gave the same continuation token again.')
  }
  const keys = files.map(file => file.key)
  const isPast = isBehind(request, keys, directories)
  const isWanted = (key: string): boolean => key.startsWith(prefix) && isInRange(key, request)
  return {
    files: files.filter(({ key }) => !key.endsWith('/') && isWanted(key)),
    directories: directories.filter(key => key.endsWith('/') && isWanted(key)).map(key => key.slice(0, -1)),
    next: isTruncated && !isPast ? next : undefined,
  }
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

function isInRange(key: string, { startAfter, until }: PageRequest): boolean {
  if (startAfter !== undefined && compareKeys(key, startAfter) <= 0) return false
  return until === undefined || compareKeys(key, until) < 0
}

/** Whether a page reaches `until`. A service without order has no ranges, and a part of its listing must not be taken for one. */
function isBehind({ startAfter, until }: PageRequest, ...lists: ReadonlyArray<readonly string[]>): boolean {
  if (startAfter === undefined && until === undefined) return false
  for (const keys of lists) {
    if (keys.some((key, at) => at > 0 && compareKeys(keys[at - 1]!, key) > 0)) {
      throw new StorageError('unsupported', 'The service does not list keys in the order of their UTF-8 bytes.')
    }
  }
  return until !== undefined && lists.some(keys => keys.length > 0 && compareKeys(keys.at(-1)!, until) >= 0)
}

function listedFile(node: XmlNode, decode: (text: string) => string): ListedFile {
  let key: string | undefined
  let size = Number.NaN
  let etag: string | undefined
  let modifiedAt: Date | undefined
  let storageClass: string | undefined
  for (const child of node.children()) {
    switch (child.name) {
      case 'Key':
        key = decode(child.text)
        break
      case 'Size':
        size = sizeOf(child.text)
        break
      case 'ETag':
        etag = unquoted(child.text)
        break
      case 'LastModified':
        modifiedAt = dateOf(child.text)
        break
      case 'StorageClass':
        storageClass = child.text
    }
  }
  if (key === undefined) throw new StorageError('unavailable', 'The listing has an object without a key.')
  return { key, size, etag, modifiedAt, storageClass }
}

function sizeOf(text: string): number {
  return /^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN
}

/** A date of ISO 8601 or RFC 9110; undefined for any other text, which says nothing of the file. */
function dateOf(text: string): Date | undefined {
  const date = new Date(text.trim())
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** How the keys in a listing are written: encoded where it says so. */
export function keyDecoder(root: XmlNode): (text: string) => string {
  return root.child('EncodingType')?.text === 'url' ? decodeListed : text => text
}

/** What is not encoded as announced stays as it is: a lone `%`, and bytes that are no UTF-8. */
function decodeListed(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced.replace(/(?:%[0-9a-f]{2})+/gi, bytes => {
      try {
        return decodeURIComponent(bytes)
      } catch {
        return bytes
      }
    })
  }
}

/** An etag without its quotes. */
export function unquoted(etag: string): string {
  return etag.startsWith('"') && etag.endsWith('"') ? etag.slice(1, -1) : etag
}
