import type { IncomingHttpHeaders } from 'node:http'
import { release } from '../../core/abort.ts'
import type { ByteRange, FileAttributes, ReadResult, Stat, WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { HttpResponse } from '../../http/request.ts'
import { metadataHeaders, metadataOf } from '../../remote/metadata.ts'
import { dispositionText, headerText } from '../../remote/parameters.ts'
import { checkedRead } from '../../remote/ranges.ts'
import { unquoted } from './listing.ts'
import { addParameters, type ParameterUse } from './settings/object-parameters.ts'

type Parameters = Readonly<Record<string, unknown>>

/** The headers of an upload: the storage's parameters, then the call's own attributes and `extra`, which win. */
export function writeHeaders(parameters: Parameters, options: WriteOptions): Record<string, string> {
  const headers: Record<string, string> = {}
  addParameters(headers, parameters, 'write')
  addAttributes(headers, options)
  if (options.extra !== undefined) addParameters(headers, options.extra, 'write')
  return headers
}

/** The headers of a request that is no upload, made of the same parameters. */
export function otherHeaders(
  use: Exclude<ParameterUse, 'write'>,
  ...sources: ReadonlyArray<Parameters | undefined>
): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const parameters of sources) if (parameters !== undefined) addParameters(headers, parameters, use)
  return headers
}

/** Adds the portable attributes. */
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

/** What the headers of a HEAD or GET answer say; the size is that of the whole object, also of a range's answer. */
export function statOf(headers: IncomingHttpHeaders): Stat {
  const modified = headers['last-modified']
  const { etag } = headers
  return {
    size: sizeOf(headers),
    modifiedAt: modified === undefined ? undefined : new Date(modified),
    etag: etag === undefined ? undefined : unquoted(etag),
    contentType: headers['content-type'],
    contentEncoding: plainEncoding(headers['content-encoding']),
    contentDisposition: headers['content-disposition'],
    contentLanguage: headers['content-language'],
    cacheControl: headers['cache-control'],
    metadata: metadataOf(headers),
    versionId: textOf(headers['x-amz-version-id']),
    storageClass: textOf(headers['x-amz-storage-class']),
  }
}

/**
 * What the answer to a GET gives to read, checked against the range that was asked for. Every object has an ETag and a time: an answer with
 * neither comes from something else, such as a page to sign in, and is code `unknown`.
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html)
 */
export function readingOf(response: HttpResponse, range: ByteRange | undefined): ReadResult {
  if (response.headers.etag === undefined && response.headers['last-modified'] === undefined) {
    release(response)
    throw new StorageError('unknown', 'The answer has neither an ETag nor a Last-Modified: it is no object of S3.')
  }
  const { body, size } = checkedRead(range, response)
  return { stat: { ...statOf(response.headers), size }, body }
}

function sizeOf(headers: IncomingHttpHeaders): number {
  const range = headers['content-range']
  const whole = range === undefined ? '' : range.slice(range.lastIndexOf('/') + 1)
  return Number(/^\d{1,15}$/.test(whole) ? whole : (headers['content-length'] ?? 0))
}

function plainEncoding(encoding: string | undefined): string | undefined {
  const kept = encoding
    ?.split(',')
    .map(name => name.trim())
    .filter(name => name !== '' && name !== 'aws-chunked')
    .join(', ')
  return kept || undefined
}

function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
