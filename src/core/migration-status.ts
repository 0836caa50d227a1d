/** A pass of a migration over all names: copies first, then the comparison, then deletions at the target. */
export type MigrationPass = 'copy' | 'verify' | 'delete'

/**
 * `running`; `interrupted`: no process works on it, and the next run continues; `done`: nothing waits, runs or waits for a retry, and no file
 * failed; `failed`: it has ended, and the ledger names what failed. Deletions that were held back are no failure: no retry would help.
 */
export type MigrationState = 'running' | 'interrupted' | 'done' | 'failed'

/** Why nothing was deleted. */
export type MigrationHeldBack = 'failures' | 'differences' | 'incomplete_source' | 'empty_source' | 'max_delete'

/** Number of files by what was done with them. */
export interface MigrationCounts {
  /** Source files processed by the copy pass. */
  readonly seen: number
  readonly copied: number
  /** Files that the target already had. */
  readonly unchanged: number
  /** Files older than `since`. */
  readonly skipped: number
  /** Files that failed, and still do. */
  readonly failed: number
  /** Files of the source processed by the verify pass, and how many of them differ or are missing. */
  readonly verified: number
  readonly different: number
  /** Files whose contents the verify pass compared, by digests or by reading; those of the others are known by size only. */
  readonly compared: number
  /** Equal files of the verify pass whose listings have no digest in common: their contents were read, or only the sizes compared. */
  readonly withoutDigest: number
  /** Those of which only the sizes were compared. */
  readonly sizeOnly: number
  /** Files that only the target has, and how many of them were deleted. */
  readonly extra: number
  readonly deleted: number
  /** Bytes copied. */
  readonly bytes: number
}

/** A process that works on a migration. */
export interface MigrationWorkerStatus {
  /** Host name and process id. */
  readonly name: string
  /** When it was last heard of. */
  readonly seenAt: Date
  readonly files: number
  readonly bytes: number
  readonly filesPerSec: number
  /** Why this process cannot work on the migration, such as a missing setting; others may. */
  readonly error?: string | undefined
}

/** The state of a migration, for people and programs; without secrets. */
export interface MigrationStatus {
  readonly id: string
  /** Both places as the command line names them. */
  readonly source: string
  readonly target: string
  readonly state: MigrationState
  readonly pass: MigrationPass
  readonly startedAt: Date
  readonly updatedAt: Date
  readonly finishedAt?: Date | undefined
  readonly counts: MigrationCounts
  /** Files and bytes of the source, as far as they were counted; `isComplete`: all of them were. */
  readonly total?: { readonly files: number; readonly bytes: number; readonly isComplete: boolean } | undefined
  /** Rates of the last minute, for files processed in the current pass and bytes copied. */
  readonly filesPerSec: number
  readonly bytesPerSec: number
  /** Estimated seconds to the end of the current pass; undefined if the total is unknown. */
  readonly etaSecs?: number | undefined
  /** Why nothing was deleted although deletions were wanted. */
  readonly heldBack?: MigrationHeldBack | undefined
  /** Whether listings of the source left out files that have no usable name, so that they may be missing at the target. */
  readonly hasLeftOut?: boolean | undefined
  /** Number of failed names by error code. */
  readonly failures: Readonly<Record<string, number>>
  /** Pages of names, where several processes share the work; `failed`: their retries are used up. */
  readonly pages?: { readonly waiting: number; readonly running: number; readonly failed: number } | undefined
  readonly workers?: readonly MigrationWorkerStatus[] | undefined
  /** Files per second to which all workers are limited, after the service asked to slow down. */
  readonly slowedTo?: number | undefined
}

/** Whether a migration has ended, every file is at the target as far as it was verified, and no deletion was held back. */
export function isMigrationDone({
  state,
  heldBack,
  hasLeftOut,
}: Pick<MigrationStatus, 'state' | 'heldBack' | 'hasLeftOut'>): boolean {
  return state === 'done' && heldBack === undefined && hasLeftOut !== true
}
