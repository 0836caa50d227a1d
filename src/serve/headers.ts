import { asciiDisposition, contentDisposition } from '../core/disposition.ts'
import type { Stat } from '../core/driver.ts'
import { isHeaderText } from '../core/header-text.ts'
import { entityTag } from './conditions.ts'
import { sentType } from './media-type.ts'

/** Headers for files that were stored without their own. */
export interface HeaderOptions {
  /** `Cache-Control` of files without their own: one value for all, or by name; undefined for the default. */
  readonly cacheControl: string | ((name: string) => string | undefined)
  /** Whether browsers show files or download them. */
  readonly disposition: 'inline' | 'attachment'
  /**
   * Whether the files are the site's own: HTML, SVG, XML and JavaScript run in its origin. Otherwise all files except images, audio, video,
   * fonts, plain text, CSV, JSON and PDF are sandboxed, and JavaScript is sent as plain text.
   */
  readonly trusted: boolean
}

/** The headers that a signed URL may set for its answer, by query parameter. */
const OVERRIDES: Readonly<Record<string, string>> = {
  'response-content-type': 'content-type',
  'response-content-disposition': 'content-disposition',
  'response-cache-control': 'cache-control',
  'response-content-encoding': 'content-encoding',
  'response-content-language': 'content-language',
}

const SANDBOX = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'"

/** Returns the headers of a file's answer, without `Content-Length` and `Content-Range`. */
export function fileHeaders(
  name: string,
  stat: Stat,
  overrides: Readonly<Record<string, string>>,
  options: HeaderOptions,
): Headers {
  const headers = new Headers({ 'x-content-type-options': 'nosniff' })
  put(headers, 'content-type', stat.contentType)
  put(headers, 'content-encoding', stat.contentEncoding)
  put(headers, 'content-language', stat.contentLanguage)
  put(headers, 'content-disposition', stat.contentDisposition ?? contentDisposition(options.disposition, name))
  const { cacheControl } = options
  put(
    headers,
    'cache-control',
    stat.cacheControl ?? (typeof cacheControl === 'string' ? cacheControl : cacheControl(name)),
  )
  put(headers, 'etag', entityTag(stat))
  put(headers, 'last-modified', stat.modifiedAt?.toUTCString())
  for (const [parameter, header] of Object.entries(OVERRIDES)) put(headers, header, overrides[parameter])
  const { header, inert } = sentType(headers.get('content-type') ?? undefined, options.trusted)
  headers.set('content-type', header)
  if (!options.trusted && !inert) headers.set('content-security-policy', SANDBOX)
  return headers
}

/** Sets a header unless HTTP cannot carry its value. Invalid characters of a disposition are replaced, since it may be `attachment`. */
function put(headers: Headers, name: string, value: string | undefined): void {
  const sent = name === 'content-disposition' && value !== undefined ? sentDisposition(value) : value
  if (sent && isHeaderText(sent)) headers.set(name, sent)
}

function sentDisposition(value: string): string {
  try {
    return asciiDisposition(value)
  } catch {
    return value.replace(/[^\x20-\x7e]/gu, '_')
  }
}
