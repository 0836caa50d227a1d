import type { Checksums } from './checksums.ts'

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

/** Who may read a file without credentials: every client, or no client. */
export type Visibility = 'public' | 'private'

/** The attributes of a stored file. Fields that the backend does not keep are absent. */
export interface Stat extends FileAttributes {
  /** Stored size in bytes. */
  readonly size: number
  readonly modifiedAt?: Date | undefined
  readonly createdAt?: Date | undefined
  readonly accessedAt?: Date | undefined
  /** Changes whenever the bytes change; opaque, without quotes. A weak etag (RFC 9110, section 8.8.3) is `W/"..."`: see `strongEtag`. */
  readonly etag?: string | undefined
  readonly versionId?: string | undefined
  /** The digests of the whole file that the service reports here; absent where it reports none. */
  readonly checksums?: Checksums | undefined
  readonly storageClass?: string | undefined
  /** True for a folder, on a backend that has folders. */
  readonly isDirectory?: boolean | undefined
  /** True where `modifiedAt` is in an unknown time zone, or accurate only to a minute or a day: from an FTP server's plain listing. */
  readonly isRoughTime?: boolean | undefined
}

/** A file in a listing: its key, and the part of its `Stat` that the listing contains. A size that is missing there is NaN, never 0. */
export interface ListedFile extends Stat {
  readonly key: string
}

/** The attributes of the whole file in the answer to a read; `size` is absent where the answer does not contain it. */
export interface ReadStat extends Omit<Stat, 'size'> {
  readonly size?: number | undefined
  /** True where only `stat` returns the attributes: copies, and files that are opened to be changed, request them. */
  readonly isBrief?: boolean | undefined
}
