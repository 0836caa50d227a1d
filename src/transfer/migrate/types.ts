import type { StorageError } from '../../core/errors.ts'
import type { MigrationPass, MigrationStatus } from '../../core/migration-status.ts'
import type { LeftBehind } from '../../storage/carried-attributes.ts'
import type { PlacesOptions } from '../types.ts'

export type { LeftBehind }

/**
 * What the verify pass compares: `size` names, sizes, and digests where both listings have them; `sample` also the contents of 1 % of the
 * other files, at least 100, chosen at random; `full` the contents of all files.
 */
export type VerifyMode = 'full' | 'sample' | 'size'

/** What a migration does; it can be stored, and contains no secret. */
export interface MigrationPlan {
  readonly include?: readonly string[] | undefined
  readonly exclude?: readonly string[] | undefined
  readonly verify: VerifyMode | false
  /** Only files modified at or after this time are copied (ISO 8601). */
  readonly since?: string | undefined
  readonly delete: boolean
  readonly maxDelete?: number | undefined
  readonly allowEmptySource: boolean
  readonly times: boolean
  readonly visibility: boolean
}

/** Options of `migrate`. */
export interface MigrateOptions extends Omit<PlacesOptions, 'sizeOnly' | 'read'> {
  /** What is compared after the copies; default `size`. False: nothing. */
  readonly verify?: VerifyMode | false | undefined
  /** Only copies files that were modified at or after this time; the others are counted as skipped. Default: all. */
  readonly since?: Date | undefined
  /** Whether files that only the target has are deleted, after a verify pass that found no difference; default false. */
  readonly delete?: boolean | undefined
  /** Deletes nothing if more than this percentage of the target's files would be deleted; default 50. */
  readonly maxDelete?: number | undefined
  /** Whether `delete` may empty the target if the source is empty; default false. */
  readonly allowEmptySource?: boolean | undefined
  /** Whether modification times are set at the target, where both sides have them; default true. */
  readonly times?: boolean | undefined
  /** Whether the visibility of each file is set at the target, where both sides have it; default true. Costs a request for each file. */
  readonly visibility?: boolean | undefined
  /** Maximum number of bytes per second, read and sent; default: unlimited. */
  readonly bandwidth?: number | undefined
  /** Whether the files of the source are counted by a second listing, for an estimate of the time that is left; default false. */
  readonly count?: boolean | undefined
  /** Whether nothing is changed, and the events report what would be copied and deleted; default false. */
  readonly dryRun?: boolean | undefined
  /** A SQLite database of this machine that stores progress and failures, so that a run can be continued. Default: none. */
  readonly ledger?: string | undefined
  /** Whether an unfinished run in the ledger is abandoned and a new one begins; default false. */
  readonly restart?: boolean | undefined
  /** Names of both places for status and ledger; default: classes and folders. */
  readonly titles?: { readonly source: string; readonly target: string } | undefined
  /** A meter of OpenTelemetry, for counters of files, bytes and failures. */
  readonly meter?: MeterLike | undefined
  /** Called for each file that was copied, deleted or failed, and for each attribute that stays behind. An error that it throws ends the run. */
  readonly onEvent?: ((event: MigrateEvent) => void | Promise<void>) | undefined
  /** Called with the status, at most every 100 ms, and at the end. An error that it throws ends the run. */
  readonly onProgress?: ((status: MigrationStatus) => void) | undefined
}

/** Options of `retryFailures`. */
export interface RetryOptions
  extends Pick<
    MigrateOptions,
    | 'signal'
    | 'sourcePath'
    | 'targetPath'
    | 'foldsNames'
    | 'concurrency'
    | 'bandwidth'
    | 'meter'
    | 'onEvent'
    | 'onProgress'
  > {
  /** The ledger of the run whose files failed. */
  readonly ledger: string
}

/** The part of OpenTelemetry's `Meter` that is used. */
export interface MeterLike {
  createCounter(
    name: string,
    options?: { readonly description?: string; readonly unit?: string },
  ): { add(value: number, attributes?: Readonly<Record<string, string>>): void }
}

/**
 * The result for a file, or something to know beforehand. `failed` comes once for each file that has failed for good, at the end of the run;
 * `attemptFailed` at once, for each attempt, and a later attempt may succeed.
 */
export type MigrateEvent =
  | { readonly type: 'leftBehind'; readonly leftBehind: LeftBehind }
  | { readonly type: 'pass'; readonly pass: MigrationPass }
  | { readonly type: 'copied'; readonly name: string; readonly size: number }
  | { readonly type: 'deleted'; readonly name: string }
  | { readonly type: 'attemptFailed'; readonly name: string; readonly error: StorageError }
  | { readonly type: 'failed'; readonly name: string; readonly error: StorageError }

export type { MigrationHeldBack } from '../../core/migration-status.ts'

/** The result of a migration. */
export interface MigrationReport extends MigrationStatus {
  /** Files that failed, at most the first 1,000. The ledger names all of them. */
  readonly failedFiles: ReadonlyArray<{ readonly name: string; readonly code: string; readonly message: string }>
  /** Whether every file is at the target, as far as it was verified, and with `delete` no other. */
  readonly isDone: boolean
}
