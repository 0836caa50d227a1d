import type { Body } from './body.ts'
import type { CallContext } from './call.ts'
import type { ContainerDriver } from './container-driver.ts'
import type { Content } from './content.ts'
import type { DirectUpload, DirectUploadLimits, ResumableUploads } from './direct-uploads.ts'
import type { ErrorCode } from './errors.ts'
import type { FileAttributes, ListedFile, ReadStat, Stat, Visibility } from './stat.ts'

export type { ChecksumName, Checksums } from './checksums.ts'
export type { FileAttributes, ListedFile, ReadStat, Stat, Visibility } from './stat.ts'

/** Bytes from `start` to `end` (exclusive, and greater than `start`); to the end of the file when `end` is absent. */
export interface ByteRange {
  readonly start: number
  readonly end?: number | undefined
}

/** The backend's own parameters of the requests for one file, from its options (S3: `objectParameters`). */
export type ObjectParameters = Readonly<Record<string, unknown>>

/** Options of every request for a file. */
export interface RequestOptions {
  /** Determined once per call, above the driver. */
  readonly objectParameters?: ObjectParameters | undefined
}

/** Options of one page of a listing. */
export interface PageRequest extends RequestOptions {
  /** Whether to descend into folders; then no directories are reported. */
  readonly recursive: boolean
  /** The `next` of the page before. */
  readonly token?: string | undefined
  /** Maximum number of entries, where the backend has such a parameter. */
  readonly limit?: number | undefined
  /**
   * Lists only entries after this key in the order of UTF-8 bytes; a directory is ordered by its key with a slash. Set only where
   * `features.listRange`.
   */
  readonly startAfter?: string | undefined
  /** Lists only entries before this key, in the same order. Set only where `features.listRange`. */
  readonly until?: string | undefined
  /** Whether files with content whose keys end in a slash are listed too, with `recursive`. Otherwise every such key is a folder marker. */
  readonly trailingSlash?: boolean | undefined
}

/** One page of a listing, in the backend's order; keys are whole, directories without a trailing slash. */
export interface Page {
  readonly files: readonly ListedFile[]
  readonly directories: readonly string[]
  /** Absent on the last page. */
  readonly next?: string | undefined
}

/** Options of a write. A condition that fails is an error with its own code. */
export interface WriteOptions extends FileAttributes, RequestOptions {
  /** Only create: code `exists` when the key is taken. Set only where `features.exclusiveCreate`. */
  readonly ifAbsent?: boolean | undefined
  /**
   * The caller has found the key free, where `features.exclusiveCreate` is false. A driver may check the key again just before it
   * publishes, and throw `exists`; it may also ignore this.
   */
  readonly isNew?: boolean | undefined
  /** Only replace the version with this etag: else code `precondition_failed`. Set only where `features.ifMatch`. */
  readonly ifMatch?: string | undefined
  /** Options of this backend only (S3: `storageClass`, `acl`, `tagging` ...), checked by its driver. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined
  /** Called with the number of bytes accepted so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined
}

/** Options of a read. */
export interface ReadOptions extends RequestOptions {
  readonly range?: ByteRange | undefined
  /** Fail with `precondition_failed` when the file has another etag by now. */
  readonly ifMatch?: string | undefined
  /** Set only where `features.versions`. */
  readonly versionId?: string | undefined
}

/** Options of a stat; without `versionId` it is about the newest version. */
export interface StatOptions extends RequestOptions {
  /** Set only where `features.versions`. */
  readonly versionId?: string | undefined
}

/** Options of a deletion. */
export interface DeleteOptions extends RequestOptions {
  /** Only delete the version with this etag: else code `precondition_failed`. Set only where `features.deleteIfMatch`. */
  readonly ifMatch?: string | undefined
}

/** A hash to which bytes are added. */
export interface RunningHash {
  update(bytes: Uint8Array): unknown
  /** Returns the hash of all added bytes, in the service's notation. */
  digest(): string
}

/** The hash that a service has stored for a file. */
export interface ExpectedHash {
  /** Its name in errors: `MD5`. */
  readonly name: string
  readonly value: string
  begin(): RunningHash
  /** Returns the hash of bytes in memory, where that is cheaper than a running hash. */
  of?(bytes: Uint8Array): string
}

/** The bytes of a file or of a range of it. */
export interface ReadResult {
  readonly body: Body
  /**
   * The hash that the bytes of the whole file are compared with as they are read, also across a resumed connection: else
   * `checksum_mismatch`. Absent for a range, and where one of `stat.checksums` is equally good: the storage compares with that.
   */
  readonly expected?: ExpectedHash | undefined
  /** The same hash in the answer to a range, for reads in several parts. */
  readonly whole?: ExpectedHash | undefined
  /** Whether the backend's options forbid comparing the bytes with `stat.checksums`. */
  readonly isUnchecked?: boolean | undefined
  /** The attributes, where the answer contains them. Without them, and without a size, `open` costs one more call. */
  readonly stat?: ReadStat | undefined
  /**
   * Whether a new request may continue a broken body although the etag is weak or absent: the protocol distinguishes versions only by size
   * and time, and `stat` has both.
   */
  readonly continues?: boolean | undefined
}

/** Options of a signed URL: its method and its lifetime. */
export interface SignUrlOptions {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE'
  /** Seconds from now. */
  readonly expiresInSecs: number
  /** Content type of the upload that the URL is for, or of the answer to a download. */
  readonly contentType?: string | undefined
  readonly contentDisposition?: string | undefined
  readonly cacheControl?: string | undefined
  readonly contentEncoding?: string | undefined
  readonly contentLanguage?: string | undefined
  /** Further query parameters of the backend. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>> | undefined
}

/** Features that are not visible from the methods that a driver has. */
export interface Features {
  /** `read` honours `range`. */
  readonly ranges: boolean
  /** `write` honours `ifAbsent` atomically. */
  readonly exclusiveCreate: boolean
  /** `copy` with `isNew` checks itself that the target is free (`exists`), although not atomically; absent: no. */
  readonly checkedCopy?: boolean | undefined
  /** When `copy` sends bytes through this machine: of `small` files that must be new, `maybe` if the server cannot copy, or `always`; absent: never. */
  readonly rereads?: 'small' | 'maybe' | 'always' | undefined
  /** `write` and `read` honour `ifMatch`. */
  readonly ifMatch: boolean
  /** `delete` honours `ifMatch` atomically; absent: no. */
  readonly deleteIfMatch?: boolean | undefined
  /** `write` keeps the user's `metadata`, and `cacheControl` and its like. */
  readonly metadata: boolean
  /** `stat` and `read` honour `versionId`; absent: no. */
  readonly versions?: boolean | undefined
  /** `list` honours `startAfter` and `until`, and returns keys in the order of their UTF-8 bytes; absent: no. */
  readonly listRange?: boolean | undefined
}

/** Bytes that can be read and written at any position; the base of a `StorageFile`. */
export interface RandomAccess {
  /** The size in bytes, where it is known without a request. */
  readonly knownSize?: number | undefined
  size(ctx: CallContext): Promise<number>
  /** Returns up to `length` bytes from `position`: at least one unless the end was reached. */
  read(position: number, length: number, ctx: CallContext): Promise<Buffer>
  write(position: number, data: Uint8Array, ctx: CallContext): Promise<void>
  truncate(size: number, ctx: CallContext): Promise<void>
  /** Publishes all written bytes or nothing. Releases all resources, also when it fails. */
  commit(ctx: CallContext): Promise<void>
  /** Releases all resources and publishes nothing. Never fails. */
  discard(): Promise<void>
}

/** How `openHandle` opens: `create` makes a missing file, `exclusive` rejects an existing one, `truncate` starts empty. */
export interface HandleFlags {
  readonly read: boolean
  readonly write: boolean
  readonly create: boolean
  readonly exclusive: boolean
  readonly truncate: boolean
}

/** The result of one of many deletions. */
export interface DeleteResult {
  readonly key: string
  readonly error?: unknown
}

/** Which unfinished uploads are removed. */
export interface SweepRequest {
  /** Prefix of the keys. */
  readonly prefix: string
  readonly minAgeMs: number
  readonly dryRun: boolean
}

/** The implementation of one protocol, without names, policy or retries. Optional methods are absent where unsupported. */
export interface Driver {
  /** Short name of the backend, for errors and traces. */
  readonly name: string
  readonly features: Features
  /** Missing: an error that `classify` calls `not_found`. */
  stat(key: string, ctx: CallContext, options?: StatOptions): Promise<Stat>
  /** Missing: `not_found`, at the latest when the promise settles, never in the body. */
  read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult>
  /** Writes the file completely or not at all: a failed or aborted write leaves the old file, or none. */
  write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined>
  /** A missing file is no error. */
  delete(key: string, ctx: CallContext, options?: DeleteOptions): Promise<void>
  /** `prefix` is '' or ends in '/'. A missing folder is an empty page. */
  list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page>
  /** Returns the code of a native error; undefined for an error that is not one of this protocol. */
  classify(error: unknown): ErrorCode | undefined

  /** Asks the server once for the features that are not known beforehand. */
  discover?(ctx: CallContext, options?: RequestOptions): Promise<Features>
  /** The object parameters are those of the first key. */
  deleteMany?(keys: readonly string[], ctx: CallContext, options?: RequestOptions): Promise<readonly DeleteResult[]>
  /** Attributes that are not set are those of the source. */
  copy?(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined>
  move?(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined>
  publicUrl?(key: string): string
  /** Sends no request to the service; only credentials may have to be renewed. */
  signUrl?(key: string, options: SignUrlOptions & RequestOptions, ctx: CallContext): Promise<string>
  /** Returns the request by which a client without credentials uploads a key. What the service cannot enforce is `unsupported`. */
  uploadTarget?(key: string, options: WriteOptions, limits: DirectUploadLimits, ctx: CallContext): Promise<DirectUpload>
  /** Uploads in parts that another process can continue. */
  readonly resumable?: ResumableUploads<WriteOptions, Stat> | undefined
  /** Returns a text that identifies the location of a key: the same for two drivers of one location, so that a move onto itself deletes nothing. */
  address?(key: string, ctx: CallContext): Promise<string>
  /** Returns the files that a file is made of, where a storage is made of others: each by its driver and key. */
  parts?(key: string): ReadonlyArray<{ readonly driver: Driver; readonly key: string }>
  /**
   * Removes the leftovers of unfinished uploads below a prefix that are older than `minAgeMs` and not of this process; returns their
   * number. With `dryRun` they are only counted.
   */
  sweep?(options: SweepRequest, ctx: CallContext): Promise<number>
  /** Returns the absolute path on this machine. */
  localPath?(key: string): string
  openHandle?(key: string, flags: HandleFlags, options: WriteOptions, ctx: CallContext): Promise<RandomAccess>
  /** Returns who may read a file without credentials, where the service has ACLs of files. Missing: `not_found`. */
  visibility?(key: string, ctx: CallContext, options?: RequestOptions): Promise<Visibility>
  setVisibility?(key: string, visibility: Visibility, ctx: CallContext, options?: RequestOptions): Promise<void>
  /**
   * Sets when the bytes of a file last changed, as `stat` reports it; bytes and attributes stay. Missing: `not_found`; a folder:
   * `is_directory`; a time that the protocol cannot express: `invalid_argument`; a server that does not set it: `unsupported`.
   */
  setModifiedAt?(key: string, time: Date, ctx: CallContext): Promise<void>
  /** Makes the storage's own container; an existing one is no error. */
  createContainer?(ctx: CallContext): Promise<void>
  /** Absent where an account has no containers. */
  readonly containers?: ContainerDriver
  close?(): Promise<void>
}
