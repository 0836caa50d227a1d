import { ATTRIBUTE_OPTIONS } from '../core/attributes.ts'
import type { CallOptions } from '../core/call.ts'
import type { DirectUpload, DirectUploadLimits } from '../core/direct-uploads.ts'
import type { FileAttributes, WriteOptions } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import type { AnyBase } from './base.ts'
import { attributesOnly } from './write.ts'

/** Options of `uploadTarget`. */
export interface UploadTargetOptions extends CallOptions, FileAttributes, Partial<DirectUploadLimits> {
  /** Options of this backend only; see its page. */
  readonly extra?: WriteOptions['extra']
}

const UPLOAD_TARGET_OPTIONS: KnownOptions<UploadTargetOptions> = {
  signal: true,
  ...ATTRIBUTE_OPTIONS,
  expiresInSecs: true,
  maxSize: true,
  extra: true,
}

/** Default time in seconds within which the upload must begin. */
const LIFE_SECS = 3600

/**
 * Returns the request by which a client uploads one file; see `Storage#uploadTarget`. `remedy` states what to set where the backend has
 * none.
 */
export async function uploadTargetOf(
  storage: AnyBase,
  name: string,
  options: UploadTargetOptions,
  remedy: string,
): Promise<DirectUpload> {
  checkKnownOptions('uploadTarget', options, UPLOAD_TARGET_OPTIONS)
  const { signal, expiresInSecs = LIFE_SECS, maxSize } = options
  const { calls } = storage
  calls.begin('uploadTarget', name, options, true)
  const details = { fileName: name, operation: 'uploadTarget' }
  if (maxSize !== undefined && !(Number.isSafeInteger(maxSize) && maxSize >= 0)) {
    throw new StorageError('invalid_argument', `maxSize: expected a number of bytes, got ${maxSize}.`, details)
  }
  if (!(Number.isInteger(expiresInSecs) && expiresInSecs > 0)) {
    const text = `expiresInSecs: expected a whole number of seconds above 0, got ${expiresInSecs}.`
    throw new StorageError('invalid_argument', text, details)
  }
  const ref = storage.newRef(name)
  const { driver } = calls
  if (driver.uploadTarget === undefined) {
    const text = `${storage.constructor.name} cannot let a client upload by itself: ${remedy}.`
    throw new StorageError('unsupported', text, details)
  }
  // The client sends the bytes directly to the service, so the options that transform or observe them have no effect.
  const write = calls.checked('uploadTarget', name, () => storage.writeOptions(ref, attributesOnly, options))
  return calls.local('uploadTarget', ref, { signal }, ctx =>
    driver.uploadTarget!(ref.key, write, { expiresInSecs, maxSize }, ctx),
  )
}
