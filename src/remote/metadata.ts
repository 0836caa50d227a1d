import { StorageError } from '../core/errors.ts'

const PLAIN = /^(?! )(?!.*(?:=\?| $))[\x20-\x7e]*$/
const WORD = /=\?utf-8\?([bq])\?([^?]*)\?=/gi
const WORDS = /^=\?utf-8\?[bq]\?[^?]*\?=(\s+=\?utf-8\?[bq]\?[^?]*\?=)*$/i

/**
 * Adds user metadata as headers whose names begin with `prefix` (`x-amz-meta-`). Printable ASCII is sent unchanged, other text as RFC 2047
 * words, as S3 does. A bad name is `invalid_argument`.
 */
export function metadataHeaders(
  headers: Record<string, string>,
  metadata: Readonly<Record<string, unknown>>,
  prefix: string,
): void {
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
      throw new StorageError('invalid_argument', `'${name}' cannot be the name of metadata.`)
    }
    if (value !== undefined) headers[prefix + name.toLowerCase()] = encodeValue(String(value))
  }
}

/** User metadata in an answer's headers whose names begin with `prefix`, in lower case; undefined if there is none. */
export function metadataOf(
  headers: Readonly<Record<string, unknown>>,
  prefix: string,
): Record<string, string> | undefined {
  let found: Array<[name: string, value: string]> | undefined
  for (const name in headers) {
    if (!name.startsWith(prefix)) continue
    found ??= []
    found.push([name.slice(prefix.length), decodeValue(String(headers[name]))])
  }
  // Also for a name such as `__proto__`.
  return found && Object.fromEntries(found)
}

function encodeValue(value: string): string {
  return PLAIN.test(value) ? value : `=?UTF-8?B?${Buffer.from(value, 'utf8').toString('base64')}?=`
}

/** Decodes RFC 2047 words, and raw UTF-8, which Node's parser returns as Latin-1. */
function decodeValue(value: string): string {
  if (WORDS.test(value)) return decodeWords(value)
  if (!/[\x80-\xff]/.test(value)) return value
  const text = Buffer.from(value, 'latin1').toString('utf8')
  return text.includes('\ufffd') ? value : text
}

function decodeWords(value: string): string {
  const pieces: Buffer[] = []
  for (const [, kind, word] of value.matchAll(WORD)) {
    pieces.push(kind!.toLowerCase() === 'b' ? Buffer.from(word!, 'base64') : quoted(word!))
  }
  return Buffer.concat(pieces).toString('utf8')
}

function quoted(word: string): Buffer {
  const text = word
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(text, 'latin1')
}
