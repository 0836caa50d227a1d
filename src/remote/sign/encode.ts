import { StorageError, SuspiciousFileOperation } from '../../core/errors.ts'

/** By ASCII code: the character if RFC 3986 calls it unreserved, else its `%XX`. */
const ESCAPES: readonly string[] = Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code)
  return /[A-Za-z0-9._~-]/.test(char) ? char : `%${code.toString(16).toUpperCase().padStart(2, '0')}`
})
const UNRESERVED: readonly boolean[] = ESCAPES.map(form => form.length === 1)
const SLASH = 47

/**
 * Percent-encodes UTF-8 except RFC 3986 unreserved characters, for both signature versions. Code `invalid_argument` for a lone surrogate.
 */
export function encodeComponent(text: string): string {
  return encode(text, false)
}

/** Percent-encodes an object key for a request path: all but unreserved characters and `/`. Code `suspicious_name` for a lone surrogate. */
export function encodeKey(key: string): string {
  return encode(key, true)
}

function encode(text: string, isKey: boolean): string {
  let out = ''
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 128) {
      if (UNRESERVED[code] || (isKey && code === SLASH)) continue
      out += text.slice(from, at) + ESCAPES[code]
      from = at + 1
      continue
    }
    let end = at + 1
    while (end < text.length && text.charCodeAt(end) >= 128) end++
    out += text.slice(from, at) + encodeWide(text.slice(at, end), isKey)
    from = end
    at = end - 1
  }
  return from === 0 ? text : out + text.slice(from)
}

function encodeWide(text: string, isKey: boolean): string {
  if (text.isWellFormed()) return encodeURIComponent(text)
  const message = `${JSON.stringify(text)} has half of a surrogate pair and so no UTF-8 form`
  throw isKey ? new SuspiciousFileOperation(message) : new StorageError('invalid_argument', message)
}

/** Decodes form encoding, with `+` for a blank. Invalid parts stay unchanged: a lone `%`, and bytes that are not UTF-8. */
export function decodeForm(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced.replace(/(?:%[0-9a-f]{2})+/gi, bytes => {
      try {
        return decodeURIComponent(bytes)
      } catch {
        return bytes
      }
    })
  }
}

/** Whether a text is base64 of at least one byte, with or without padding. Other alphabets, blanks and extra digits are refused. */
export function isBase64(text: string): boolean {
  const digits = text.replace(/={1,2}$/, '')
  return /^[A-Za-z0-9+/]{2,}$/.test(digits) && digits.length % 4 !== 1
}
