import { StorageError, SuspiciousFileOperation } from '../../core/errors.ts'

/** Maximum length of an object's name in bytes. (https://docs.openstack.org/api-ref/object-store/#objects) */
export const MAX_KEY_BYTES = 1024
/** Maximum length of a container's name in bytes. */
const MAX_CONTAINER_BYTES = 256

/** Refuses a key that Swift does not accept: `suspicious_name`, with the reason. */
export function checkKey(key: string): void {
  const problem = problemOf(key)
  if (problem === undefined) return
  throw new SuspiciousFileOperation(`A name in Swift ${problem}: ${JSON.stringify(key.slice(0, 80))}`, {
    fileName: key,
  })
}

function problemOf(key: string): string | undefined {
  if (key === '') return 'is not empty'
  if (key.includes('\0')) return 'has no NUL character'
  if (!key.isWellFormed()) return 'has a UTF-8 form'
  if (key.length * 3 <= MAX_KEY_BYTES) return undefined
  const bytes = Buffer.byteLength(key)
  return bytes > MAX_KEY_BYTES ? `has at most ${MAX_KEY_BYTES} bytes, not ${bytes}` : undefined
}

/** The problem of a container's name; undefined if Swift accepts it. */
export function containerProblem(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name.includes('/')) return 'it has a slash'
  if (name === '.' || name === '..') return 'it is a relative path'
  if (name.includes('\0') || !name.isWellFormed()) return 'it has characters that have no UTF-8 form'
  const bytes = Buffer.byteLength(name)
  return bytes > MAX_CONTAINER_BYTES ? `it has ${bytes} bytes, and ${MAX_CONTAINER_BYTES} are the most` : undefined
}

/** Refuses a container's name that Swift does not accept: `invalid_argument`. */
export function checkContainer(name: string): void {
  const problem = containerProblem(name)
  if (problem === undefined) return
  throw new StorageError('invalid_argument', `${JSON.stringify(name.slice(0, 80))} cannot be a container: ${problem}.`)
}

/**
 * Metadata names in Swift's form. Its servers read `_` in the name of a header as `-`, or drop such headers. So a `_` is stored as `-x5f-`,
 * with its code in hexadecimal, and so is a `-` that would look like the start of such an escape.
 */
export function storedNames<V>(metadata: Readonly<Record<string, V>>): Record<string, V> {
  return renamed(metadata, name =>
    name.toLowerCase().replace(ODD, character => `-x${character.charCodeAt(0).toString(16)}-`),
  )
}

/** The same metadata by its original names. */
export function userNames<V>(metadata: Readonly<Record<string, V>>): Record<string, V> {
  return renamed(metadata, name =>
    name.replace(ESCAPED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  )
}

const ODD = /_|-(?=x(?:5f|2d)-)/g
const ESCAPED = /-x(5f|2d)-/g

function renamed<V>(values: Readonly<Record<string, V>>, change: (name: string) => string): Record<string, V> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [change(name), value]))
}
