import type { StorageOption } from '../config/storage-option.ts'
import type { CallOptions } from '../core/call.ts'
import { StorageError } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import { webSource } from './body-source.ts'
import { readForm, type StoredForm } from './form.ts'
import { boundaryOf } from './multipart.ts'
import {
  checkedLimits,
  checkUploadOptions,
  FIELD_OPTIONS,
  type UploadFieldOptions,
  type UploadLimits,
} from './options.ts'
import { UploadError } from './upload-error.ts'
import { UploadSet } from './upload-set.ts'

/** The files that a form may have, and where they are stored. */
export interface SaveUploadsOptions<R = unknown> extends CallOptions {
  /** The storage of fields without their own: an alias, a storage, or a function that returns one. Default: the storage `default`. */
  readonly storage?: StorageOption | undefined
  /** The file fields of the form, by name. A file in any other field is rejected; text fields need not be listed. */
  readonly fields: Readonly<Record<string, UploadFieldOptions<R>>>
  readonly limits?: UploadLimits | undefined
}

const OPTIONS: KnownOptions<SaveUploadsOptions> = { storage: true, fields: true, limits: true, signal: true }

/** A form whose files are stored. */
export interface Uploads extends StoredForm {
  /** Removes the stored files, for a handler that cannot use them. */
  discard(): Promise<void>
}

/**
 * Stores the files of a form (`multipart/form-data`) of a Web `Request`, as in Hono, Next.js, SvelteKit and Bun. Files are streamed: none
 * is held in memory. Returns the stored files in the order of the form, and its text fields.
 *
 * With a third argument, `saveUploads` returns what that handler returns. When the handler throws, or returns a `Response` with a status of
 * 400 or more, the files are removed again.
 *
 * An error of the client is an `UploadError`, whose `status` is the HTTP status of the answer: 400 for a malformed form, 413 beyond a
 * limit, 415 for a type that is not allowed. After any failure no file of the request stays, and the rest of the body is read (up to 64
 * MiB). An abort by `signal` ends the reading; a file that was received completely is stored first, and then removed. Needs
 * `@fastify/busboy`.
 * @example
 * const { files, fields } = await saveUploads(request, {
 *   storage: 'media',
 *   fields: { avatar: { uploadTo: 'avatars/%Y', allow: ['image/png', 'image/jpeg'], maxSize: 5_000_000 } },
 * })
 */
export function saveUploads(request: Request, options: SaveUploadsOptions<Request>): Promise<Uploads>
export function saveUploads<T>(
  request: Request,
  options: SaveUploadsOptions<Request>,
  handler: (uploads: Uploads) => T | Promise<T>,
): Promise<T>
export async function saveUploads<T>(
  request: Request,
  options: SaveUploadsOptions<Request>,
  handler?: (uploads: Uploads) => T | Promise<T>,
): Promise<T | Uploads> {
  const { fields, limits } = checkedForm(options)
  const boundary = boundaryOf(request.headers.get('content-type'))
  if (request.bodyUsed)
    throw new StorageError('invalid_argument', 'saveUploads: the body of the request was read before.')
  if (request.body === null) throw new UploadError('malformed', 'The form is malformed: the request has no body.')
  const uploads = new UploadSet()
  const source = webSource(request.body)
  const { signal } = options
  const form = await readForm({ source, boundary, fields, limits, request, signal }, uploads)
  return finished(form, uploads, handler)
}

/** Returns the form for the caller, or the result of its handler; the files of a handler that fails are removed. */
async function finished<T>(
  form: StoredForm,
  uploads: UploadSet,
  handler: ((uploads: Uploads) => T | Promise<T>) | undefined,
): Promise<T | Uploads> {
  const given: Uploads = { ...form, discard: () => uploads.discard() }
  if (handler === undefined) return given
  try {
    const result = await handler(given)
    if (result instanceof Response && result.status >= 400) await uploads.discard()
    return result
  } catch (error) {
    await uploads.discard()
    throw error
  }
}

/**
 * Returns the fields with the common storage, and the limits; options with an unknown name or of a wrong type are `invalid_argument` before
 * anything is read.
 */
export function checkedForm<R>({ signal: _, ...options }: SaveUploadsOptions<R>): {
  readonly fields: Readonly<Record<string, UploadFieldOptions<R>>>
  readonly limits: ReturnType<typeof checkedLimits>
} {
  checkKnownOptions('saveUploads', options, OPTIONS)
  const { storage, fields } = options
  if (typeof fields !== 'object' || fields === null) {
    throw new StorageError('invalid_argument', `saveUploads: fields: expected an object, got ${kindOf(fields)}.`)
  }
  const checked = Object.entries(fields).map(([name, field]) => {
    checkUploadOptions(`the field '${name}'`, field, FIELD_OPTIONS)
    return [name, { storage, ...field }] as const
  })
  return { fields: Object.fromEntries(checked), limits: checkedLimits(options.limits) }
}
