import type { Body } from './body.ts'
import type { CallContext } from './call.ts'
import type { Checksums } from './checksums.ts'
import type { ContainerDriver } from './container-driver.ts'
import type { Content } from './content.ts'
import type { DirectUpload, DirectUploadLimits, ResumableUploads } from './direct-uploads.ts'
import type { ErrorCode } from './errors.ts'

export type { ChecksumName, Checksums } from './checksums.ts'

/** Bytes from `start` to `end`, which is exclusive and greater; to the end of the file when `end` is absent. */
export interface ByteRange {
  readonly start: number
  readonly end?: number | undefined
}

/** The backend's own parameters of the requests for one file, as its options give them (S3: `objectParameters`). */
export type ObjectParameters = Readonly<Record<string, unknown>>

/** What goes with every request for a file. */
export interface RequestOptions {
  /** Resolved once per call, above the driver. */
  readonly objectParameters?: ObjectParameters | undefined
}

/** Metadata that may be sent with a file and comes back in its `Stat`. */
export interface FileAttributes {
  readonly contentType?: string | undefined
  readonly contentEncoding?: string | undefined
  readonly contentDisposition?: string | undefined
  readonly contentLanguage?: string | undefined
  readonly cacheControl?: string | undefined
  /** The user's own metadata; names are lower-case, values any Unicode text. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** Who may read a file without credentials: everybody, or nobody. */
export type Visibility = 'public' | 'private'

/** What is known of a stored file. Absent fields are not kept by that backend. */
export interface Stat extends FileAttributes {
  /** Stored bytes. */
  readonly size: number
  readonly modifiedAt?: Date | undefined
  readonly createdAt?: Date | undefined
  readonly accessedAt?: Date | undefined
  /** Changes whenever the bytes change; opaque, without quotes. A weak one (RFC 9110, section 8.8.3) is `W/"..."`: see `strongEtag`. */
  readonly etag?: string | undefined
  readonly versionId?: string | undefined
  /** The digests of the whole file that the service reports here; absent where it reports none. */
  readonly checksums?: Checksums | undefined
  readonly storageClass?: string | undefined
  /** True where a folder was asked for on a backend that has folders. */
  readonly isDirectory?: boolean | undefined
  /** True where nobody knows in which zone `modifiedAt` is, or it is no more exact than a minute or a day: that of an FTP server's plain listing. */
  readonly isRoughTime?: boolean | undefined
}

/** A file in a listing: its key, and as much of its `Stat` as the listing gives. A size that it does not give is NaN, never 0. */
export interface ListedFile extends Stat {
  readonly key: string
}

/** Which part of a listing is wanted. */
export interface PageRequest extends RequestOptions {
  /** Whether to descend: no directories are reported then. */
  readonly recursive: boolean
  /** From the previous page's `next`. */
  readonly token?: string | undefined
  /** At most so many entries, where the backend can be told. */
  readonly limit?: number | undefined
  /** Only what comes after this key in the order of UTF-8 bytes; a directory stands at its key with a slash. Never set unless `features.listRange`. */
  readonly startAfter?: string | undefined
  /** Only what comes before this key in the same order. Never set unless `features.listRange`. */
  readonly until?: string | undefined
}

/** One page of a listing, in the backend's order; keys are whole, directories without a trailing slash. */
export interface Page {
  readonly files: readonly ListedFile[]
  readonly directories: readonly string[]
  /** Absent on the last page. */
  readonly next?: string | undefined
}

/** How a file is to be written. Conditions are values: a refused one is an error with its code. */
export interface WriteOptions extends FileAttributes, RequestOptions {
  /** Only create: code `exists` when the key is taken. Never set unless `features.exclusiveCreate`. */
  readonly ifAbsent?: boolean | undefined
  /**
   * The caller has found the key free, where `features.exclusiveCreate` is false. A driver that asks again, just before it publishes, answers `exists`; it is no
   * promise, and a driver may ignore it.
   */
  readonly isNew?: boolean | undefined
  /** Only replace the version with this etag: else code `precondition_failed`. Never set unless `features.ifMatch`. */
  readonly ifMatch?: string | undefined
  /** What only this backend knows (S3: `storageClass`, `acl`, `tagging` ...), checked by its driver. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined
  /** Told the bytes accepted so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined
}

/** How a file is to be read. */
export interface ReadOptions extends RequestOptions {
  readonly range?: ByteRange | undefined
  /** Fail with `precondition_failed` when the file has another etag by now. */
  readonly ifMatch?: string | undefined
  /** Never set unless `features.versions`. */
  readonly versionId?: string | undefined
}

/** Which version of a file is asked about: the newest where none is named. */
export interface StatOptions extends RequestOptions {
  /** Never set unless `features.versions`. */
  readonly versionId?: string | undefined
}

/** How a file is to be deleted. */
export interface DeleteOptions extends RequestOptions {
  /** Only delete the version with this etag: else code `precondition_failed`. Never set unless `features.deleteIfMatch`. */
  readonly ifMatch?: string | undefined
}

/** What the answer to a read says of the whole file; `size` is absent where it does not say that. */
export interface ReadStat extends Omit<Stat, 'size'> {
  readonly size?: number | undefined
  /** True where only `stat` returns the attributes: copies, and files that are opened to be changed, ask for them. */
  readonly isBrief?: boolean | undefined
}

/** A hash that bytes are added to. */
export interface RunningHash {
  update(bytes: Uint8Array): unknown
  /** The hash of what was added, as the service writes it. */
  digest(): string
}

/** The hash that a service has stored of a file. */
export interface ExpectedHash {
  /** As errors call it: `MD5`. */
  readonly name: string
  readonly value: string
  begin(): RunningHash
  /** The hash of bytes at hand, where that costs less than to begin one. */
  of?(bytes: Uint8Array): string
}

/** The bytes of a file or of a range of it. */
export interface ReadResult {
  readonly body: Body
  /**
   * What the bytes of the whole file are compared with as they are read, also across a resumed connection: else `checksum_mismatch`. Absent for a range, and where
   * one of `stat.checksums` is as good: the storage compares with that.
   */
  readonly expected?: ExpectedHash | undefined
  /** The same in the answer to a range, for reads in several parts. */
  readonly whole?: ExpectedHash | undefined
  /** Whether bytes are not compared with `stat.checksums`, by the backend's options. */
  readonly isUnchecked?: boolean | undefined
  /** Where the answer tells: without it, and without a size, `open` costs one more call. */
  readonly stat?: ReadStat | undefined
  /**
   * Whether a body that breaks may be continued by a new request although the etag is weak or absent: size and time of the file are all by which the protocol
   * tells versions apart, and `stat` has both.
   */
  readonly continues?: boolean | undefined
}

/** What a signed URL may do and for how long. */
export interface SignUrlOptions {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE'
  /** Seconds from now. */
  readonly expiresInSecs: number
  /** Of the upload that the URL is for, or of the answer to a download. */
  readonly contentType?: string | undefined
  readonly contentDisposition?: string | undefined
  readonly cacheControl?: string | undefined
  readonly contentEncoding?: string | undefined
  readonly contentLanguage?: string | undefined
  /** More of the backend's own query parameters. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>> | undefined
}

/** Variants that a missing method cannot tell. */
export interface Features {
  /** `read` honours `range`. */
  readonly ranges: boolean
  /** `write` honours `ifAbsent` atomically. */
  readonly exclusiveCreate: boolean
  /**
   * `copy` with `isNew` looks itself whether the target is free, and fails with `exists` where it is not, so that nothing is asked before; absent: no. Two copies at
   * the same moment may both succeed: that is `exclusiveCreate`.
   */
  readonly checkedCopy?: boolean | undefined
  /**
   * Where the bytes of `copy` go through this machine; absent: never. `small`: of small files that must not replace another one; `maybe`: where the server cannot
   * copy; `always`: the protocol has no copy.
   */
  readonly rereads?: 'small' | 'maybe' | 'always' | undefined
  /** `write` and `read` honour `ifMatch`. */
  readonly ifMatch: boolean
  /** `delete` honours `ifMatch` atomically; absent: no. */
  readonly deleteIfMatch?: boolean | undefined
  /** `write` keeps the user's `metadata`, and `cacheControl` and its like. */
  readonly metadata: boolean
  /** `stat` and `read` honour `versionId`; absent: no. */
  readonly versions?: boolean | undefined
  /** `list` honours `startAfter` and `until`, and gives keys in the order of their UTF-8 bytes; absent: no. */
  readonly listRange?: boolean | undefined
}

/** Bytes that can be read and written at any place; what a `StorageFile` stands on. */
export interface RandomAccess {
  /** The size in bytes, where it is known without asking. */
  readonly knownSize?: number | undefined
  size(ctx: CallContext): Promise<number>
  /** Up to `length` bytes from `position`: at least one unless the end was reached. */
  read(position: number, length: number, ctx: CallContext): Promise<Buffer>
  write(position: number, data: Uint8Array, ctx: CallContext): Promise<void>
  truncate(size: number, ctx: CallContext): Promise<void>
  /** Publishes what was written, all or nothing; releases everything also when it fails. */
  commit(ctx: CallContext): Promise<void>
  /** Releases everything and publishes nothing. Never fails. */
  discard(): Promise<void>
}

/** How `openHandle` is to open: `create` makes a missing file, `exclusive` refuses an existing one, `truncate` starts empty. */
export interface HandleFlags {
  readonly read: boolean
  readonly write: boolean
  readonly create: boolean
  readonly exclusive: boolean
  readonly truncate: boolean
}

/** The outcome of one of many deletions. */
export interface DeleteResult {
  readonly key: string
  readonly error?: unknown
}

/** What of unfinished uploads is meant. */
export interface SweepRequest {
  /** Beginning of the keys. */
  readonly prefix: string
  readonly minAgeMs: number
  readonly dryRun: boolean
}

/** Knowledge of one protocol, nothing else: no names, no policy, no retries. Optional methods are absent where unsupported. */
export interface Driver {
  /** Short name of the backend, for errors and traces. */
  readonly name: string
  readonly features: Features
  /** Missing: an error that `classify` calls `not_found`. */
  stat(key: string, ctx: CallContext, options?: StatOptions): Promise<Stat>
  /** Missing: `not_found`, at the latest when the promise settles, never in the body. */
  read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult>
  /** All or nothing: a failed or aborted write leaves the old file, or none. */
  write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined>
  /** Missing: fine. */
  delete(key: string, ctx: CallContext, options?: DeleteOptions): Promise<void>
  /** `prefix` is '' or ends in '/'. Missing: an empty page. */
  list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page>
  /** The code of a native error; undefined when it is none of this protocol's. */
  classify(error: unknown): ErrorCode | undefined

  /** Asks the server once for what `features` cannot know beforehand. */
  discover?(ctx: CallContext, options?: RequestOptions): Promise<Features>
  /** The object parameters are those of the first key. */
  deleteMany?(keys: readonly string[], ctx: CallContext, options?: RequestOptions): Promise<readonly DeleteResult[]>
  /** Attributes that are not given stay those of the source. */
  copy?(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined>
  move?(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined>
  publicUrl?(key: string): string
  /** Asks nothing of the service; only credentials may have to be renewed. */
  signUrl?(key: string, options: SignUrlOptions & RequestOptions, ctx: CallContext): Promise<string>
  /** The request by which a client without credentials uploads a key; what the service cannot keep is `unsupported`. */
  uploadTarget?(key: string, options: WriteOptions, limits: DirectUploadLimits, ctx: CallContext): Promise<DirectUpload>
  /** Uploads in parts that another process can go on with. */
  readonly resumable?: ResumableUploads<WriteOptions, Stat> | undefined
  /** Where the bytes of a key lie, the same text for two drivers of one place: so that a move onto itself deletes nothing. */
  address?(key: string, ctx: CallContext): Promise<string>
  /**
   * Removes what uploads that were never finished have left, below a prefix, where it is older than `minAgeMs` and not of this process; returns how
   * many. With `dryRun` they are only counted.
   */
  sweep?(options: SweepRequest, ctx: CallContext): Promise<number>
  /** Absolute path on this machine. */
  localPath?(key: string): string
  openHandle?(key: string, flags: HandleFlags, options: WriteOptions, ctx: CallContext): Promise<RandomAccess>
  /** Who may read a file without credentials, where the service has ACLs of files. Missing: `not_found`. */
  visibility?(key: string, ctx: CallContext, options?: RequestOptions): Promise<Visibility>
  setVisibility?(key: string, visibility: Visibility, ctx: CallContext, options?: RequestOptions): Promise<void>
  /** Makes the storage's own container; fine where it is there. */
  createContainer?(ctx: CallContext): Promise<void>
  /** Absent where an account has no containers. */
  readonly containers?: ContainerDriver
  close?(): Promise<void>
}
