import type { CallContext } from '../core/call.ts'
import type { Stat, WriteOptions } from '../core/driver.ts'
import type { StorageError } from '../core/errors.ts'
import type { Bytes } from './checksums.ts'
import type { PartLimits, Piece } from './pieces.ts'

/** The target of an upload. */
export interface UploadTarget {
  readonly key: string
  readonly options: WriteOptions
}

/** The creation of an upload, by this machine's clock in milliseconds. */
export interface Creation {
  /** When the first request was sent. */
  readonly since: number
  /** When the last request ended. */
  readonly until: number
  /** Number of requests that were sent. */
  readonly tries: number
  /** Whether an answer was lost, so that there may be an upload whose id is unknown. */
  readonly lost: boolean
}

/** A `finish` that failed. */
export interface FailedFinish {
  readonly error: StorageError
  /** Whether the answer to any try was lost, so that the request may have been carried out. */
  readonly lost: boolean
}

/** An upload that an earlier process began. */
export interface ResumedUpload<U, P> {
  readonly upload: U
  /** The parts that the service has, in order and without a gap. */
  readonly parts: readonly P[]
  /** Bytes of these parts. */
  readonly offset: number
}

/**
 * The requests of one service to write objects in parts. `U` is an upload in progress, `P` the service's answer for a part. The engine
 * (`writeObject`, `copyInRanges`) runs `put`, `begin`, `part` and `finish` as steps with their own retries; the other methods run their own
 * steps.
 */
export interface PartProtocol<U, P, T extends UploadTarget = UploadTarget> {
  readonly limits: PartLimits
  /** Writes a whole object with one request. Absent: a small object is one part. */
  put?(target: T, body: Bytes, ctx: CallContext): Promise<Stat | undefined>
  /** Begins an upload. The object is not visible before `finish`. */
  begin(target: T, ctx: CallContext): Promise<U>
  /**
   * Sends one part. It must be repeatable, unless `limits.sequential` is set: then it is repeated only with `stored`, and may receive a
   * piece without bytes if all of them had arrived.
   */
  part(upload: U, piece: Piece, ctx: CallContext): Promise<P>
  /** Makes the object from its parts, which are in order. */
  finish(upload: U, parts: readonly P[], ctx: CallContext): Promise<Stat | undefined>
  /**
   * Removes what was sent; returns whether nothing remains. `mayBeDone`: `finish` may have been carried out, so a service whose objects
   * refer to their parts must keep them.
   */
  end(upload: U, state: { readonly mayBeDone: boolean }, ctx: CallContext): Promise<boolean>
  /** The service's id of the upload, for error messages. */
  idOf?(upload: U): string
  /** Number of bytes that the service has of a sequential upload. Called before a part is sent again. */
  stored?(upload: U, ctx: CallContext): Promise<number>
  /**
   * Finds the result of a `finish` that failed: the upload still exists, the object consists of the parts, or neither. Absent: `finish` is
   * repeated like any other request.
   */
  fate?(upload: U, parts: readonly P[], failure: FailedFinish, ctx: CallContext): Promise<'open' | 'done' | 'gone'>
  /** Whether a request failed because the upload no longer exists. */
  isGone?(error: unknown): boolean
  /**
   * Called when `begin` has succeeded, or has failed but may have created an upload. Ends uploads that lost or repeated requests left
   * behind; `ended` settles with the work on the upload. The call does not wait for it, but closing the storage does. Must not fail.
   */
  begun?(target: T, creation: Creation, ended: Promise<void>, ctx: CallContext): Promise<void>
  /** The text that `resume` needs to find the upload. Absent: an upload ends with its process. */
  save?(upload: U, ctx: CallContext): Promise<string>
  /**
   * Finds an upload of the target by the text from `save`, and requests what the service has of it. Returns undefined if the upload is
   * finished, ended or expired. The text is untrusted: `invalid_argument` if `save` cannot have returned it.
   */
  resume?(target: T, saved: string, ctx: CallContext): Promise<ResumedUpload<U, P> | undefined>
  /** Like `end`, for a service whose `end` leaves an upload that could be resumed. */
  cancel?(upload: U, ctx: CallContext): Promise<boolean>
}
