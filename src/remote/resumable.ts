import type { CallContext } from '../core/call.ts'
import type { PartialUpload, ResumableUploads, SavedUpload, WantedParts } from '../core/direct-uploads.ts'
import type { Stat, WriteOptions } from '../core/driver.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { detached } from './aftermath.ts'
import type { PartPlan } from './part-plan.ts'
import type { PartProtocol, ResumedUpload, UploadTarget } from './part-protocol.ts'
import { begin, finish, sendPiece } from './part-upload.ts'
import { partSizeFor } from './pieces.ts'

/** How one key is written in parts. */
export interface ResumablePlan<U, P, T extends UploadTarget> {
  readonly protocol: PartProtocol<U, P, T>
  readonly target: T
  readonly plan: PartPlan
  /** Called after the file was made. */
  readonly finished?: ((ctx: CallContext) => Promise<void>) | undefined
  /** Called when `finish` has failed; returns the error to throw. */
  readonly failed?: ((error: unknown, ctx: CallContext) => unknown) | undefined
}

/** A backend's part of resumable uploads. */
export interface ResumableHost<U, P, T extends UploadTarget> {
  plan(key: string, options: WriteOptions, ctx: CallContext): Promise<ResumablePlan<U, P, T>>
  /** Returns a text that is equal for two storages of the same place. */
  place(key: string, ctx: CallContext): Promise<string>
}

type Resumable<U, P, T extends UploadTarget> = PartProtocol<U, P, T> &
  Required<Pick<PartProtocol<U, P, T>, 'save' | 'resume'>>

/** Uploads that other processes can continue, for a `PartProtocol` that has `save` and `resume`. */
export function resumableUploads<U, P, T extends UploadTarget>(
  host: ResumableHost<U, P, T>,
): ResumableUploads<WriteOptions, Stat> {
  return {
    place: (key, ctx) => host.place(key, ctx),
    async begin(key, options, sizes, ctx) {
      const how = await host.plan(key, options, ctx)
      const protocol = resumable(how.protocol)
      const { promise: known, resolve } = Promise.withResolvers<void>()
      const upload = await begin(protocol, how.target, how.plan, known, ctx)
      const id = protocol.idOf?.(upload)
      if (id !== undefined) how.plan.uploads.ids.add(id)
      resolve()
      const saved = { id: await protocol.save(upload, ctx) }
      return new PartsUpload(how, { upload, parts: [], offset: 0 }, saved, sizes)
    },
    async resume(key, options, saved, sizes, ctx) {
      const how = await host.plan(key, options, ctx)
      const protocol = resumable(how.protocol)
      const found = await protocol.resume(how.target, saved.id, ctx)
      if (found === undefined) throw goneError(key)
      const id = protocol.idOf?.(found.upload)
      if (id !== undefined) how.plan.uploads.ids.add(id)
      return new PartsUpload(how, found, saved, sizes)
    },
  }
}

function resumable<U, P, T extends UploadTarget>(protocol: PartProtocol<U, P, T>): Resumable<U, P, T> {
  const { save, resume } = protocol
  if (save !== undefined && resume !== undefined) return protocol as Resumable<U, P, T>
  throw new StorageError('unsupported', 'This service has no uploads that another process can continue.')
}

/** The error of an upload that no longer exists. */
export function goneError(key: string, cause?: unknown): StorageError {
  const text = `The upload of '${key}' no longer exists: it was completed, cancelled, or has expired.`
  return new StorageError('not_found', text, { cause })
}

/** The error of a text that is not an id of an upload. */
export function notAnId(): StorageError {
  return new StorageError('invalid_argument', 'token: it does not name an upload of this service.')
}

/** One upload with the requests of a `PartProtocol`. */
class PartsUpload<U, P, T extends UploadTarget> implements PartialUpload<Stat> {
  readonly saved: SavedUpload
  readonly partSize: number
  readonly minPart: number
  readonly align: number
  readonly holdsLast: boolean
  readonly #how: ResumablePlan<U, P, T>
  readonly #upload: U
  readonly #parts: P[]
  #offset: number
  /** Whether a part has failed whose bytes may have arrived. */
  #isDoubtful = false
  /** Whether `finish` may have been carried out. */
  #mayBeDone = false

  constructor(
    how: ResumablePlan<U, P, T>,
    { upload, parts, offset }: ResumedUpload<U, P>,
    saved: SavedUpload,
    { size, partSize = how.plan.partSize }: WantedParts,
  ) {
    const { limits } = how.protocol
    this.#how = how
    this.#upload = upload
    this.#parts = [...parts]
    this.#offset = offset
    this.saved = saved
    this.partSize = partSizeFor(size, partSize, limits)
    this.minPart = limits.uniform === true ? this.partSize : Math.max(1, limits.minPart)
    this.align = limits.align ?? 1
    this.holdsLast = limits.sequential === true
  }

  get offset(): number {
    return this.#offset
  }

  async append(chunks: readonly Uint8Array[], last: boolean, ctx: CallContext): Promise<void> {
    const { protocol, plan } = this.#how
    const { limits } = protocol
    const size = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
    // Parts without bytes are not sent, except in a sequential upload, which marks its last part, and not for an empty file.
    if (size === 0 && (limits.sequential !== true || this.#isEmpty)) return
    if (size > 0 && this.#parts.length >= limits.maxParts) {
      throw new StorageError(
        'too_large',
        `The content needs more than ${limits.maxParts} parts; open the upload with a larger partSize.`,
      )
    }
    const piece = { number: this.#parts.length + 1, offset: this.#offset, size, last, chunks }
    const isDoubtful = this.#isDoubtful
    this.#isDoubtful = true
    const part = await plan.uploads
      .run(ctx, inner => sendPiece(protocol, this.#upload, piece, inner, isDoubtful))
      .catch(error => this.#failed(error, ctx))
    this.#isDoubtful = false
    this.#parts.push(part)
    this.#offset += size
  }

  async finish(ctx: CallContext): Promise<Stat | undefined> {
    const { protocol, target, plan, finished } = this.#how
    const { uploads } = plan
    let stat: Stat | undefined
    try {
      stat = await uploads.run(ctx, async inner => {
        await plan.beforeFinish?.(inner)
        if (!this.#isEmpty) {
          this.#mayBeDone = true
          return finish(protocol, this.#upload, this.#parts, target, plan, inner)
        }
        const { put } = protocol
        const written = await inner.step('putObject', plan.repeat.put, step => put!.call(protocol, target, EMPTY, step))
        await this.#remove(detached(ctx))
        return written
      })
    } catch (error) {
      if (isStorageError(error) && error.outcome === 'not_applied') this.#mayBeDone = false
      return this.#failed(error, ctx)
    }
    this.#forget()
    await finished?.(ctx)
    return stat
  }

  async end(ctx: CallContext): Promise<void> {
    const isGone = await this.#how.plan.uploads.keep(this.#remove(detached(ctx)))
    if (isGone) return this.#forget()
    const text = 'The uploaded bytes could not be removed. Try again later.'
    throw new StorageError('unavailable', text, { outcome: 'unknown' })
  }

  /** Whether the file has no bytes, and the service can write it with one request. */
  get #isEmpty(): boolean {
    return this.#offset === 0 && this.#how.protocol.put !== undefined
  }

  /** The id stays among the known ones, so that closing the storage does not remove the upload as left behind. */
  release(): void {}

  #remove(ctx: CallContext): Promise<boolean> {
    const { protocol } = this.#how
    const end = protocol.cancel?.(this.#upload, ctx) ?? protocol.end(this.#upload, { mayBeDone: this.#mayBeDone }, ctx)
    return end.catch(error => {
      if (protocol.isGone?.(error)) return true
      throw error
    })
  }

  #forget(): void {
    const { protocol, plan } = this.#how
    const id = protocol.idOf?.(this.#upload)
    if (id !== undefined) plan.uploads.ids.delete(id)
  }

  async #failed(error: unknown, ctx: CallContext): Promise<never> {
    const { protocol, target, failed } = this.#how
    if (protocol.isGone?.(error)) throw goneError(target.key, error)
    throw failed === undefined ? error : await failed(error, ctx)
  }
}

const EMPTY = Buffer.alloc(0)
