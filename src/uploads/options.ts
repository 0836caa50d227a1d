import type { StorageOption } from '../config/storage-option.ts'
import { StorageError } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { SaveOptions } from '../storage/types.ts'
import { checkUploadTo } from '../storage/upload-name.ts'
import { checkAllowed } from './file-kind.ts'

/** A file on its way into a storage, for `uploadTo`. */
export interface UploadContext<R = unknown> {
  /** The field of the form. */
  readonly field: string
  /** The last part of the client's name, made valid: no path, no leading dots, at most 200 bytes. Another file may have it too. */
  readonly filename: string
  /** Type by the name and the first bytes, never the one that the client sent. */
  readonly contentType: string
  /** The value of a text field. One that has not arrived is an `UploadError` with reason `missing_field`: text fields must come before files. */
  readonly text: (name: string) => string
  /** The request: the `Request` of a Web handler, or the framework's. */
  readonly request: R
}

/** How the files of a field are stored. */
export interface UploadOptions<R = unknown> {
  /** Alias of a configured storage, a storage, or a function that returns one. Default: the storage `default`. */
  readonly storage?: StorageOption | undefined
  /**
   * The folder of the files, with strftime codes for the local time (`avatars/%Y/%m`), or a function that returns the whole name. Default: the
   * root of the storage. The client's path is never used.
   */
  readonly uploadTo?: string | ((upload: UploadContext<R>) => string | Promise<string>) | undefined
  /**
   * Allowed media types: `image/png`, `image/*`. Name and first bytes must both have an allowed type. A wildcard does not include what browsers
   * run (HTML, SVG, XML, JavaScript). Needs the package `file-type`, unless all of them are types of text. Default: any.
   */
  readonly allow?: readonly string[] | undefined
  /** Most bytes of a file; exactly as many are accepted. Default 10 MiB. */
  readonly maxSize?: number | undefined
  /** Longest stored name, in UTF-16 units. */
  readonly maxLength?: number | undefined
  /** How the files are saved: `overwrite`, `metadata`, `cacheControl` and so on. A request that fails later deletes what it has overwritten. */
  readonly saveOptions?:
    | Omit<SaveOptions, 'signal' | 'maxLength' | 'maxSize' | 'contentType' | 'onProgress'>
    | undefined
}

/** How the files of a field of a form are stored. */
export interface UploadFieldOptions<R = unknown> extends UploadOptions<R> {
  /** Most files of this field. Default 1. */
  readonly maxCount?: number | undefined
}

/** What a whole form may have. A form beyond a limit is refused with status 413, and nothing of it stays stored. */
export interface UploadLimits {
  /** Most bytes of each file, where the field has no `maxSize`. Default 10 MiB. */
  readonly fileSize?: number | undefined
  /** Most files. Default 10. */
  readonly files?: number | undefined
  /** Most text fields. Default 100. */
  readonly fields?: number | undefined
  /** Most bytes of a text field's value. Default 64 KiB. */
  readonly fieldSize?: number | undefined
  /** Most bytes of a field's name. Default 100. */
  readonly fieldNameSize?: number | undefined
  /** Most parts, files and text fields together. Default 110. */
  readonly parts?: number | undefined
  /** Most bytes of the whole body. Default: no limit beside the others. */
  readonly totalSize?: number | undefined
}

/** A file that was stored. */
export interface UploadedFile {
  /** The field of the form. */
  readonly field: string
  /** The name in the storage. */
  readonly name: string
  /** The last part of the client's name, for display only. */
  readonly originalName: string
  /** Type by the name and the first bytes. */
  readonly contentType: string
  /** Bytes. */
  readonly size: number
  readonly storage: AnyStorage
}

export const DEFAULT_FILE_SIZE: number = 10 * 1024 * 1024

export const UPLOAD_OPTIONS: KnownOptions<UploadOptions> = {
  storage: true,
  uploadTo: true,
  allow: true,
  maxSize: true,
  maxLength: true,
  saveOptions: true,
}

export const FIELD_OPTIONS: KnownOptions<UploadFieldOptions> = { ...UPLOAD_OPTIONS, maxCount: true }

const LIMITS: Readonly<Record<keyof UploadLimits, number>> = {
  fileSize: DEFAULT_FILE_SIZE,
  files: 10,
  fields: 100,
  fieldSize: 64 * 1024,
  fieldNameSize: 100,
  parts: 110,
  totalSize: Number.POSITIVE_INFINITY,
}

const LIMIT_NAMES: KnownOptions<UploadLimits> = {
  fileSize: true,
  files: true,
  fields: true,
  fieldSize: true,
  fieldNameSize: true,
  parts: true,
  totalSize: true,
}

/** All limits. */
export type CheckedLimits = Readonly<Record<keyof UploadLimits, number>>

/** The limits with their defaults; one of a wrong name or kind is `invalid_argument`. */
export function checkedLimits(limits: UploadLimits = {}): CheckedLimits {
  checkKnownOptions('limits', limits, LIMIT_NAMES)
  const given = Object.entries(limits).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) checkCount(`limits.${name}`, value)
  return { ...LIMITS, ...Object.fromEntries(given) }
}

/** Refuses options of a wrong name or kind before anything is read. */
export function checkUploadOptions<T extends UploadFieldOptions<never>>(
  owner: string,
  options: T,
  known: KnownOptions<T>,
): void {
  checkKnownOptions(owner, options, known)
  const { uploadTo = '', allow = [], maxSize = 0, maxCount = 1, maxLength = 1 } = options
  checkUploadTo(uploadTo)
  checkCount(`${owner}: maxSize`, maxSize)
  checkCount(`${owner}: maxCount`, maxCount)
  checkCount(`${owner}: maxLength`, maxLength)
  checkAllowed(owner, allow)
}

function checkCount(what: string, value: unknown): void {
  if (typeof value === 'number' && value >= 0) return
  const got = typeof value === 'number' ? value : kindOf(value)
  throw new StorageError('invalid_argument', `${what}: expected a number of at least 0, got ${got}.`)
}
