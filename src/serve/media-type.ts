/** The header for a stored media type. */
export interface SentType {
  /** The `Content-Type` header. */
  readonly header: string
  /** Whether a browser can only show it: it contains neither markup nor a script. */
  readonly inert: boolean
}

/** Maximum length of a type that is parsed; real types are shorter. */
const MAX_LENGTH = 255
const UNKNOWN: SentType = { header: 'application/octet-stream', inert: false }

/** Types whose scripts no browser runs. A PDF's scripts run in the viewer, which has no access to the page's origin. */
const INERT: ReadonlySet<string> = new Set(
  Object.entries({
    image: 'apng avif bmp gif heic heif jpeg jxl png tiff vnd.microsoft.icon webp x-icon',
    audio: 'aac flac midi mp4 mpeg ogg opus wav webm x-flac x-m4a x-wav',
    video: '3gpp mp2t mp4 mpeg ogg quicktime webm x-m4v x-matroska x-msvideo',
    font: 'collection otf ttf woff woff2',
    text: 'csv plain',
    application: 'json pdf',
  }).flatMap(([type, subtypes]) => subtypes.split(' ').map(subtype => `${type}/${subtype}`)),
)
/** Charsets in which ASCII bytes mean ASCII, unlike UTF-7 and ISO-2022. */
const PLAIN_CHARSET = /^(?:utf-8|us-ascii|iso-8859-\d\d?|windows-125\d)$/
/** JavaScript by any of its names, which a page's `<script src>` or a worker would run. (WHATWG MIME Sniffing 4.6) */
const SCRIPT = /^(?:text|application)\/(?:x-)?(?:java|ecma|j|live)script[\d.]*$/
/** Types whose parts have types of their own. */
const COMPOSITE = /^(?:multipart|message)\//

/** Names of types and parameters. (RFC 6838 4.2) */
const NAME = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/
/** A token, or a quoted text without commas, semicolons and escapes, which readers split differently. (RFC 9110 5.6.6) */
const VALUE = /^(?:[\w!#$%&'*+.^`|~-]+|"[\w!#$%&'*+.^`|~:/=() -]*")$/

/**
 * Returns the header for a stored type. Unless it is trusted, a list of types and a malformed type become `application/octet-stream`, since
 * browsers may treat either as HTML; so do types of several parts. A script becomes plain text, so that no page can run it.
 */
export function sentType(stored: string | undefined, trusted: boolean): SentType {
  const parsed = stored === undefined ? undefined : parseMediaType(stored)
  if (stored === undefined || parsed === undefined)
    return trusted && stored ? { header: stored, inert: false } : UNKNOWN
  const { essence, parameters } = parsed
  const charset = parameters.get('charset')?.replaceAll('"', '').toLowerCase()
  if (charset === undefined && essence.startsWith('text/')) parameters.set('charset', 'utf-8')
  // Browsers find codecs in the file itself, and a parser could treat a comma as the end of the type.
  if (!trusted && parameters.get('codecs')?.includes(',')) parameters.delete('codecs')
  const header = [essence, ...[...parameters].map(([name, value]) => `${name}=${value}`)].join('; ')
  if (trusted) return { header, inert: false }
  if (COMPOSITE.test(essence)) return UNKNOWN
  if (SCRIPT.test(essence)) return { header: 'text/plain; charset=utf-8', inert: false }
  return { header, inert: INERT.has(essence) && (charset === undefined || PLAIN_CHARSET.test(charset)) }
}

interface MediaType {
  /** Type and subtype in lower case. */
  readonly essence: string
  /** Values, with their quotes, by names in lower case. */
  readonly parameters: Map<string, string>
}

/**
 * Codecs as browsers name them in the type of a recording, also without quotes: names and commas, which are not a list of types. (RFC 6381)
 */
const CODECS = /^(?:[\w.-]+(?:,[\w.-]+)+|"[\w.-]+(?:, ?[\w.-]+)+")$/

/** Parses exactly one media type with its parameters; undefined for anything else. Linear time. (RFC 9110 8.3.1) */
function parseMediaType(text: string): MediaType | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const [first = '', ...rest] = text.split(';').map(part => part.trim())
  const essence = first.toLowerCase()
  const [type = '', subtype = '', ...more] = essence.split('/')
  if (more.length > 0 || !NAME.test(type) || !NAME.test(subtype)) return undefined
  const parameters = new Map<string, string>()
  for (const parameter of rest) {
    if (parameter === '') continue
    const equals = parameter.indexOf('=')
    const name = parameter.slice(0, Math.max(0, equals)).toLowerCase()
    const value = parameter.slice(equals + 1)
    const isGood = VALUE.test(value) || (name === 'codecs' && CODECS.test(value))
    if (!NAME.test(name) || !isGood || parameters.has(name)) return undefined
    parameters.set(name, value)
  }
  return { essence, parameters }
}
