import type { CallOptions } from '../core/call.ts'
import type { StorageError } from '../core/errors.ts'

/**
 * How the contents of two files were compared: the record of the last run, digests of both listings, a digest of one listing and the bytes
 * of the other file, the bytes of both files, or the size alone.
 */
export type Basis = 'record' | 'listing' | 'oneRead' | 'bothRead' | 'size'

/** Number of files by what was compared. */
export type Compared = Readonly<Record<Basis, number>>

/** Options that select the files of two places. */
export interface PlacesOptions extends CallOptions {
  /** Folder of the source; default: the whole storage. */
  readonly sourcePath?: string | undefined
  /** Folder of the target; default: the whole storage. */
  readonly targetPath?: string | undefined
  /** Glob patterns of the names that take part, on both sides; default: all. `*.html` is every page, `/*.html` those at the top, `fonts/` a folder. */
  readonly include?: readonly string[] | undefined
  /** Glob patterns of the names that do not take part, on both sides. */
  readonly exclude?: readonly string[] | undefined
  /** Maximum number of files in parallel; default 16. */
  readonly concurrency?: number | undefined
  /** Whether only sizes are compared; default false. */
  readonly sizeOnly?: boolean | undefined
  /** Whether bytes are read where the listings have no comparable digest; default true. Otherwise only the sizes of these files are compared. */
  readonly read?: boolean | undefined
  /** Whether the target treats names that differ only in letter case or Unicode form as the same name. Default: detected. */
  readonly foldsNames?: boolean | undefined
}

/** Options of `sync`. */
export interface SyncOptions extends PlacesOptions {
  /** Whether files that only the target has are deleted, at the end, and only if every copy succeeded; default false. */
  readonly delete?: boolean | undefined
  /** Deletes nothing if more than this percentage of the target's files would be deleted; default 50. */
  readonly maxDelete?: number | undefined
  /** Whether `delete` may empty the target if the source is empty; default false. */
  readonly allowEmptySource?: boolean | undefined
  /** Whether `delete` also deletes files that `include` and `exclude` leave out; default false. */
  readonly deleteExcluded?: boolean | undefined
  /** Whether the contents of files of equal size are always compared, by digests or by their bytes; default false. */
  readonly checksum?: boolean | undefined
  /** Whether nothing is changed, and the events report the changes that would be made; default false. */
  readonly dryRun?: boolean | undefined
  /**
   * A file of this machine that stores how both sides were listed when they were equal, so that the next run need not compare contents
   * again. The run creates and replaces it; a damaged one is ignored. Default: none.
   */
  readonly record?: string | undefined
  /** Called for each file that was copied, deleted, or failed. An error that it throws ends the run. */
  readonly onEvent?: ((event: SyncEvent) => void | Promise<void>) | undefined
  /** Called with the counts during the run. */
  readonly onProgress?: ((progress: SyncProgress) => void) | undefined
}

/** The progress of a run. */
export interface SyncProgress {
  /** Number of source files processed. */
  readonly checked: number
  readonly copied: number
  readonly unchanged: number
  readonly deleted: number
  readonly failed: number
  /** Number of bytes copied. */
  readonly bytes: number
}

/** The result for a file. */
export type SyncEvent =
  | { readonly type: 'copied'; readonly name: string; readonly size: number }
  | { readonly type: 'deleted'; readonly name: string }
  | { readonly type: 'failed'; readonly name: string; readonly error: StorageError }

/** Why nothing was deleted. */
export type HeldBack = 'failures' | 'incomplete_source' | 'empty_source' | 'max_delete'

/** The result of a run. */
export interface SyncReport extends SyncProgress {
  /** Files that were equal, by what was compared. */
  readonly compared: Compared
  /**
   * Files of equal size without digests that can be compared: their bytes were read, or they were copied, or only their sizes were
   * compared.
   */
  readonly withoutDigest: number
  /** Files that only the target has, and that still exist. */
  readonly extra: number
  /** Files of the source that `include` and `exclude` leave out. */
  readonly excluded: number
  /** Why files that only the target has were not deleted although `delete` was set; undefined if nothing was held back. */
  readonly heldBack: HeldBack | undefined
  /** Files that failed, at most the first 1,000. */
  readonly failures: ReadonlyArray<{ readonly name: string; readonly error: StorageError }>
  /** Whether the target now has every file of the source that takes part, and with `delete` no other. */
  readonly inSync: boolean
}

/** Options of `compare`. */
export interface CompareOptions extends PlacesOptions {
  /**
   * How many pairs of equal size have their contents compared, chosen at random: a number of files, or a share like `'5%'`. Default: all.
   */
  readonly sample?: number | `${number}%` | undefined
  /** Called for each file that differs, or could not be compared. */
  readonly onEvent?: ((event: CompareEvent) => void | Promise<void>) | undefined
  /** Called with the number of files processed. */
  readonly onProgress?: ((progress: { readonly checked: number }) => void) | undefined
}

/** A difference between two places. */
export type CompareEvent =
  | { readonly type: 'missing' | 'extra' | 'content'; readonly name: string }
  | { readonly type: 'size'; readonly name: string; readonly sourceSize: number; readonly targetSize: number }
  | { readonly type: 'failed'; readonly name: string; readonly error: StorageError }

/** The result of a comparison. */
export interface CompareReport {
  readonly checked: number
  /** Files that are equal as far as they were compared. */
  readonly equal: number
  /** Files that only the source has. */
  readonly missing: number
  /** Files that only the target has. */
  readonly extra: number
  /** Files of different sizes, and of different contents. */
  readonly differentSize: number
  readonly differentContent: number
  /** Files that could not be compared. */
  readonly failed: number
  readonly excluded: number
  /** Files of equal size, by what was compared; `size` counts those whose contents were not compared. */
  readonly compared: Compared
  /** Files of equal size for which the listings had no comparable digest. */
  readonly withoutDigest: number
  /** Whether no difference was found and nothing failed. */
  readonly isEqual: boolean
}
