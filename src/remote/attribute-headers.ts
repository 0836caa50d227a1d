import type { FileAttributes } from '../core/driver.ts'
import { metadataHeaders } from './metadata.ts'
import { dispositionText, headerText } from './parameters.ts'

/**
 * Adds the portable attributes of a file to the headers of its upload. User metadata goes into headers whose names begin with
 * `metadataPrefix` (`x-amz-meta-`), the others into headers whose names begin with `prefix`. A disposition is written in ASCII (RFC 8187).
 * Code `invalid_argument` for a value that no header can carry.
 */
export function addAttributes(
  headers: Record<string, string>,
  attributes: FileAttributes,
  metadataPrefix: string,
  prefix = '',
): void {
  const { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, metadata } = attributes
  if (contentType !== undefined) headers[`${prefix}content-type`] = headerText('contentType', contentType)
  if (contentEncoding !== undefined)
    headers[`${prefix}content-encoding`] = headerText('contentEncoding', contentEncoding)
  if (contentDisposition !== undefined) {
    headers[`${prefix}content-disposition`] = dispositionText('contentDisposition', contentDisposition)
  }
  if (contentLanguage !== undefined)
    headers[`${prefix}content-language`] = headerText('contentLanguage', contentLanguage)
  if (cacheControl !== undefined) headers[`${prefix}cache-control`] = headerText('cacheControl', cacheControl)
  if (metadata !== undefined) metadataHeaders(headers, metadata, metadataPrefix)
}
