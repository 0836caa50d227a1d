import { lastPartOf, splitName } from '../core/names.ts'
import type { AnyStorage } from '../storage/storage.ts'

/** Longest file name in bytes of UTF-8: file systems take 255, and a suffix that makes the name free needs some. */
const MAX_BYTES = 200

/** The last part of a client's name, of whatever system its path is. */
export function originalName(filename: string): string {
  return lastPartOf(filename)
}

/**
 * A valid file name made of the client's: the last part, by the storage's own rule, without dots at its beginning, of at most 200 bytes. It is
 * `file` where nothing of it can be used.
 */
export function clientName(storage: AnyStorage, filename: string): string {
  const last = lastPartOf(filename).replace(/^[.\s]+/, '')
  let valid: string
  try {
    valid = storage.getValidName(last)
  } catch {
    valid = ''
  }
  return shortened(valid.replace(/^\.+/, '') || 'file')
}

function shortened(name: string): string {
  const excess = Buffer.byteLength(name) - MAX_BYTES
  if (excess <= 0) return name
  const [, stem, suffixes] = splitName(name)
  // Of a name that is all suffixes the beginning is kept.
  if (Buffer.byteLength(suffixes) > MAX_BYTES / 2) return cutBytes(name, MAX_BYTES)
  return cutBytes(stem, MAX_BYTES - Buffer.byteLength(suffixes)) + suffixes
}

/** As many characters from the beginning as fit into so many bytes. */
function cutBytes(text: string, bytes: number): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, bytes), { stream: true })
}
