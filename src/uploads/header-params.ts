/** A header with parameters: `form-data; name="a"; filename="b.png"`. */
export interface HeaderParams {
  /** The value in lower case. */
  readonly value: string
  /** By name in lower case; of duplicate names, the first one. */
  readonly params: ReadonlyMap<string, string>
}

/**
 * Parses a header with parameters in linear time (RFC 9110 section 5.6.6). Quoted values may have `;`; a backslash escapes only `"` and
 * `\`, since old browsers send Windows paths unescaped. Undefined where a quote is not closed.
 */
export function parseHeaderParams(header: string): HeaderParams | undefined {
  const params = new Map<string, string>()
  const end = header.indexOf(';')
  const value = (end < 0 ? header : header.slice(0, end)).trim().toLowerCase()
  let at = end < 0 ? header.length : end + 1
  let equals = -1
  while (at < header.length) {
    // Searched only once: many parameters without a value may precede it.
    if (equals < at) equals = header.indexOf('=', at)
    const semicolon = header.indexOf(';', at)
    if (equals < 0) break
    if (semicolon >= 0 && semicolon < equals) {
      at = semicolon + 1
      continue
    }
    const name = header.slice(at, equals).trim().toLowerCase()
    let start = equals + 1
    while (header[start] === ' ' || header[start] === '\t') start++
    let text: string
    if (header[start] === '"') {
      const quoted = quotedText(header, start + 1)
      if (quoted === undefined) return undefined
      text = quoted.text
      const next = header.indexOf(';', quoted.end)
      at = next < 0 ? header.length : next + 1
    } else {
      const next = semicolon < 0 ? header.length : semicolon
      text = header.slice(start, next).trim()
      at = next + 1
    }
    if (!params.has(name)) params.set(name, text)
  }
  return { value, params }
}

function quotedText(header: string, start: number): { readonly text: string; readonly end: number } | undefined {
  let text = ''
  let from = start
  for (let at = start; at < header.length; at++) {
    const char = header[at]
    if (char === '"') return { text: text + header.slice(from, at), end: at + 1 }
    if (char !== '\\' || (header[at + 1] !== '"' && header[at + 1] !== '\\')) continue
    text += header.slice(from, at)
    from = at + 1
    at++
  }
  return undefined
}

/** The names of a part of a form. */
export interface Disposition {
  readonly name: string
  /** As the client sent it; undefined for a text field. */
  readonly filename: string | undefined
}

/**
 * Returns name and file name of a part's `Content-Disposition`, whose bytes are Latin-1 characters here; undefined where it is not
 * `form-data` with a name. `filename*` (RFC 8187) takes precedence over `filename`. Other bytes are read as UTF-8, or as Latin-1 where they
 * are not valid UTF-8.
 */
export function parseDisposition(header: string): Disposition | undefined {
  const parsed = parseHeaderParams(header)
  const name = parsed?.params.get('name')
  if (parsed?.value !== 'form-data' || name === undefined) return undefined
  const plain = parsed.params.get('filename')
  const extended = parsed.params.get('filename*')
  const decoded = extended === undefined ? undefined : extendedText(extended)
  const filename = decoded ?? (plain === undefined ? undefined : formText(plain))
  return { name: formText(name), filename }
}

/**
 * Decodes a value as browsers write it: raw bytes, with `%0A`, `%0D` and `%22` for characters that would end it. (HTML, multipart/form-data
 * encoding algorithm)
 */
function formText(text: string): string {
  return bytesText(text).replace(/%0A|%0D|%22/gi, code => String.fromCharCode(Number.parseInt(code.slice(1), 16)))
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Decodes text whose characters are bytes, as UTF-8 where it is valid UTF-8. Text with other characters was decoded already. */
export function bytesText(text: string): string {
  if (!/^[\0-\xff]*$/.test(text)) return text
  try {
    return UTF_8.decode(Buffer.from(text, 'latin1'))
  } catch {
    return text
  }
}

/** Returns the text of an extended value, `UTF-8''caf%C3%A9.pdf`; undefined where it is malformed. (RFC 8187 section 3.2.1) */
function extendedText(value: string): string | undefined {
  const [charset = '', , ...rest] = value.split("'")
  const encoded = rest.join("'")
  if (rest.length === 0 || /%(?![\da-f]{2})/i.test(encoded)) return undefined
  const bytes = encoded.replace(/%[\da-f]{2}/gi, code => String.fromCharCode(Number.parseInt(code.slice(1), 16)))
  if (/^iso-8859-1$/i.test(charset)) return bytes
  if (!/^utf-8$/i.test(charset)) return undefined
  try {
    return UTF_8.decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return undefined
  }
}
