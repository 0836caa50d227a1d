import { basename, dirname, resolve, sep } from 'node:path'
import type { Readable } from 'node:stream'
import type { CallOptions } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import { CALL_OPTIONS, type KnownOptions } from '../../core/known-options.ts'
import { LocalStorage } from '../local/index.ts'

/** Options for writing an object to a local file. */
export interface DownloadOptions extends CallOptions {
  /** Whether to replace an existing file. Default: false: code `exists`, and the file does not change. */
  readonly overwriteExisting?: boolean | undefined
  /** Whether a failed download removes its file. Default: true. With false, the received bytes are kept at the path. */
  readonly deleteOnFailure?: boolean | undefined
}

/** A part of an object: from `start` to `end`, which is exclusive. Default: to the end of the object. */
export interface RangeOptions extends CallOptions {
  readonly start: number
  readonly end?: number | null | undefined
}

/** The options of a download. */
export const DOWNLOAD_OPTIONS: KnownOptions<DownloadOptions> = {
  ...CALL_OPTIONS,
  overwriteExisting: true,
  deleteOnFailure: true,
}

/** The options of a part. */
export const RANGE_OPTIONS: KnownOptions<RangeOptions> = { ...CALL_OPTIONS, start: true, end: true }

/** A local file: its folder as a storage, and its name there. */
export interface LocalFile {
  readonly folder: LocalStorage
  readonly name: string
}

/** The file at a path. A path that ends in a slash is a folder, in which the file has the object's name. */
export function localFile(path: string, objectName: string): LocalFile {
  const isFolder = path.endsWith('/') || path.endsWith(sep)
  const location = isFolder ? resolve(path) : dirname(resolve(path))
  const folder = new LocalStorage({ location }, { settings: {}, env: {} })
  return { folder, name: isFolder ? objectName : basename(path) }
}

/** Writes a stream to a file, which appears when it is complete. */
export async function download(source: Readable, { folder, name }: LocalFile, options: DownloadOptions): Promise<void> {
  const { overwriteExisting = false, deleteOnFailure = true, signal } = options
  let failure: { readonly error: unknown } | undefined
  try {
    if (!overwriteExisting && (await folder.exists(name, { signal }))) throw taken(name)
    await folder.edit(name, overwriteExisting ? 'w' : 'x', async file => {
      try {
        for await (const chunk of source) await file.write(chunk as Uint8Array)
      } catch (error) {
        if (deleteOnFailure) throw error
        failure = { error }
      }
    })
  } finally {
    source.destroy()
    await folder.close()
  }
  if (failure !== undefined) throw failure.error
}

function taken(name: string): StorageError {
  return new StorageError('exists', `'${name}' exists; it is replaced only with overwriteExisting.`, {
    operation: 'downloadObject',
    fileName: name,
  })
}

/** The checked range. Code `invalid_argument` where libcloud raises ValueError. */
export function checkedRange({ start, end }: RangeOptions): { readonly start: number; readonly end?: number } {
  if (!Number.isSafeInteger(start) || start < 0) {
    throw new StorageError('invalid_argument', `start: expected a whole number of at least 0, got ${start}.`)
  }
  if (end === undefined || end === null) return { start }
  if (Number.isSafeInteger(end) && end > start) return { start, end }
  throw new StorageError('invalid_argument', `end: expected a whole number above start, which is ${start}, got ${end}.`)
}
