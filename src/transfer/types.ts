import type { CallOptions } from '../core/call.ts'
import type { StorageError } from '../core/errors.ts'

/**
 * By what the contents of two files were compared: the record of the last run, digests of both listings, a digest of one listing and the bytes of the
 * other file, the bytes of both files, or the size alone.
 */
export type Basis = 'record' | 'listing' | 'oneRead' | 'bothRead' | 'size'

/** Number of files by what was compared. */
export type Compared = Readonly<Record<Basis, number>>

/** Which files of two places take part. */
export interface PlacesOptions extends CallOptions {
  /** Folder of the source that is meant; default: the whole storage. */
  readonly sourcePath?: string | undefined
  /** Folder of the target that is meant; default: the whole storage. */
  readonly targetPath?: string | undefined
  /** Glob patterns of the names that take part, on both sides; default: all. `*.html` is every page, `/*.html` those at the top, `fonts/` a folder. */
  readonly include?: readonly string[] | undefined
  /** Glob patterns of the names that take no part, on both sides. */
  readonly exclude?: readonly string[] | undefined
  /** Files under way at once; default 16. */
  readonly concurrency?: number | undefined
  /** Whether only sizes are compared; default false. */
  readonly sizeOnly?: boolean | undefined
  /** Whether bytes are read where the listings have no comparable digest; default true. Otherwise only the sizes of these files are compared. */
  readonly read?: boolean | undefined
  /** Whether the target takes names for the same that differ only in letter case or Unicode form. Default: found out. */
  readonly foldsNames?: boolean | undefined
}

/** How `sync` works. */
export interface SyncOptions extends PlacesOptions {
  /** Whether files that only the target has are deleted, at last, and only when every copy succeeded; default false. */
  readonly delete?: boolean | undefined
  /** Deletes nothing where more than this percentage of the target's files would go; default 50. */
  readonly maxDelete?: number | undefined
  /** Whether `delete` may empty the target because the source is empty; default false. */
  readonly allowEmptySource?: boolean | undefined
  /** Whether `delete` also deletes what `include` and `exclude` leave out; default false. */
  readonly deleteExcluded?: boolean | undefined
  /** Whether the contents of files of equal size are always compared, by digests or by their bytes; default false. */
  readonly checksum?: boolean | undefined
  /** Whether nothing is changed, and the events report what would be done; default false. */
  readonly dryRun?: boolean | undefined
  /**
   * A file of this machine that keeps how both sides were listed when they were equal, so that the next run need not compare contents again. Made and
   * replaced by the run; a damaged one is ignored. Default: none.
   */
  readonly record?: string | undefined
  /** Called for each file that was copied, deleted, or failed. What it throws ends the run. */
  readonly onEvent?: ((event: SyncEvent) => void | Promise<void>) | undefined
  /** Called with the counts as the run goes on. */
  readonly onProgress?: ((progress: SyncProgress) => void) | undefined
}

/** How far a run is. */
export interface SyncProgress {
  /** Files of the source that were looked at. */
  readonly checked: number
  readonly copied: number
  readonly unchanged: number
  readonly deleted: number
  readonly failed: number
  /** Bytes that were copied. */
  readonly bytes: number
}

/** What became of a file. */
export type SyncEvent =
  | { readonly type: 'copied'; readonly name: string; readonly size: number }
  | { readonly type: 'deleted'; readonly name: string }
  | { readonly type: 'failed'; readonly name: string; readonly error: StorageError }

/** Why nothing was deleted. */
export type HeldBack = 'failures' | 'incomplete_source' | 'empty_source' | 'max_delete'

/** What a run has done. */
export interface SyncReport extends SyncProgress {
  /** Files that were equal, by what was compared. */
  readonly compared: Compared
  /** Files of equal size without digests that can be compared: their bytes were read, or they were copied, or only their sizes were compared. */
  readonly withoutDigest: number
  /** Files that only the target has, and that are still there. */
  readonly extra: number
  /** Files of the source that `include` and `exclude` leave out. */
  readonly excluded: number
  /** Why files that only the target has were not deleted although `delete` was set; undefined where nothing was held back. */
  readonly heldBack: HeldBack | undefined
  /** Files that failed, at most the first 1,000. */
  readonly failures: ReadonlyArray<{ readonly name: string; readonly error: StorageError }>
  /** Whether the target now has every file of the source that takes part, and with `delete` no other. */
  readonly inSync: boolean
}

/** How `compare` works. */
export interface CompareOptions extends PlacesOptions {
  /** How many pairs of equal size have their contents compared, chosen at random: a number of files, or a share as `'5%'`. Default: all. */
  readonly sample?: number | `${number}%` | undefined
  /** Called for each file that differs, or could not be compared. */
  readonly onEvent?: ((event: CompareEvent) => void | Promise<void>) | undefined
  /** Called with the number of files that were looked at. */
  readonly onProgress?: ((progress: { readonly checked: number }) => void) | undefined
}

/** A difference between two places. */
export type CompareEvent =
  | { readonly type: 'missing' | 'extra' | 'content'; readonly name: string }
  | { readonly type: 'size'; readonly name: string; readonly sourceSize: number; readonly targetSize: number }
  | { readonly type: 'failed'; readonly name: string; readonly error: StorageError }

/** What a comparison has found. */
export interface CompareReport {
  readonly checked: number
  /** Files that are equal as far as they were compared. */
  readonly equal: number
  /** Files that only the source has. */
  readonly missing: number
  /** Files that only the target has. */
  readonly extra: number
  /** Files of other sizes, and of other contents. */
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
