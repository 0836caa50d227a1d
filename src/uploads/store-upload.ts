import { storageOf } from '../config/storage-option.ts'
import { isStorageError, messageOf } from '../core/errors.ts'
import { hasMissingValue, uploadName } from '../storage/upload-name.ts'
import { clientName, originalName } from './client-name.ts'
import { fileKind, HEAD_BYTES } from './file-kind.ts'
import { DEFAULT_FILE_SIZE, type UploadContext, type UploadedFile, type UploadOptions } from './options.ts'
import { UploadError } from './upload-error.ts'
import type { UploadSet } from './upload-set.ts'

/** A file of a form, as an adapter receives it. */
export interface IncomingFile<R> {
  readonly field: string
  /** As the client sent it. */
  readonly filename: string
  /** The bytes. The iteration ends only if the part was received completely, and fails in every other case. */
  readonly content: AsyncIterable<Uint8Array>
  /** The part's `Content-Transfer-Encoding`, where the adapter knows it. */
  readonly encoding?: string | undefined
  /** The value of a text field that has arrived, else undefined. */
  readonly text: (name: string) => string | undefined
  readonly request: R
}

/**
 * Stores one file of a form and records it in the set. Type and name are determined from the first 4,100 bytes, before the storage receives
 * any; the file appears after all bytes were received. An error of the client is an `UploadError`, and nothing is stored.
 */
export async function storeUpload<R>(
  file: IncomingFile<R>,
  options: UploadOptions<R>,
  uploads: UploadSet,
): Promise<UploadedFile> {
  const { field } = file
  const place = uploads.nextPlace()
  checkEncoding(field, file.encoding)
  const storage = storageOf(options.storage ?? 'default', `the uploads of '${field}'`)
  const counted = new CountedBytes(file, options.maxSize ?? DEFAULT_FILE_SIZE)
  const head = await counted.head()
  const kind = await fileKind(originalName(file.filename), head, options.allow)
  if (kind.refusal !== undefined) {
    const text = `'${field}' accepts ${options.allow!.join(', ')}; the file was rejected because ${kind.refusal}.`
    throw new UploadError('type_not_allowed', text, { field })
  }
  const { contentType } = kind
  const { uploadTo = '', saveOptions, maxLength } = options
  const filename = clientName(storage, file.filename)
  const naming = {
    uploadTo: typeof uploadTo === 'string' ? uploadTo : () => uploadTo(contextOf(file, filename, contentType)),
    filename,
    owner: field,
    check: (name: string) => refuseMissing(field, name, filename),
  }
  let name: string
  try {
    const wanted = await uploadName(storage, naming)
    name = await storage.save(wanted, counted.all(), { ...saveOptions, contentType, maxLength })
  } catch (error) {
    throw counted.failure ?? refusedName(error, field)
  }
  const stored = { field, name, originalName: originalName(file.filename), contentType, size: counted.size, storage }
  await uploads.add(stored, place)
  return stored
}

/** Refuses encoded bytes, which forms do not have (RFC 7578 section 4.7): they would be stored as they are. */
export function checkEncoding(field: string, encoding: string | undefined): void {
  if (encoding === undefined || !/^\s*(?:base64|quoted-printable)\s*$/i.test(encoding)) return
  const text = `The form is malformed: '${field}' has the Content-Transfer-Encoding ${encoding.trim()}.`
  throw new UploadError('malformed', text, { field })
}

function contextOf<R>(file: IncomingFile<R>, filename: string, contentType: string): UploadContext<R> {
  const { field, request } = file
  const text = (name: string): string => {
    const value = file.text(name)
    if (value !== undefined) return value
    const message = `uploadTo of '${field}' reads the text field '${name}', which has not arrived. Put text fields before files in the form, or name the file after the form is read.`
    throw new UploadError('missing_field', message, { field })
  }
  return { field, filename, contentType, text, request }
}

/** A name like `users/undefined/a.png` is an error of `uploadTo`, whatever value it has read. */
function refuseMissing(field: string, name: string, filename: string): void {
  if (!hasMissingValue(name, filename, false)) return
  const text = `uploadTo of '${field}' uses a missing value ('${name}').`
  throw new UploadError('missing_field', text, { field })
}

/** The bytes of a file, counted. The first ones are inspected before the others are requested. */
class CountedBytes {
  readonly #field: string
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #maxSize: number
  readonly #first: Uint8Array[] = []
  #isOver = false
  size = 0
  /** The error of the client. */
  failure: UploadError | undefined

  constructor({ field, content }: IncomingFile<never> | IncomingFile<unknown>, maxSize: number) {
    this.#field = field
    this.#chunks = content[Symbol.asyncIterator]()
    this.#maxSize = maxSize
  }

  /** Returns the first bytes: all of a shorter file. */
  async head(): Promise<Uint8Array> {
    while (this.size < HEAD_BYTES) {
      const chunk = await this.#next()
      if (chunk === undefined) break
      this.#first.push(chunk)
    }
    return Buffer.concat(this.#first).subarray(0, HEAD_BYTES)
  }

  /** Returns all bytes from the beginning. */
  async *all(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.#first.splice(0)
    for (;;) {
      const chunk = await this.#next()
      if (chunk === undefined) return
      yield chunk
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#isOver) return undefined
    try {
      const { done, value } = await this.#chunks.next()
      if (done === true) {
        this.#isOver = true
        return undefined
      }
      this.size += value.byteLength
      if (this.size <= this.#maxSize) return value
      const text = `The file of '${this.#field}' is larger than ${this.#maxSize} bytes (maxSize).`
      throw new UploadError('file_too_large', text, { field: this.#field })
    } catch (error) {
      this.failure = asUploadError(error, this.#field)
      throw this.failure
    }
  }
}

/** The error for a name that the storage rejects and that was made from client data. */
function refusedName(error: unknown, field: string): unknown {
  if (error instanceof UploadError || !isStorageError(error, 'suspicious_name')) return error
  return new UploadError('bad_name', `The file of '${field}' has no valid name: ${error.message}`, {
    field,
    cause: error,
  })
}

/** Returns the error of a part that was not received completely. */
function asUploadError(error: unknown, field: string): UploadError {
  if (error instanceof UploadError) return error
  const text = `The file of '${field}' was not received completely: ${messageOf(error)}`
  return new UploadError('aborted', text, { field, cause: error })
}
