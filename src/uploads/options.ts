import type { StorageOption } from '../config/storage-option.ts'
import { StorageError } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { SaveOptions } from '../storage/types.ts'
import { checkUploadTo } from '../storage/upload-name.ts'
import { checkAllowed } from './file-kind.ts'

/** An uploaded file before it is stored, for `uploadTo`. */
export interface UploadContext<R = unknown> {
  /** The field of the form. */
  readonly field: string
  /** The last part of the client's name, made valid: no path, no leading dots, at most 200 bytes. It is not unique. */
  readonly filename: string
  /** The type from the name and the first bytes, never the type that the client sent. */
  readonly contentType: string
  /**
   * Returns the value of a text field. A field that has not arrived is an `UploadError` with reason `missing_field`: text fields must
   * precede files.
   */
  readonly text: (name: string) => string
  /** The request: the `Request` of a Web handler, or the framework's. */
  readonly request: R
}

/** Options for storing the files of a field. */
export interface UploadOptions<R = unknown> {
  /** Alias of a configured storage, a storage, or a function that returns one. Default: the storage `default`. */
  readonly storage?: StorageOption | undefined
  /**
   * The folder of the files, with strftime codes for the local time (`avatars/%Y/%m`), or a function that returns the whole name. Default: the
   * root of the storage. The client's path is never used.
   */
  readonly uploadTo?: string | ((upload: UploadContext<R>) => string | Promise<string>) | undefined
  /**
   * Allowed media types: `image/png`, `image/*`. Name and first bytes must both have an allowed type. A wildcard does not include types
   * that browsers execute (HTML, SVG, XML, JavaScript). Needs the package `file-type`, unless all allowed types are text. Default: any
   * type.
   */
  readonly allow?: readonly string[] | undefined
  /** Maximum size of a file in bytes; a file of exactly this size is accepted. Default 10 MiB. */
  readonly maxSize?: number | undefined
  /** Maximum length of the stored name, in UTF-16 units. */
  readonly maxLength?: number | undefined
  /**
   * Options for saving the files: `overwrite`, `metadata`, `cacheControl` and so on. A request that fails later deletes the files that it
   * has overwritten.
   */
  readonly saveOptions?:
    | Omit<SaveOptions, 'signal' | 'maxLength' | 'maxSize' | 'contentType' | 'onProgress'>
    | undefined
}

/** Options for storing the files of a field of a form. */
export interface UploadFieldOptions<R = unknown> extends UploadOptions<R> {
  /** Maximum number of files in this field. Default 1. */
  readonly maxCount?: number | undefined
}

/** Limits of a whole form. A form beyond a limit is rejected with status 413, and none of its files stay stored. */
export interface UploadLimits {
  /** Maximum size of each file in bytes, where the field has no `maxSize`. Default 10 MiB. */
  readonly fileSize?: number | undefined
  /** Maximum number of files. Default 10. */
  readonly files?: number | undefined
  /** Maximum number of text fields. Default 100. */
  readonly fields?: number | undefined
  /** Maximum size of a text field's value in bytes. Default 64 KiB. */
  readonly fieldSize?: number | undefined
  /** Maximum size of a field's name in bytes. Default 100. */
  readonly fieldNameSize?: number | undefined
  /** Maximum number of parts, files and text fields together. Default 110. */
  readonly parts?: number | undefined
  /** Maximum size of the whole body in bytes. Default: no limit besides the others. */
  readonly totalSize?: number | undefined
}

/** A stored file. */
export interface UploadedFile {
  /** The field of the form. */
  readonly field: string
  /** The name in the storage. */
  readonly name: string
  /** The last part of the client's name, for display only. */
  readonly originalName: string
  /** The type from the name and the first bytes. */
  readonly contentType: string
  /** Size in bytes. */
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

/** Returns the limits with their defaults; an unknown name or a value of a wrong type is `invalid_argument`. */
export function checkedLimits(limits: UploadLimits = {}): CheckedLimits {
  checkKnownOptions('limits', limits, LIMIT_NAMES)
  const given = Object.entries(limits).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) checkCount(`limits.${name}`, value)
  return { ...LIMITS, ...Object.fromEntries(given) }
}

/** Rejects options with an unknown name or of a wrong type before anything is read. */
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
