import type { Readable } from 'node:stream'
import type { CallOptions } from '../core/call.ts'
import type { FileAttributes } from '../core/driver.ts'
import type { StorageError } from '../core/errors.ts'

/** A file that is to be collected. */
export interface StaticFile {
  /** Its name in the target: the prefix of its folder, and its path from there on, with forward slashes. */
  readonly name: string
  /** Absolute path on this machine; undefined for a file of a storage that is not on local disk. */
  readonly path: string | undefined
  /** As messages show it: the path, or the storage and the name. */
  readonly origin: string
  /** When the source last changed; undefined where that is not known. A file that is gone is `not_found`. */
  modifiedAt(options?: CallOptions): Promise<Date | undefined>
  /**
   * All bytes, or undefined for a file of more than `limit` bytes, of which none are read. A file that is gone is `not_found`; one that
   * changes its length while it is read is `source_failed`.
   */
  readUpTo(limit: number, options?: CallOptions): Promise<Buffer | undefined>
  /** A stream of the bytes from their beginning. It fails as `readUpTo` does. */
  open(options?: CallOptions): Readable
}

/** Whether a file or folder is left out, by its path from the root of its finder's folder (without the prefix). */
export type IsIgnored = (path: string) => boolean

/** How a finder lists. */
export interface FinderOptions extends CallOptions {
  readonly isIgnored: IsIgnored
  /** Called for what is left out because it cannot be read or is no file. `isFailure` is true where the run is not complete without it. */
  readonly onSkipped?: ((path: string, reason: string, isFailure: boolean) => void) | undefined
  /** Whether a folder of the finder that does not exist is a failure: the run deletes what it does not find. Default: no. */
  readonly mustExist?: boolean | undefined
}

/** Where static files come from. */
export interface Finder {
  /** The folders that are looked in, as `findstatic --verbosity 2` shows them. */
  readonly locations: readonly string[]
  /** Every file, folder by folder in the order of names. The same name may come twice, of two folders: the first one is meant. */
  files(options: FinderOptions): AsyncIterable<StaticFile> | Iterable<StaticFile>
  /** The files of one name, in the order of precedence; also those that a run ignores. Names that lead out of a folder find none. */
  find(name: string, options?: CallOptions): Promise<readonly StaticFile[]>
}

/** What may be stored with a file: attributes, and what only the backend of the target knows (`extra`). */
export interface StaticHeaders extends FileAttributes {
  readonly extra?: Readonly<Record<string, unknown>> | undefined
}

/** How a run is done. */
export interface CollectOptions extends CallOptions {
  /** Whether the run only reports what it would do, and changes nothing. */
  readonly dryRun?: boolean | undefined
  /** Whether everything that is in the target is removed. Files that the former manifest names are removed last, when the new one is written. */
  readonly clear?: boolean | undefined
  /** Whether links are made instead of copies; on local disk only. */
  readonly link?: boolean | undefined
  /** Whether names with hashes and the manifest are made, where the files have a manifest; default true. */
  readonly postProcess?: boolean | undefined
  /** More patterns of files and folders that are left out. */
  readonly ignore?: readonly string[] | undefined
  /** Whether `CVS`, `.*` and `*~` are left out; default true. */
  readonly defaultIgnore?: boolean | undefined
  /** Files that are stored at a time; default 16. */
  readonly concurrency?: number | undefined
  /** Whether files of former runs whose sources are gone are removed. Only what a former run has stored is touched. */
  readonly deleteStale?: boolean | undefined
  /** Former deploys whose hashed files stay, and older ones are removed; default: all stay, and with `deleteStale` those of one. */
  readonly keep?: number | undefined
  /** By what a changed file is known: its digest, or its modified time as Django does; default 'digest'. */
  readonly compare?: 'digest' | 'modifiedTime' | undefined
}

/** One thing that happened in a run. */
export type CollectEvent =
  /** All files are known: how many there are. */
  | { readonly type: 'found'; readonly count: number }
  /** A file was stored, or would be. */
  | { readonly type: 'copied' | 'linked'; readonly name: string; readonly origin: string; readonly dryRun: boolean }
  /** A file is there already. */
  | { readonly type: 'unmodified'; readonly name: string; readonly origin: string }
  /** A file has a name with a hash; `isNew` says whether it was stored now. */
  | {
      readonly type: 'postProcessed'
      readonly name: string
      readonly storedAs: string
      readonly isNew: boolean
      readonly dryRun: boolean
    }
  /** A file of the target was removed, or would be. */
  | { readonly type: 'deleted'; readonly name: string; readonly dryRun: boolean }
  /** A second file for a name that another one has. */
  | { readonly type: 'duplicate'; readonly name: string; readonly origin: string; readonly first: string }
  /** What is odd but stops nothing; `line` begins at 1. */
  | {
      readonly type: 'warning'
      readonly message: string
      readonly name?: string | undefined
      readonly line?: number | undefined
    }
  /** A file that could not be collected; the others go on, and the manifest stays as it was. */
  | {
      readonly type: 'failed'
      readonly name: string
      readonly error: StorageError
      /** Of a reference that leads nowhere; begins at 1. */
      readonly line?: number | undefined
    }
  | CollectSummary

/** What a run has done; its last event. */
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
