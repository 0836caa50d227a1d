import type { WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { newPath } from './names.ts'

/** How a file is put into its place. (https://www.dropbox.com/developers/documentation/http/documentation#files-upload) */
export interface Commit {
  readonly path: string
  readonly mode: 'add' | 'overwrite' | { readonly '.tag': 'update'; readonly update: string }
  readonly autorename: false
  /** Without it equal bytes meet no conflict, so that two savers would both believe that they made the file. */
  readonly strict_conflict?: true
  readonly mute?: boolean
  readonly client_modified?: string
}

/** The commit of a key, with what `extra` says: `mute` and `clientModified`; `invalid_argument` for anything else. */
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

/** A time in whole seconds, as Dropbox takes it. */
function timeOf(value: unknown): string {
  const time = value instanceof Date || typeof value === 'string' ? new Date(value) : undefined
  if (time === undefined || Number.isNaN(+time)) throw invalid('clientModified: expected a date')
  return `${time.toISOString().slice(0, 19)}Z`
}

function invalid(text: string): StorageError {
  return new StorageError('invalid_argument', `extra: ${text}.`)
}

/** The mode that replaces one revision; `precondition_failed` for an etag that is none. */
export function updateOf(etag: string): Commit['mode'] {
  return { '.tag': 'update', update: checkedRev(etag) }
}

/** A revision as the service writes it; no file has any other: `precondition_failed`. */
export function checkedRev(etag: string): string {
  if (/^[0-9a-f]{9,64}$/.test(etag)) return etag
  throw new StorageError('precondition_failed', 'The file has another revision.')
}
