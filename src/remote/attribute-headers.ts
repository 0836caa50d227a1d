import type { FileAttributes } from '../core/driver.ts'
import { metadataHeaders } from './metadata.ts'
import { dispositionText, headerText } from './parameters.ts'

/** Adds the portable attributes of a file to the headers of its upload. */
export function addAttributes(headers: Record<string, string>, attributes: FileAttributes): void {
  const { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, metadata } = attributes
  if (contentType !== undefined) headers['content-type'] = headerText('contentType', contentType)
  if (contentEncoding !== undefined) headers['content-encoding'] = headerText('contentEncoding', contentEncoding)
  if (contentDisposition !== undefined) {
    headers['content-disposition'] = dispositionText('contentDisposition', contentDisposition)
  }
  if (contentLanguage !== undefined) headers['content-language'] = headerText('contentLanguage', contentLanguage)
  if (cacheControl !== undefined) headers['cache-control'] = headerText('cacheControl', cacheControl)
  if (metadata !== undefined) metadataHeaders(headers, metadata)
}
