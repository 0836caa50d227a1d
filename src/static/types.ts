import type { Readable } from 'node:stream'
import type { CallOptions } from '../core/call.ts'
import type { FileAttributes } from '../core/driver.ts'
import type { StorageError } from '../core/errors.ts'

/** A file to be collected. */
export interface StaticFile {
  /** Its name in the target: the prefix of its folder, and its path relative to the folder, with forward slashes. */
  readonly name: string
  /** Absolute path on this machine; undefined for a file of a storage that is not on local disk. */
  readonly path: string | undefined
  /** Its name in messages: the path, or the storage and the name. */
  readonly origin: string
  /** Returns when the source last changed; undefined where that is unknown. A missing file is `not_found`. */
  modifiedAt(options?: CallOptions): Promise<Date | undefined>
  /**
   * Returns all bytes, or undefined for a file of more than `limit` bytes, of which none are read. A missing file is `not_found`; a file
   * whose length changes while it is read is `source_failed`.
   */
  readUpTo(limit: number, options?: CallOptions): Promise<Buffer | undefined>
  /** Returns a stream of the bytes from their beginning. It fails like `readUpTo`. */
  open(options?: CallOptions): Readable
}

/** Whether a file or folder is ignored, by its path relative to its finder's folder (without the prefix). */
export type IsIgnored = (path: string) => boolean

/** Options of a finder's listing. */
export interface FinderOptions extends CallOptions {
  readonly isIgnored: IsIgnored
  /**
   * Called for entries that are skipped because they cannot be read or are not files. `isFailure` is true where the run is incomplete
   * without it.
   */
  readonly onSkipped?: ((path: string, reason: string, isFailure: boolean) => void) | undefined
  /** Whether a folder of the finder that does not exist is a failure: the run deletes files that it does not find. Default: no. */
  readonly mustExist?: boolean | undefined
}

/** A source of static files. */
export interface Finder {
  /** The folders that are searched, as `findstatic --verbosity 2` prints them. */
  readonly locations: readonly string[]
  /**
   * Returns every file, folder by folder in the order of names. The same name may be returned twice, from two folders: the first one is
   * used.
   */
  files(options: FinderOptions): AsyncIterable<StaticFile> | Iterable<StaticFile>
  /**
   * Returns the files of one name, in the order of precedence; also those that a run ignores. For names that lead out of a folder it
   * returns none.
   */
  find(name: string, options?: CallOptions): Promise<readonly StaticFile[]>
}

/** The attributes that are stored with a file, and options of the target's backend only (`extra`). */
export interface StaticHeaders extends FileAttributes {
  readonly extra?: Readonly<Record<string, unknown>> | undefined
}

/** Options of a run. */
export interface CollectOptions extends CallOptions {
  /** Whether the run only reports its changes, and makes none. */
  readonly dryRun?: boolean | undefined
  /** Whether all files in the target are removed. Files in the former manifest are removed last, after the new one is written. */
  readonly clear?: boolean | undefined
  /** Whether links are made instead of copies; on local disk only. */
  readonly link?: boolean | undefined
  /** Whether names with hashes and the manifest are made, if the files have a manifest; default true. */
  readonly postProcess?: boolean | undefined
  /** Further patterns of files and folders that are ignored. */
  readonly ignore?: readonly string[] | undefined
  /** Whether `CVS`, `.*` and `*~` are ignored; default true. */
  readonly defaultIgnore?: boolean | undefined
  /** Maximum number of files that are stored in parallel; default 16. */
  readonly concurrency?: number | undefined
  /** Whether files of former runs whose sources no longer exist are removed. Only files that a former run has stored are removed. */
  readonly deleteStale?: boolean | undefined
  /**
   * Number of former deploys whose hashed files stay; those of older ones are removed. Default: all stay, and with `deleteStale` those of
   * one.
   */
  readonly keep?: number | undefined
  /** How a changed file is detected: by its digest, or like in Django by its modified time; default 'digest'. */
  readonly compare?: 'digest' | 'modifiedTime' | undefined
}

/** One event of a run. */
export type CollectEvent =
  /** All files are known; `count` is their number. */
  | { readonly type: 'found'; readonly count: number }
  /** A file was stored, or would be in a dry run. */
  | { readonly type: 'copied' | 'linked'; readonly name: string; readonly origin: string; readonly dryRun: boolean }
  /** A file is already in the target. */
  | { readonly type: 'unmodified'; readonly name: string; readonly origin: string }
  /** A file has a name with a hash; `isNew` states whether it was stored now. */
  | {
      readonly type: 'postProcessed'
      readonly name: string
      readonly storedAs: string
      readonly isNew: boolean
      readonly dryRun: boolean
    }
  /** A file of the target was removed, or would be in a dry run. */
  | { readonly type: 'deleted'; readonly name: string; readonly dryRun: boolean }
  /** A further file for a name that another file already has. */
  | { readonly type: 'duplicate'; readonly name: string; readonly origin: string; readonly first: string }
  /** A problem that does not stop the run; `line` begins at 1. */
  | {
      readonly type: 'warning'
      readonly message: string
      readonly name?: string | undefined
      readonly line?: number | undefined
    }
  /** A file that could not be collected; the others are still collected, and the manifest does not change. */
  | {
      readonly type: 'failed'
      readonly name: string
      readonly error: StorageError
      /** Line of a reference to a missing file; begins at 1. */
      readonly line?: number | undefined
    }
  | CollectSummary

/** The result of a run; its last event. */
export interface CollectSummary {
  readonly type: 'summary'
  readonly copied: number
  readonly linked: number
  readonly unmodified: number
  /** Names with hashes that were stored now. */
  readonly postProcessed: number
  readonly deleted: number
  readonly failed: number
  readonly warnings: number
  readonly dryRun: boolean
  /** Folder of a target on local disk. */
  readonly destination: string | undefined
}
