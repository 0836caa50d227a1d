import type { CallContext } from '../core/call.ts'
import type { Stat, WriteOptions } from '../core/driver.ts'
import type { StorageError } from '../core/errors.ts'
import type { Bytes } from './checksums.ts'
import type { PartLimits, Piece } from './pieces.ts'

/** What is written. */
export interface UploadTarget {
  readonly key: string
  readonly options: WriteOptions
}

/** The creation of an upload, by this machine's clock in milliseconds. */
export interface Creation {
  /** When the first request was sent. */
  readonly since: number
  /** When the last request was over. */
  readonly until: number
  /** Requests that were sent. */
  readonly tries: number
  /** Whether an answer was lost, so that there may be an upload whose id nobody knows. */
  readonly lost: boolean
}

/** A `finish` that failed. */
export interface FailedFinish {
  readonly error: StorageError
  /** Whether the answer to any try was lost, so that it may have been carried out. */
  readonly lost: boolean
}

/** An upload that an earlier process has begun. */
export interface ResumedUpload<U, P> {
  readonly upload: U
  /** What the service has, in order and without a gap. */
  readonly parts: readonly P[]
  /** Bytes of these parts. */
  readonly offset: number
}

/**
 * The requests by which one service takes objects in parts. `U` is an upload that was begun, `P` what the service told of a part. The engine
 * (`writeObject`, `copyInRanges`) runs `put`, `begin`, `part` and `finish` as steps with their own retries; the others make their own steps.
 */
export interface PartProtocol<U, P, T extends UploadTarget = UploadTarget> {
  readonly limits: PartLimits
  /** Writes a whole object by one request. Absent: a small object is one part. */
  put?(target: T, body: Bytes, ctx: CallContext): Promise<Stat | undefined>
  /** Begins an upload. Nothing is visible before `finish`. */
  begin(target: T, ctx: CallContext): Promise<U>
  /**
   * Sends one part. Must be repeatable, unless `limits.sequential`: then it is repeated only with `stored`, and may be given a piece without
   * bytes, when all of them had arrived.
   */
  part(upload: U, piece: Piece, ctx: CallContext): Promise<P>
  /** Makes the object of its parts, which are in order. */
  finish(upload: U, parts: readonly P[], ctx: CallContext): Promise<Stat | undefined>
  /**
   * Removes what was sent; returns whether nothing is left of it. `mayBeDone`: `finish` may have been carried out, so that a service whose
   * objects refer to their parts has to leave them.
   */
  end(upload: U, state: { readonly mayBeDone: boolean }, ctx: CallContext): Promise<boolean>
  /** The id that the service gave the upload, for error messages. */
  idOf?(upload: U): string
  /** Bytes that the service has of a sequential upload; asked before a part is sent again. */
  stored?(upload: U, ctx: CallContext): Promise<number>
  /**
   * What came of a `finish` that failed: the upload is still there, the object is what the parts make, or neither. Absent: `finish` is only
   * repeated as any other request.
   */
  fate?(upload: U, parts: readonly P[], failure: FailedFinish, ctx: CallContext): Promise<'open' | 'done' | 'gone'>
  /** Whether a request failed because there is no such upload any more. */
  isGone?(error: unknown): boolean
  /**
   * Called when `begin` has succeeded, or has failed so that an upload may be there. Ends uploads that lost or repeated requests left behind;
   * `ended` settles with the work on the upload. The call does not wait for it, closing the storage does. Must not fail.
   */
  begun?(target: T, creation: Creation, ended: Promise<void>, ctx: CallContext): Promise<void>
  /** The text by which `resume` finds an upload that was begun. Absent: an upload ends with its process. */
  save?(upload: U, ctx: CallContext): Promise<string>
  /**
   * Finds an upload of the target by what `save` has returned, and asks what the service has of it; undefined where it is finished, ended or expired. The text is
   * foreign: `invalid_argument` for one that `save` cannot have returned.
   */
  resume?(target: T, saved: string, ctx: CallContext): Promise<ResumedUpload<U, P> | undefined>
  /** As `end`, where that leaves an upload that could be resumed. */
  cancel?(upload: U, ctx: CallContext): Promise<boolean>
}
