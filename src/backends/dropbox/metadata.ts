import type { Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { textOf } from '../../remote/answers.ts'
import { checksumsOf } from '../../remote/checksums.ts'
import { dateOf } from '../../remote/headers.ts'
import { type Fields, fieldsOf, tagOf } from './errors.ts'
import { isAlike, pathOf } from './names.ts'

/** Dropbox's metadata of a file or folder. (https://www.dropbox.com/developers/documentation/http/documentation#files-get_metadata) */
export interface Metadata {
  readonly stat: Stat
  /** 64 hexadecimal digits; undefined if the answer does not contain it. */
  readonly hash: string | undefined
  /** Does not change when the file is moved or changed. */
  readonly id: string | undefined
}

/** The metadata in an answer. A field that cannot be parsed is left out; an unknown size is NaN. */
export function metadataOf(value: Fields): Metadata {
  const { size, rev, id, content_hash: hash, server_modified: stored, client_modified: set } = value
  if (tagOf(value) === 'folder') return { stat: { size: 0, isDirectory: true }, hash: undefined, id: textOf(id) }
  const etag = textOf(rev)
  const stat: Stat = {
    size: Number.isSafeInteger(size) && (size as number) >= 0 ? (size as number) : Number.NaN,
    modifiedAt: dateOf(textOf(stored)) ?? dateOf(textOf(set)),
    etag,
    versionId: etag,
    checksums: checksumsOf({ dropbox: hash }, 'hex'),
  }
  return { stat, hash: stat.checksums?.dropbox, id: textOf(id) }
}

/** The metadata of the file at a path. Code `unavailable`, outcome `unknown`, if the answer is about another file or lacks a field. */
export function fileAt(value: unknown, path: string): Metadata {
  const fields = fieldsOf(value)
  const found = metadataOf(fields)
  const at = textOf(fields['path_lower']) ?? textOf(fields['path_display'])
  if (at !== undefined && !isAlike(at, path)) throw noAnswer('is about another path')
  if (found.stat.isDirectory === true) throw noAnswer('is about a folder')
  if (found.id === undefined) throw noAnswer('does not contain the id of the file')
  if (found.stat.etag === undefined) throw noAnswer('does not contain the revision of the file')
  if (Number.isNaN(found.stat.size)) throw noAnswer('does not contain the size of the file')
  return found
}

/** The size and hash of sent bytes. */
export interface Wanted {
  readonly size: number
  readonly hash: string | undefined
}

/** The file in an answer, if its bytes are the ones that were sent. */
export function verified(answer: unknown, path: string, wanted: Wanted): Stat {
  const { stat, hash } = fileAt(answer, path)
  if (stat.size === wanted.size && (wanted.hash === undefined || (hash ?? wanted.hash) === wanted.hash)) return stat
  const text = 'The content hash of the stored bytes differs from that of the sent bytes.'
  throw new StorageError('checksum_mismatch', text, { outcome: 'unknown' })
}

function noAnswer(what: string): StorageError {
  return new StorageError('unavailable', `The answer ${what}.`, { outcome: 'unknown' })
}

/** The path of a version, if there is one. Code `not_found` for a text that is not a version. */
export function versionPath(key: string, versionId: string | undefined): string {
  if (versionId === undefined) return pathOf(key)
  if (/^[0-9a-f]{9,64}$/.test(versionId)) return `rev:${versionId}`
  throw new StorageError('not_found', 'There is no such version of the file.')
}

/** The file in an answer about a version. Code `not_found` if it is a version of another file. */
export function versionAt(value: Fields, key: string, versionId: string | undefined): Metadata {
  try {
    return fileAt(value, pathOf(key))
  } catch (error) {
    if (versionId === undefined) throw error
    throw new StorageError('not_found', 'There is no such version of the file.', { cause: error })
  }
}
