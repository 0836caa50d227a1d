import { checkedAttributes, givenAttributes } from '../core/attributes.ts'
import { nodeCrypto } from '../core/builtin.ts'
import type { FileAttributes } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'

/** The content of an upload's token: enough to continue the upload, but no key and no password. */
export interface UploadRecord {
  /** Short name of the backend. */
  readonly backend: string
  readonly name: string
  /** The location of the file, by `placeOf`. */
  readonly place: string
  /** The backend's own identifier of the upload. */
  readonly id: string
  /** Bytes of a part. */
  readonly partSize: number
  /** Bytes of the whole file, if known. */
  readonly size?: number | undefined
  readonly maxSize?: number | undefined
  /** The condition for the completed file. */
  readonly ifAbsent?: boolean | undefined
  readonly isNew?: boolean | undefined
  readonly ifMatch?: string | undefined
  readonly attributes: FileAttributes
}

/** Prefix of every token; another version of the format has another number. */
const PREFIX = 'hu1.'
/** Maximum length of a token that is read, in characters. */
const MAX_LENGTH = 65_536
const SUM_LENGTH = 11

type Kind = 'string' | 'number' | 'boolean' | 'object'

/** Fields of the JSON in a token, with the types of their values. */
const FIELDS: { readonly [K in keyof UploadRecord]-?: readonly [type: Kind, required: boolean] } = {
  backend: ['string', true],
  name: ['string', true],
  place: ['string', true],
  id: ['string', true],
  partSize: ['number', true],
  size: ['number', false],
  maxSize: ['number', false],
  ifAbsent: ['boolean', false],
  isNew: ['boolean', false],
  ifMatch: ['string', false],
  attributes: ['object', true],
}

/** Returns the token of an upload: letters, digits, `-`, `_` and `.`, so that JSON, a cookie and a URL can hold it. */
export function uploadToken(record: UploadRecord): string {
  const text = JSON.stringify({ ...record, attributes: givenAttributes(record.attributes) })
  const payload = Buffer.from(text, 'utf8').toString('base64url')
  return `${PREFIX}${payload}.${sumOf(payload)}`
}

/** Reads a token, which is untrusted text. Anything that `uploadToken` cannot have returned is `invalid_argument`. */
export function readUploadToken(token: unknown): UploadRecord {
  if (typeof token !== 'string' || token.length > MAX_LENGTH) throw notToken('expected the text of `upload.token`')
  if (/^hu\d{1,3}\./.test(token) && !token.startsWith(PREFIX)) {
    throw notToken('another version of Holdall made it')
  }
  const end = token.length - SUM_LENGTH - 1
  const payload = token.slice(PREFIX.length, end)
  const isWhole = token.startsWith(PREFIX) && token[end] === '.' && /^[\w-]+$/.test(payload)
  if (!isWhole || sumOf(payload) !== token.slice(end + 1)) throw notToken('it is not a whole token of an upload')
  return recordIn(parsed(payload))
}

/** Returns a short digest of a file's location; the location cannot be read from it. */
export function placeOf(backend: string, place: string): string {
  return digest(`${backend}\0${place}`).slice(0, 22)
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
  } catch {
    throw notToken('it is not a whole token of an upload')
  }
}

function recordIn(value: unknown): UploadRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notToken('it holds no upload')
  const fields = value as Readonly<Record<string, unknown>>
  for (const name of Object.keys(fields)) if (!Object.hasOwn(FIELDS, name)) throw notToken(`it holds '${name}'`)
  for (const [name, [type, required]] of Object.entries(FIELDS)) {
    const field = fields[name]
    if (field === undefined ? required : typeof field !== type || field === null || Array.isArray(field)) {
      throw notToken(`its '${name}' is wrong`)
    }
    if (type === 'number' && field !== undefined && !(Number.isSafeInteger(field) && (field as number) >= 0)) {
      throw notToken(`its '${name}' is wrong`)
    }
  }
  const record = value as UploadRecord
  return { ...record, attributes: checkedAttributes(record.attributes) }
}

/** Returns a checksum that detects a cut or mistyped token. It does not prove who made the token. */
function sumOf(payload: string): string {
  return digest(PREFIX + payload).slice(0, SUM_LENGTH)
}

function digest(text: string): string {
  return nodeCrypto().createHash('sha256').update(text).digest('base64url')
}

function notToken(why: string): StorageError {
  return new StorageError('invalid_argument', `token: ${why}.`)
}
