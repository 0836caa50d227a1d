/** Digests of all stored bytes of a file, in lower-case hexadecimal. An ETag that is not a digest is not included. */
export interface Checksums {
  readonly md5?: string | undefined
  readonly sha1?: string | undefined
  readonly sha256?: string | undefined
  readonly crc32?: string | undefined
  readonly crc32c?: string | undefined
  readonly crc64nvme?: string | undefined
  /** Dropbox's `content_hash`. */
  readonly dropbox?: string | undefined
}

/** A kind of digest. */
export type ChecksumName = keyof Checksums
