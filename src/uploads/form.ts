import { onAbort } from '../core/abort.ts'
import { abortedError } from '../core/errors.ts'
import type { BodySource, MultipartPart } from './multipart.ts'
import { loadParser, MultipartReader } from './multipart.ts'
import type { CheckedLimits, UploadedFile, UploadFieldOptions } from './options.ts'
import { checkEncoding, storeUpload } from './store-upload.ts'
import { UploadError } from './upload-error.ts'
import type { UploadSet } from './upload-set.ts'

/** A form to be read and stored. */
export interface FormRequest<R> {
  readonly source: BodySource
  readonly boundary: string
  /** The file fields of the form; files in other fields are rejected. */
  readonly fields: Readonly<Record<string, UploadFieldOptions<R>>>
  readonly limits: CheckedLimits
  readonly request: R
  readonly signal?: AbortSignal | undefined
}

/** A form that was read to its end. */
export interface StoredForm {
  readonly files: readonly UploadedFile[]
  readonly fields: URLSearchParams
}

/**
 * Reads a form and stores its files while they arrive. After any failure the files of this form are removed, the rest of the body is read
 * and discarded, and then the error is thrown.
 */
export async function readForm<R>(form: FormRequest<R>, uploads: UploadSet): Promise<StoredForm> {
  const { signal } = form
  const reader = new MultipartReader(await loadParser(), form.source, form.boundary, form.limits)
  const isAborted = (): boolean => signal?.aborted === true
  const stop = (): void => reader.fail(new UploadError('aborted', 'The call was aborted.', { cause: signal?.reason }))
  const release = signal === undefined ? undefined : onAbort(signal, stop)
  if (isAborted()) stop()
  const reading = new FormReading(form, uploads)
  try {
    for (;;) {
      const part = await reader.next()
      if (part === undefined) return reading.result()
      await reading.take(part)
    }
  } catch (error) {
    if (isAborted()) reader.cancel()
    await Promise.all([uploads.discard(), isAborted() ? undefined : reader.drain()])
    throw isAborted() ? abortedError({ operation: 'saveUploads' }, signal?.reason) : error
  } finally {
    release?.()
  }
}

/** The state of a form that is being read. */
class FormReading<R> {
  readonly #form: FormRequest<R>
  readonly #uploads: UploadSet
  readonly #texts = new URLSearchParams()
  readonly #counts = new Map<string, number>()
  readonly #files: UploadedFile[] = []
  #received = 0
  #fieldCount = 0

  constructor(form: FormRequest<R>, uploads: UploadSet) {
    this.#form = form
    this.#uploads = uploads
  }

  result(): StoredForm {
    return { files: this.#files, fields: this.#texts }
  }

  async take({ name, filename, encoding, content }: MultipartPart): Promise<void> {
    if (filename === undefined) {
      checkEncoding(name, encoding)
      return this.#text(name, content)
    }
    // What browsers send for a file input that was left empty.
    if (filename === '') return refuseBytes(name, content)
    const { fields, limits, request } = this.#form
    const options = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (options === undefined) {
      throw new UploadError('unexpected_file', `The form has a file in '${name}', which accepts none.`, { field: name })
    }
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, count)
    const { maxCount = 1, maxSize = limits.fileSize } = options
    if (count > maxCount || ++this.#received > limits.files) {
      const text =
        count > maxCount ? `'${name}' takes at most ${maxCount} files` : `The form takes at most ${limits.files} files`
      throw new UploadError('too_many_files', `${text}.`, { field: name })
    }
    const text = (field: string): string | undefined => this.#texts.get(field) ?? undefined
    const file = { field: name, filename, encoding, content, text, request }
    this.#files.push(await storeUpload(file, { ...options, maxSize }, this.#uploads))
  }

  async #text(name: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const { fields, fieldSize } = this.#form.limits
    if (++this.#fieldCount > fields) {
      throw new UploadError('too_many_fields', `The form has more than ${fields} text fields.`, { field: name })
    }
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of content) {
      size += chunk.byteLength
      if (size > fieldSize) {
        throw new UploadError('field_too_large', `'${name}' is longer than ${fieldSize} bytes.`, { field: name })
      }
      chunks.push(chunk)
    }
    this.#texts.append(name, new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(chunks)))
  }
}

async function refuseBytes(name: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of content) {
    if (chunk.byteLength > 0) throw new UploadError('bad_name', `The file of '${name}' has no name.`, { field: name })
  }
}
