import type { CallOptions } from '../core/call.ts'
import type { Checksums, Driver, FileAttributes, SignUrlOptions, Stat } from '../core/driver.ts'
import type { HttpClient } from '../http/request.ts'
import type { Layer } from '../layers/layer.ts'

/** Arguments of a storage besides its options; for tests and for configuration code. */
export interface Services {
  /** Used instead of the driver that `connect` makes. */
  readonly driver?: Driver | undefined
  /** Sends the requests of a backend that speaks HTTP; it is not closed with the storage. Default: a new client over node:http. */
  readonly httpClient?: HttpClient | undefined
  /** Innermost layers, directly around the driver. */
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

/** States that the URLs of downloads carry a signature, which expires. */
export interface UrlSigning {
  /** How to make them plain, as the end of a sentence: `set AWS_QUERYSTRING_AUTH to False`. */
  readonly remedy: string
}

/** Settings as they were found, for a backend's advice. */
export interface GivenSettings {
  readonly settings: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The progress of a transfer. */
export interface TransferProgress {
  /** Bytes transferred so far. */
  readonly loaded: number
  /** Total number of bytes; undefined while that is not known. */
  readonly total: number | undefined
}

/**
 * Called as bytes are transferred, and at the end with `loaded` equal to the size. An error that it throws ends the transfer with
 * `source_failed`.
 */
export type OnProgress = (progress: TransferProgress) => void

/** Options of `save`. */
export interface SaveOptions extends CallOptions, FileAttributes {
  /** Maximum length of the name, in UTF-16 units. */
  readonly maxLength?: number | undefined
  /** Maximum size in bytes; more bytes are `too_large`, and nothing is stored. */
  readonly maxSize?: number | undefined
  /** Overrides the option `fileOverwrite` for this file. */
  readonly overwrite?: boolean | undefined
  /**
   * Only creates: a taken name is `exists`, even where `fileOverwrite` is on, and no other name is tried. `unsupported` where
   * `supports('exclusiveCreate')` is false after the server was asked (`discover`).
   */
  readonly ifAbsent?: boolean | undefined
  /**
   * Only replaces the version with this etag: any other version is `precondition_failed`. `unsupported` where `supports('ifMatch')` is
   * false.
   */
  readonly ifMatch?: string | undefined
  /**
   * Expected digests of the content, in hexadecimal. All of them are compared; a different one is `checksum_mismatch`, and nothing is
   * stored or replaced.
   */
  readonly verify?: Checksums | undefined
  /** Options of this backend only; see its page. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined
  /** Called with the number of bytes that the service has accepted so far. */
  readonly onProgress?: OnProgress | undefined
}

/** Options of `entries`. */
export interface EntriesOptions extends CallOptions {
  /** Whether all files below the folder are listed, without the folders. Default false. */
  readonly recursive?: boolean | undefined
  /**
   * Lists only entries after this name, in the order of the names' UTF-8 bytes; it need not be the name of a file. A folder is ordered by
   * its name with a slash. `unsupported` where `supports('listRange')` is false.
   */
  readonly startAfter?: string | undefined
  /** Lists only entries before this name, in the same order. */
  readonly until?: string | undefined
  /**
   * Lists only the files whose names, relative to the folder, match one of these glob patterns; implies `recursive`. `*` does not match a
   * slash. A pattern without a slash (`*.jpg`) applies to the last part of the name in any folder. `!` excludes. All names are requested,
   * then filtered.
   */
  readonly match?: string | readonly string[] | undefined
  /**
   * Whether `recursive` also lists objects that have content although their names end in a slash, as services without folders allow. They
   * are read by their entry, and no other method takes such a name. Default false: a name that ends in a slash is a folder marker.
   */
  readonly trailingSlash?: boolean | undefined
}

/** Options of `page`. */
export interface PageOptions extends EntriesOptions {
  /** The `next` of the page before, with the same path and other options. Default: the first page. */
  readonly token?: string | undefined
  /** Maximum number of entries, where the backend has such a parameter. Default: the backend's own, often 1000. */
  readonly limit?: number | undefined
}

/** One page of a folder. */
export interface EntryPage {
  readonly entries: readonly Entry[]
  /** Token of the next page; undefined on the last one. A page without entries need not be the last. */
  readonly next: string | undefined
}

/** Which version of a file is read, where the backend keeps more than the newest. */
export interface VersionOptions extends CallOptions {
  /** The version's id, from `stat`; `unsupported` where `supports('versions')` is false. */
  readonly versionId?: string | undefined
}

/** Options of `open`; an older version can only be read. */
export interface OpenOptions extends VersionOptions, FileAttributes {
  readonly extra?: Readonly<Record<string, unknown>> | undefined
}

/** Options of `delete`. */
export interface DeleteFileOptions extends CallOptions {
  /**
   * Only deletes the version with this etag: another version and a missing file are `precondition_failed`. `unsupported` where
   * `supports('deleteIfMatch')` is false.
   */
  readonly ifMatch?: string | undefined
}

/** Options of `deleteAll`. */
export interface DeleteAllOptions extends CallOptions {
  /** Whether an empty path, which means the whole storage, is allowed; default false. */
  readonly all?: boolean | undefined
}

/** Options of `url`. */
export interface UrlOptions extends CallOptions, Omit<Partial<SignUrlOptions>, 'expiresInSecs'> {
  /**
   * Lifetime of a signed URL in seconds, a whole number. `unsupported` where the URL would not be signed. Default: the lifetime in the
   * settings.
   */
  readonly expiresInSecs?: number | undefined
}

/** Options of reads that use several parallel requests for a large file. */
export interface ParallelOptions {
  /**
   * Maximum number of parallel requests, each for a part of the same version; default 1. The parts come in order, and at most `parallel` x
   * `partSize` bytes are held in memory. A single request reads all bytes where the backend has no ranges, or reports neither a strong etag
   * nor size and time of a file.
   */
  readonly parallel?: number | undefined
  /** Bytes of a part; default 8 MiB. */
  readonly partSize?: number | undefined
}

/** Options of reads: the range from `start` up to `end` (exclusive), or `length` bytes from `start`. Default: all bytes. */
export interface ReadStreamOptions extends VersionOptions, ParallelOptions {
  /** The etag from `stat`: a file that has another etag by now is `precondition_failed`, where the backend keeps etags. */
  readonly etag?: string | undefined
  /** Offset of the first byte; default 0. */
  readonly start?: number | undefined
  /** Offset behind the last byte: **exclusive**, unlike `end` of Node's `fs.createReadStream`. */
  readonly end?: number | undefined
  /** Number of bytes from `start`, instead of `end`; both are `invalid_argument`. */
  readonly length?: number | undefined
  /** Called with the number of bytes read so far; `total` is the size of the range, undefined for a file that is unpacked. */
  readonly onProgress?: OnProgress | undefined
}

/**
 * A file or folder in a listing; `name` is relative to the storage. As an argument of `delete`, `deleteMany`, `open`, `stat`, `copy` and
 * similar methods it refers to exactly the object that was listed, even if its name is not in normal form (`a//b` in a bucket). A copy of
 * it (`{ ...entry }`, JSON) refers to its name only.
 */
export interface Entry extends Stat {
  readonly name: string
  readonly isDirectory: boolean
}

/** A file: its name, or its entry from a listing. */
export type NameOrEntry = string | Entry

/** Options of `sweep`. */
export interface SweepOptions extends CallOptions {
  /** Age in seconds from which an upload counts as abandoned; default 86400, a day. */
  readonly minAgeSecs?: number | undefined
  /** Only this folder, with all below it; default: the whole storage. */
  readonly path?: string | undefined
  /** Whether leftovers are only counted, not removed; default false. */
  readonly dryRun?: boolean | undefined
}

/** Options of `getAvailableName`. */
export interface AvailableNameOptions extends CallOptions {
  readonly maxLength?: number | undefined
  /** Overrides the option `fileOverwrite`: with overwriting, every name is available. */
  readonly overwrite?: boolean | undefined
  /** The caller will create exclusively, so no request checks whether the name is taken. */
  readonly exclusive?: boolean | undefined
}

/** The features that `supports` knows. */
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
  | 'setModifiedTime'
  | 'createContainer'
  | 'containers'
