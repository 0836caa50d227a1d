import type { ErrorCode, StorageError } from '../../core/errors.ts'
import type { CarriedAttributes } from '../../storage/carried-attributes.ts'
import type { Bandwidth } from './bandwidth.ts'
import type { Tally } from './tally.ts'

/** Limits how fast files are processed. */
export interface Pacer {
  /** Waits until the next file may be processed. */
  take(signal: AbortSignal): Promise<void>
  /** Lowers the rate: a service asked to slow down. */
  throttled(retryAfterMs: number | undefined): void
}

/** How a file was listed on both sides when its copy was known to be equal. */
export interface KnownStates {
  readonly source: string
  readonly target: string
  /** Whether this migration copied it, before it was interrupted. */
  readonly isOwn?: boolean | undefined
}

/** Receives the results of the work, and knows those of earlier work. */
export interface EngineHooks {
  readonly signal: AbortSignal
  /** Whether nothing is changed. */
  readonly dryRun?: boolean | undefined
  /** Number of source files that the copy pass has seen; the verify pass chooses its sample by it. */
  readonly seen?: number | undefined
  /**
   * Whether earlier work on these pairs may have ended between a copy and its attributes: the visibility of files that the target already
   * has is compared, which costs two requests for each of them.
   */
  readonly isRepeated?: boolean | undefined
  /** Called in the order of the pairs, when one is taken. */
  taken?(key: string): void
  /** Called when a pair is processed, in any order, with its counts. It is also called for a file that failed. */
  settled?(key: string, counts: Tally): void
  /** Returns the states that were stored when the file was copied; undefined if it was not, or nothing is stored. */
  known?(name: string): KnownStates | undefined
  /** A file was copied. The states are undefined where they are not known exactly. */
  copied?(name: string, size: number, states: KnownStates | undefined): void | Promise<void>
  /** The target already had a file. Not called where this was known before. */
  equal?(name: string, states: KnownStates): void | Promise<void>
  /**
   * A file failed; in the verify pass: it is missing at the target, or differs. `isRefused`: the target cannot have a file of this name, or
   * not beside another one.
   */
  failed(name: string, error: StorageError, isRefused: boolean): void | Promise<void>
  /** Whether a file failed with this code before, so that the failure shows nothing new about the service. */
  isExpected?(name: string, code: ErrorCode): boolean
  /**
   * A file that may have failed before is at the target. `isCompared`: it was copied, or its contents are known to be equal; otherwise the
   * verify pass knows only equal sizes, and the target may have the old file of a copy that failed.
   */
  mended?(name: string, isCompared: boolean): void | Promise<void>
  /** Called often, with the counts so far. */
  progress?(tally: Tally): void
}

/** Options of the work. */
export interface EngineOptions {
  /** Maximum number of files in parallel. */
  readonly concurrency: number
  readonly pacer?: Pacer | undefined
  /** Limits the bytes per second of all files. */
  readonly bandwidth?: Bandwidth | undefined
  /** Sets attributes that are not stored with the bytes, after a file was copied. */
  readonly carried?: CarriedAttributes | undefined
}
