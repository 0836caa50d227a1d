import type { StorageError } from '../../core/errors.ts'
import type { BatchAnswer } from '../../remote/batches.ts'
import type { Hide } from '../../remote/redact.ts'
import { type XmlNode, xmlText } from '../../remote/xml.ts'
import { keyError } from './errors.ts'

/** Maximum number of keys per DeleteObjects (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html). */
export const DELETE_LIMIT = 1000

/** The body of DeleteObjects. Quiet mode is off: the answer lists every key, so that a key counts as deleted only if it is listed. */
export function deleteDocument(keys: readonly string[]): string {
  const objects = keys.map(key => `<Object><Key>${xmlText(key)}</Key></Object>`).join('')
  return `<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${objects}</Delete>`
}

/** The result of DeleteObjects for each key in its answer. */
export function deleteAnswer(root: XmlNode, hide: Hide): BatchAnswer {
  const results = new Map<string, StorageError | undefined>()
  for (const node of root.children('Deleted')) results.set(node.child('Key')?.text ?? '', undefined)
  for (const node of root.children('Error')) {
    const key = node.child('Key')?.text ?? ''
    const code = node.child('Code')?.text ?? 'Unknown'
    const error = code === 'NoSuchKey' ? undefined : keyError(key, code, node.child('Message')?.text ?? '', hide)
    results.set(key, error)
  }
  return results
}
