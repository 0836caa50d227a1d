import { lastPartOf, splitName } from '../core/names.ts'
import type { AnyStorage } from '../storage/storage.ts'

/** Maximum size of a file name in UTF-8 bytes: file systems allow 255, and a suffix that makes the name free needs some. */
const MAX_BYTES = 200

/** Returns the last part of a client's name, for a path of any system. */
export function originalName(filename: string): string {
  return lastPartOf(filename)
}

/**
 * Returns a valid file name made from the client's: its last part, by the storage's own rule, without leading dots, of at most 200 bytes.
 * It is `file` where no character of it can be used.
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
  // For a name that is all suffixes, the beginning is kept.
  if (Buffer.byteLength(suffixes) > MAX_BYTES / 2) return cutBytes(name, MAX_BYTES)
  return cutBytes(stem, MAX_BYTES - Buffer.byteLength(suffixes)) + suffixes
}

/** Returns the first characters that fit into this many bytes. */
function cutBytes(text: string, bytes: number): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, bytes), { stream: true })
}
