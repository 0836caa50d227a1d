import { asciiDisposition, contentDisposition } from '../core/disposition.ts'
import type { Stat } from '../core/driver.ts'
import { isHeaderText } from '../core/header-text.ts'
import { entityTag } from './conditions.ts'
import { sentType } from './media-type.ts'

/** How a file is shown where nothing was stored with it. */
export interface HeaderOptions {
  /** `Cache-Control` of files that bring none: one for all, or by name; undefined for the default. */
  readonly cacheControl: string | ((name: string) => string | undefined)
  /** Whether browsers show files or download them. */
  readonly disposition: 'inline' | 'attachment'
  /**
   * Whether the files are the site's own: HTML, SVG, XML and JavaScript run in its origin. Otherwise everything but images, audio, video,
   * fonts, plain text, CSV, JSON and PDF is sandboxed, and JavaScript is sent as plain text.
   */
  readonly trusted: boolean
}

/** What a signed URL may set for its one answer, as query parameters. */
const OVERRIDES: Readonly<Record<string, string>> = {
  'response-content-type': 'content-type',
  'response-content-disposition': 'content-disposition',
  'response-cache-control': 'cache-control',
  'response-content-encoding': 'content-encoding',
  'response-content-language': 'content-language',
}

const SANDBOX = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'"

/** The headers of a file's answer, without `Content-Length` and `Content-Range`. */
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

/** Sets a header unless its value is one that HTTP cannot carry; of a disposition the rest counts, it may say `attachment`. */
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
