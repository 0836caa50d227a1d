import { StorageError } from './errors.ts'
import { isHeaderText } from './header-text.ts'

/** A parameter of a header. */
interface Parameter {
  readonly name: string
  /** Without quotes and escapes. */
  readonly value: string
  /** As it was written. */
  readonly text: string
}

/**
 * A `Content-Disposition` in printable ASCII: a parameter with other characters gets its extended form beside an approximation
 * (`filename="caf_.pdf"; filename*=UTF-8''caf%C3%A9.pdf`, RFC 6266 section 4.3 and appendix D, RFC 8187). ASCII is returned as it is. Control
 * characters, half surrogate pairs and other characters outside of a parameter's value are `invalid_argument`.
 */
export function asciiDisposition(disposition: string): string {
  if (isHeaderText(disposition)) return disposition
  const parsed = parse(disposition)
  if (parsed === undefined || /\p{Cc}/u.test(disposition) || !disposition.isWellFormed()) {
    const text =
      "contentDisposition: expected 'attachment' or 'inline' with parameters, as in attachment; filename=\"a.pdf\""
    throw new StorageError('invalid_argument', `${text}.`)
  }
  const extended = new Set(parsed.parameters.filter(({ name }) => name.endsWith('*')).map(({ name }) => name))
  const parts = parsed.parameters.flatMap(parameter => written(parameter, extended))
  return [parsed.type, ...parts].join('; ')
}

/**
 * Returns a `Content-Disposition` with the last part of a name, in ASCII and, where ASCII loses anything, also in UTF-8. (RFC 6266, RFC
 * 8187)
 */
export function contentDisposition(kind: 'inline' | 'attachment', name: string): string {
  const file = name.slice(name.lastIndexOf('/') + 1).toWellFormed()
  const ascii = approximation(file).replace(/["\\%]/g, '_')
  return `${kind}; filename="${ascii}"${ascii === file ? '' : `; filename*=${extendedValue(file)}`}`
}

function written({ name, value, text }: Parameter, extended: ReadonlySet<string>): string[] {
  if (isHeaderText(text)) return [text]
  const plain = `${name}=${quoted(approximation(value))}`
  return extended.has(`${name}*`) ? [plain] : [plain, `${name}*=${extendedValue(value)}`]
}

/** For clients that do not know the extended form. */
function approximation(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, '_')
}

/** Percent-encodes characters that are not an `attr-char`, as UTF-8. (RFC 8187, section 3.2.1) */
function extendedValue(text: string): string {
  const encoded = encodeURIComponent(text)
  return `UTF-8''${encoded.replace(/['()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)}`
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, char => `\\${char}`)}"`
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/

/** The type and the parameters (RFC 6266 section 4.1), whose values may have any characters; undefined where it has another form. */
function parse(text: string): { type: string; parameters: Parameter[] } | undefined {
  const [type = '', ...rest] = split(text) ?? []
  if (!TOKEN.test(type)) return undefined
  const parameters: Parameter[] = []
  for (const part of rest) {
    if (part === '') continue
    const at = part.indexOf('=')
    const name = part.slice(0, at).trim().toLowerCase()
    const given = part.slice(at + 1).trim()
    if (at < 0 || !TOKEN.test(name)) return undefined
    const isQuoted = given.length > 1 && given.startsWith('"') && given.endsWith('"')
    parameters.push({ name, value: isQuoted ? unescaped(given.slice(1, -1)) : given, text: part })
  }
  const isSound = parameters.every(({ name, value }) => !name.endsWith('*') || /^[!-~]*$/.test(value))
  return isSound ? { type, parameters } : undefined
}

/** Splits at semicolons outside of quotes; undefined where a quote is not closed. */
function split(text: string): string[] | undefined {
  const parts: string[] = []
  let from = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (isQuoted && char === '\\') at++
    else if (char === '"') isQuoted = !isQuoted
    else if (char === ';' && !isQuoted) {
      parts.push(text.slice(from, at).trim())
      from = at + 1
    }
  }
  return isQuoted ? undefined : [...parts, text.slice(from).trim()]
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gu, '$1')
}
