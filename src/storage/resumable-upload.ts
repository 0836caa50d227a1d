import { onAbort } from '../core/abort.ts'
import type { CallContext, CallOptions, FileRef } from '../core/call.ts'
import { type ContentSource, contentChunks, toContent, viewBytes } from '../core/content.ts'
import type { PartialUpload } from '../core/direct-uploads.ts'
import type { Stat } from '../core/driver.ts'
import { progressError, StorageError } from '../core/errors.ts'
import type { CallRunner } from './call-runner.ts'
import { PartBuffer } from './part-buffer.ts'
import type { OnProgress } from './types.ts'
import { type UploadRecord, uploadToken } from './upload-token.ts'

/** Options of `ResumableUpload#write`. */
export interface UploadWriteOptions extends CallOptions {
  /** Offset of the bytes in the file; an offset other than `position` is `invalid_argument`. */
  readonly offset?: number | undefined
}

/** Options of `ResumableUpload#send`. */
export interface UploadSendOptions extends CallOptions {
  /**
   * Offset of the content's first byte in the file; default: `position`. With 0 the content is the whole file, and the bytes that the
   * upload already has are skipped.
   */
  readonly start?: number | undefined
  /** Called when parts are stored, with the number of bytes that are stored or wait in memory. */
  readonly onProgress?: OnProgress | undefined
}

/** The state of a paused upload. */
export interface PausedUpload {
  readonly token: string
  /** Number of bytes that the service has: the next process sends the content from this offset. */
  readonly offset: number
}

/**
 * An upload in parts, from `Storage#openUpload`, or from `Storage#resumeUpload` in another process. It holds at most one part in memory.
 * Each method call waits for the calls before it. The file is not visible before `complete`.
 */
export class ResumableUpload implements AsyncDisposable {
  /** The name that the file gets. */
  readonly name: string
  /**
   * Text for `resumeUpload`, to be kept in a session, a cookie, or a database row. It contains no keys and no password, but a client that
   * has it and the storage's configuration can add to the upload. For Google Cloud Storage it contains the address of the session, which
   * accepts bytes without other credentials.
   */
  readonly token: string
  readonly #calls: CallRunner
  readonly #ref: FileRef
  readonly #part: PartialUpload<Stat>
  readonly #record: UploadRecord
  readonly #buffer = new PartBuffer()
  #last: Promise<unknown> = Promise.resolve()
  #state: 'open' | 'complete' | 'cancelled' = 'open'
  #sending: AbortController | undefined
  /** Whether the last part was sent, so that only the completion is missing. */
  #isWhole = false

  constructor(calls: CallRunner, ref: FileRef, part: PartialUpload<Stat>, record: UploadRecord) {
    this.name = ref.name
    this.token = uploadToken(record)
    this.#calls = calls
    this.#ref = ref
    this.#part = part
    this.#record = record
  }

  /** Number of bytes that the service has: another process continues from this offset. */
  get offset(): number {
    return this.#part.offset
  }

  /** Number of bytes that were written: those that the service has, and those that wait in memory for the rest of their part. */
  get position(): number {
    return this.offset + this.#buffer.size
  }

  /** Bytes of each part except the last one. */
  get partSize(): number {
    return this.#part.partSize
  }

  /**
   * Adds bytes; resolves when all whole parts of them are stored. Bytes beyond `maxSize` are `too_large`, bytes beyond `size` are
   * `invalid_argument`; in both cases none of the call's bytes is accepted. After a failure, write again from `position`.
   */
  async write(chunk: Uint8Array | string, options: UploadWriteOptions = {}): Promise<void> {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : viewBytes(chunk)
    await this.#queued(() => this.#add(bytes, options))
  }

  /**
   * Adds content of any type that `save` takes. Resolves when all of it is accepted; a remainder smaller than a part waits for `complete`.
   * After an error, and after `pause`, which ends it with `aborted`, continue from `position` or `offset`.
   * @example
   * const upload = await storage.resumeUpload(token)
   * await upload.send(createReadStream(path, { start: upload.position }), { onProgress: ({ loaded }) => show(loaded) })
   */
  async send(source: ContentSource, { start, onProgress, signal }: UploadSendOptions = {}): Promise<void> {
    if (this.#sending !== undefined) throw this.#invalid('send: another send is under way; wait for it, or pause.')
    const content = toContent(source)
    const from = start ?? this.position
    if (!Number.isSafeInteger(from) || from < 0 || from > this.position) {
      throw this.#invalid(`start: expected 0 to ${this.position}, which is how far the upload is, got ${from}.`)
    }
    const total = content.size === undefined ? this.#record.size : from + content.size
    const controller = new AbortController()
    const unlink = signal === undefined ? undefined : onAbort(signal, () => controller.abort(signal.reason))
    if (signal?.aborted) controller.abort(signal.reason)
    this.#sending = controller
    const ctx: CallContext = this.#calls.context({ signal: controller.signal })
    let skip = this.position - from
    try {
      await this.#calls.guard('send', this.name, { signal: controller.signal }, async () => {
        for await (const chunk of contentChunks(content, ctx)) {
          const rest = chunk.subarray(Math.min(skip, chunk.byteLength))
          skip -= chunk.byteLength - rest.byteLength
          if (rest.byteLength === 0) continue
          await this.#queued(() => this.#add(rest, { signal: controller.signal }))
          report(onProgress, this.position, total)
        }
      })
      if (skip > 0)
        throw this.#invalid(`The content ends ${skip} bytes before the position that the upload has reached.`)
    } finally {
      this.#sending = undefined
      unlink?.()
    }
  }

  /**
   * Stops a `send`, stores the bytes that can be sent as a part, and discards the rest: services accept no small parts in the middle. The
   * upload stays. Continue from `offset` with this object, or with `resumeUpload(token)` in another process.
   */
  async pause(options: CallOptions = {}): Promise<PausedUpload> {
    this.#sending?.abort(new StorageError('aborted', 'The upload was paused.', { outcome: 'not_applied' }))
    return this.#queued(async () => {
      const size = this.#buffer.sendable(this.#part)
      if (size > 0) await this.#send(size, false, options)
      this.#buffer.drop(this.#buffer.size)
      return { token: this.token, offset: this.offset }
    })
  }

  /**
   * Stores the file with all bytes that were written, and returns its name. The file is visible from then on and replaces an older one.
   * Fewer bytes than the `size` of `openUpload` are `invalid_argument`, and the upload stays open. A condition that fails is `exists` or
   * `precondition_failed`; call `cancel` then.
   */
  async complete(options: CallOptions = {}): Promise<string> {
    return this.#queued(async () => {
      const { size } = this.#record
      if (size !== undefined && size !== this.position) {
        throw this.#invalid(`complete: the upload has ${this.position} of ${size} bytes.`)
      }
      if (!this.#isWhole) await this.#send(this.#buffer.size, true, options)
      this.#isWhole = true
      await this.#run('completeUpload', options, ctx => this.#part.finish(ctx))
      this.#state = 'complete'
      return this.name
    })
  }

  /** Removes the bytes that were sent; an existing file of the name stays. Does nothing after `complete` or an earlier `cancel`. */
  async cancel(options: CallOptions = {}): Promise<void> {
    this.#sending?.abort(new StorageError('aborted', 'The upload was cancelled.', { outcome: 'not_applied' }))
    const before = this.#last
    await before
    if (this.#state !== 'open') return
    await this.#queued(async () => {
      await this.#run('cancelUpload', options, ctx => this.#part.end(ctx))
      this.#buffer.drop(this.#buffer.size)
      this.#state = 'cancelled'
    })
  }

  /**
   * Discards the bytes that wait in memory. An upload that was neither completed nor cancelled stays at the service, for `resumeUpload`.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#sending?.abort(new StorageError('aborted', 'The upload was disposed of.', { outcome: 'not_applied' }))
    await this.#last
    this.#buffer.drop(this.#buffer.size)
    this.#part.release()
  }

  async #add(bytes: Uint8Array, { offset, signal }: UploadWriteOptions): Promise<void> {
    const { position } = this
    const { maxSize, size } = this.#record
    if (offset !== undefined && offset !== position) {
      throw this.#invalid(`offset: the upload continues at byte ${position}, not at ${offset}.`)
    }
    if (this.#isWhole) throw this.#invalid('The last part was sent: only complete() or cancel() can follow.')
    const end = position + bytes.byteLength
    if (maxSize !== undefined && end > maxSize) {
      throw new StorageError('too_large', `The content is larger than ${maxSize} bytes.`, { fileName: this.name })
    }
    if (size !== undefined && end > size)
      throw this.#invalid(`The upload has ${size} bytes; the content goes to ${end}.`)
    for (let rest = bytes; rest.byteLength > 0; ) {
      // A part that failed before is still in the buffer.
      if (this.#buffer.size >= this.partSize) await this.#send(this.partSize, false, { signal })
      rest = this.#buffer.take(rest, this.partSize)
    }
    if (this.#buffer.size >= this.partSize && !this.#part.holdsLast) await this.#send(this.partSize, false, { signal })
  }

  async #send(size: number, last: boolean, options: CallOptions): Promise<void> {
    await this.#run('uploadPart', options, ctx => this.#part.append(this.#buffer.first(size), last, ctx))
    this.#buffer.drop(size)
  }

  #run<T>(operation: string, { signal }: CallOptions, work: (ctx: CallContext) => Promise<T>): Promise<T> {
    return this.#calls.run(operation, this.#ref, { signal, repeat: false }, work)
  }

  /** Runs work after all earlier calls have ended, whatever their result. */
  #queued<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#state !== 'open') throw this.#ended()
      return work()
    })
    this.#last = result.catch(() => undefined)
    return result
  }

  #ended(): StorageError {
    const text = this.#state === 'complete' ? 'The upload is complete.' : 'The upload was cancelled.'
    return new StorageError('closed', text, { fileName: this.name })
  }

  #invalid(text: string): StorageError {
    return new StorageError('invalid_argument', text, { fileName: this.name })
  }
}

function report(onProgress: OnProgress | undefined, loaded: number, total: number | undefined): void {
  try {
    onProgress?.({ loaded, total })
  } catch (error) {
    throw progressError(error, 'not_applied')
  }
}
