import type { WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { newPath } from './names.ts'

/** How a file is written to its name. (https://www.dropbox.com/developers/documentation/http/documentation#files-upload) */
export interface Commit {
  readonly path: string
  readonly mode: 'add' | 'overwrite' | { readonly '.tag': 'update'; readonly update: string }
  readonly autorename: false
  /** Without this, equal bytes cause no conflict, so two writers would both believe that they created the file. */
  readonly strict_conflict?: true
  readonly mute?: boolean
  readonly client_modified?: string
}

/** The commit of a key, with the options of `extra`: `mute` and `clientModified`. Code `invalid_argument` for any other option. */
export function commitOf(key: string, mode: Commit['mode'], extra: WriteOptions['extra'] = {}): Commit {
  const strict = mode === 'overwrite' ? {} : ({ strict_conflict: true } as const)
  return { path: newPath(key), mode, autorename: false, ...strict, ...fieldsIn(extra) }
}

function fieldsIn(extra: Readonly<Record<string, unknown>>): Partial<Commit> {
  let fields: Partial<Commit> = {}
  for (const [name, value] of Object.entries(extra)) {
    if (value === undefined || value === null) continue
    if (name === 'mute' && typeof value === 'boolean') fields = { ...fields, mute: value }
    else if (name === 'clientModified') fields = { ...fields, client_modified: timeOf(value) }
    else
      throw invalid(name === 'mute' ? 'mute: expected true or false' : `'${name}' is not known: mute, clientModified`)
  }
  return fields
}

/** A time in whole seconds, in Dropbox's format. */
function timeOf(value: unknown): string {
  const time = value instanceof Date || typeof value === 'string' ? new Date(value) : undefined
  if (time === undefined || Number.isNaN(+time)) throw invalid('clientModified: expected a date')
  return `${time.toISOString().slice(0, 19)}Z`
}

function invalid(text: string): StorageError {
  return new StorageError('invalid_argument', `extra: ${text}.`)
}

/** The mode that replaces one revision. Code `precondition_failed` for an etag that is not a revision. */
export function updateOf(etag: string): Commit['mode'] {
  return { '.tag': 'update', update: checkedRev(etag) }
}

/** A revision in the service's format. Any other text matches no file: `precondition_failed`. */
export function checkedRev(etag: string): string {
  if (/^[0-9a-f]{9,64}$/.test(etag)) return etag
  throw new StorageError('precondition_failed', 'The file has another revision.')
}
