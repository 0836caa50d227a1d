import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { Hide } from '../../http/redact.ts'
import type { XmlNode } from '../../http/xml.ts'
import { keyError } from './errors.ts'

/** The query of ListObjectsV2 (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html). */
export function listQuery(prefix: string, page: PageRequest): Array<[string, string]> {
  const query: Array<[string, string]> = [
    ['encoding-type', 'url'],
    ['list-type', '2'],
    ['prefix', prefix],
  ]
  if (!page.recursive) query.push(['delimiter', '/'])
  if (page.token !== undefined) query.push(['continuation-token', page.token])
  if (page.limit !== undefined) query.push(['max-keys', String(Math.min(1000, Math.max(1, page.limit)))])
  return query
}

/** The page in a ListObjectsV2 answer; folder markers (keys that end in '/') are no files. */
export function pageOf(root: XmlNode): Page {
  const decode = keyDecoder(root)
  const files: ListedFile[] = []
  const directories: string[] = []
  let isTruncated = false
  let next: string | undefined
  for (const node of root.children()) {
    switch (node.name) {
      case 'Contents':
        addFile(files, node, decode)
        break
      case 'CommonPrefixes':
        directories.push(decode(node.child('Prefix')?.text ?? '').replace(/\/$/, ''))
        break
      case 'IsTruncated':
        isTruncated = node.text === 'true'
        break
      case 'NextContinuationToken':
        next = node.text
    }
  }
  if (isTruncated && !next) throw new StorageError('unavailable', 'The listing is cut off and names no next page.')
  return { files, directories, next: isTruncated ? next : undefined }
}

function addFile(files: ListedFile[], node: XmlNode, decode: (text: string) => string): void {
  let key = ''
  let size = 0
  let etag: string | undefined
  let modifiedAt: Date | undefined
  let storageClass: string | undefined
  for (const child of node.children()) {
    switch (child.name) {
      case 'Key':
        key = decode(child.text)
        break
      case 'Size':
        size = Number(child.text)
        break
      case 'ETag':
        etag = unquoted(child.text)
        break
      case 'LastModified':
        modifiedAt = new Date(child.text)
        break
      case 'StorageClass':
        storageClass = child.text
    }
  }
  if (!key.endsWith('/')) files.push({ key, size, etag, modifiedAt, storageClass })
}

/** How the keys in a listing are written: encoded where it says so. */
export function keyDecoder(root: XmlNode): (text: string) => string {
  return root.child('EncodingType')?.text === 'url' ? decodeListed : text => text
}

/** A key that is not encoded as announced stays as it is, so that the others can be listed. */
function decodeListed(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

/** An etag without its quotes. */
export function unquoted(etag: string): string {
  return etag.startsWith('"') && etag.endsWith('"') ? etag.slice(1, -1) : etag
}

/** The body of DeleteObjects for keys that XML can hold. */
export function deleteDocument(keys: readonly string[]): string {
  const objects = keys.map(key => `<Object><Key>${xmlText(key)}</Key></Object>`).join('')
  return `<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${objects}</Delete>`
}

/** Whether XML 1.0 can hold the text. */
export function isXmlText(text: string): boolean {
  return !/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(text)
}

function xmlText(text: string): string {
  return text.replace(/[&<>"'\t\r\n]/g, character => `&#${character.charCodeAt(0)};`)
}

/** The keys that DeleteObjects could not delete, with their errors. */
export function deleteErrors(root: XmlNode, hide: Hide): Map<string, StorageError> {
  const errors = new Map<string, StorageError>()
  for (const node of root.children('Error')) {
    const key = node.child('Key')?.text ?? ''
    const code = node.child('Code')?.text ?? 'Unknown'
    if (code !== 'NoSuchKey') errors.set(key, keyError(key, code, node.child('Message')?.text ?? '', hide))
  }
  return errors
}
