import type { CallOptions } from '../core/call.ts'
import type { Checksums, Driver, FileAttributes, SignUrlOptions, Stat } from '../core/driver.ts'
import type { HttpClient } from '../http/request.ts'
import type { Layer } from '../layers/layer.ts'

/** What a storage may be given besides its options; for tests and for configuration code. */
export interface Services {
  /** Used instead of what `connect` makes. */
  readonly driver?: Driver | undefined
  /** Sends the requests of a backend that speaks HTTP; it is not closed with the storage. Default: a client of its own over node:http. */
  readonly httpClient?: HttpClient | undefined
  /** Layers put innermost, around the driver. */
  readonly layers?: readonly Layer[] | undefined
  /** Used instead of the process's settings object. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined
  /** Used instead of `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** The alias of the storage in its configuration. */
  readonly alias?: string | undefined
  /** Finds a storage of the same configuration by its alias. */
  readonly storages?: ((alias: string) => unknown) | undefined
}

/** That the URLs of downloads carry a signature, which ends. */
export interface UrlSigning {
  /** How they become plain ones, as the end of a sentence: `set AWS_QUERYSTRING_AUTH to False`. */
  readonly remedy: string
}

/** Settings as they were found, for a backend's advice. */
export interface GivenSettings {
  readonly settings: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
}

/** How far a transfer is. */
export interface TransferProgress {
  /** Bytes transferred so far. */
  readonly loaded: number
  /** Bytes in all; undefined while that is not known. */
  readonly total: number | undefined
}

/** Called as bytes are transferred, and at the end with `loaded` equal to the size. What it throws ends the transfer with `source_failed`. */
export type OnProgress = (progress: TransferProgress) => void

/** How `save` stores. */
export interface SaveOptions extends CallOptions, FileAttributes {
  /** Longest name allowed, in UTF-16 units. */
  readonly maxLength?: number | undefined
  /** Most bytes allowed; more are `too_large`, and nothing is stored. */
  readonly maxSize?: number | undefined
  /** Overrides the option `fileOverwrite` for this file. */
  readonly overwrite?: boolean | undefined
  /**
   * Only creates: a taken name is `exists`, also where `fileOverwrite` is on, and no other name is tried. `unsupported` where
   * `supports('exclusiveCreate')` is false once the server was asked (`discover`).
   */
  readonly ifAbsent?: boolean | undefined
  /** Only replaces the version with this etag: else `precondition_failed`. `unsupported` where `supports('ifMatch')` is false. */
  readonly ifMatch?: string | undefined
  /**
   * Digests that the content must have, in hexadecimal: else `checksum_mismatch`, and nothing is stored or replaced. Several are compared where several are given.
   */
  readonly verify?: Checksums | undefined
  /** What only this backend knows; see its page. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined
  /** Called with the bytes that the service has accepted so far. */
  readonly onProgress?: OnProgress | undefined
}

/** How a folder is gone through. */
export interface EntriesOptions extends CallOptions {
  /** Whether all files below are given, and no folders. */
  readonly recursive?: boolean | undefined
  /**
   * Only what comes after this name in the order of the names' UTF-8 bytes; it need not be the name of a file. A folder stands at its name with a
   * slash. `unsupported` where `supports('listRange')` is false.
   */
  readonly startAfter?: string | undefined
  /** Only what comes before this name in the same order. */
  readonly until?: string | undefined
  /**
   * Only the files whose names, relative to the folder, match one of these glob patterns; implies `recursive`. `*` stays within a folder, a pattern
   * without a slash (`*.jpg`) is for the last part of the name in any folder, and `!` excludes. All names are listed, and then filtered.
   */
  readonly match?: string | readonly string[] | undefined
}

/** Which page of a folder is wanted. */
export interface PageOptions extends EntriesOptions {
  /** From the `next` of the page before, with the same path and options otherwise. Default: the first page. */
  readonly token?: string | undefined
  /** At most so many entries, where the backend can be told. Default: the backend's own, often 1000. */
  readonly limit?: number | undefined
}

/** One page of a folder. */
export interface EntryPage {
  readonly entries: readonly Entry[]
  /** Token of the next page; undefined on the last one. A page without entries need not be the last. */
  readonly next: string | undefined
}

/** Which version is meant, where the backend keeps more than the newest. */
export interface VersionOptions extends CallOptions {
  /** From `stat`; `unsupported` where `supports('versions')` is false. */
  readonly versionId?: string | undefined
}

/** How `open` opens; a version can only be read. */
export interface OpenOptions extends VersionOptions, FileAttributes {
  readonly extra?: Readonly<Record<string, unknown>> | undefined
}

/** How one file is deleted. */
export interface DeleteFileOptions extends CallOptions {
  /** Only deletes the version with this etag: else `precondition_failed`, also where the file is missing. `unsupported` where `supports('deleteIfMatch')` is false. */
  readonly ifMatch?: string | undefined
}

/** How a folder is deleted. */
export interface DeleteAllOptions extends CallOptions {
  /** Whether an empty path, which stands for the whole storage, is meant; default false. */
  readonly all?: boolean | undefined
}

/** How `url` is made. */
export interface UrlOptions extends CallOptions, Omit<Partial<SignUrlOptions>, 'expiresInSecs'> {
  /** Life in seconds of a signed URL, a whole number. `unsupported` where the URL would not be signed. Default: that of the settings. */
  readonly expiresInSecs?: number | undefined
}

/** How a large file is read by several requests at a time. */
export interface ParallelOptions {
  /**
   * Requests under way at a time, each for a part of the same version; default 1. The parts come in order, and at most `parallel` x `partSize` bytes are held in
   * memory. One request reads all where the backend has no ranges, or reports neither a strong etag nor the size and the time of a file.
   */
  readonly parallel?: number | undefined
  /** Bytes of a part; default 8 MiB. */
  readonly partSize?: number | undefined
}

/** Which part of a file is read: from `start` up to `end`, which is exclusive, or `length` bytes; by default all to the end. */
export interface ReadStreamOptions extends VersionOptions, ParallelOptions {
  /** From `stat`: a file that has another one by now is `precondition_failed`, where the backend keeps etags. */
  readonly etag?: string | undefined
  /** The first byte; default 0. */
  readonly start?: number | undefined
  /** The byte after the last one: **exclusive**, unlike `end` of Node's `fs.createReadStream`. */
  readonly end?: number | undefined
  /** Bytes from `start`, instead of `end`; both are `invalid_argument`. */
  readonly length?: number | undefined
  /** Called with the bytes that were read so far; `total` is that of the range, undefined for a file that is unpacked. */
  readonly onProgress?: OnProgress | undefined
}

/**
 * A file or folder in a listing; `name` is relative to the storage. Given to `delete`, `deleteMany`, `open`, `stat`, `copy` and their like it stands
 * for exactly the object that was listed, also where its name is no normal one (`a//b` in a bucket). A copy of it (`{ ...entry }`, JSON) stands
 * for its name.
 */
export interface Entry extends Stat {
  readonly name: string
  readonly isDirectory: boolean
}

/** A file: by its name, or as a listing shows it. */
export type NameOrEntry = string | Entry

/** What `sweep` removes. */
export interface SweepOptions extends CallOptions {
  /** Age in seconds from which an upload is taken for dead; default 86400, a day. */
  readonly minAgeSecs?: number | undefined
  /** The folder that is meant, with all below it; default: the whole storage. */
  readonly path?: string | undefined
  /** Whether leftovers are only counted; default false. */
  readonly dryRun?: boolean | undefined
}

/** How an available name is looked for. */
export interface AvailableNameOptions extends CallOptions {
  readonly maxLength?: number | undefined
  /** Overrides the option `fileOverwrite`: with overwriting every name is available. */
  readonly overwrite?: boolean | undefined
  /** The caller will create exclusively, so whether the name is taken need not be asked. */
  readonly exclusive?: boolean | undefined
}

/** What `supports` answers. */
export type Feature =
  | 'ranges'
  | 'exclusiveCreate'
  | 'ifMatch'
  | 'deleteIfMatch'
  | 'metadata'
  | 'versions'
  | 'listRange'
  | 'copy'
  | 'move'
  | 'path'
  | 'publicUrl'
  | 'signedUrl'
  | 'uploadTarget'
  | 'resumableUploads'
  | 'visibility'
  | 'createContainer'
  | 'containers'
