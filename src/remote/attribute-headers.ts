import type { FileAttributes } from '../core/driver.ts'
import { metadataHeaders } from './metadata.ts'
import { dispositionText, headerText } from './parameters.ts'

/**
 * Adds the portable attributes of a file to the headers of its upload; user metadata goes in headers whose names begin with `metadataPrefix`
 * (`x-amz-meta-`), and the others in headers whose names begin with `prefix`. What no header can carry is `invalid_argument`; a disposition is
 * written in ASCII (RFC 8187).
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
