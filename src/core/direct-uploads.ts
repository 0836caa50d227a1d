import type { CallContext } from './call.ts'

/** The request by which a client uploads one file straight to the service. */
export interface DirectUpload {
  /** `PUT`: the body is the file. `POST`: the body is a form where there are `fields`, else the file. */
  readonly method: 'PUT' | 'POST'
  readonly url: string
  /** Headers that the request must send unchanged. */
  readonly headers: Readonly<Record<string, string>>
  /** Fields of a `multipart/form-data` body, in this order before the file. The file's own field is `file` and comes last. */
  readonly fields?: Readonly<Record<string, string>> | undefined
}

/** Limits of a direct upload. */
export interface DirectUploadLimits {
  /** Time in seconds within which the upload must begin. */
  readonly expiresInSecs: number
  /** Maximum size in bytes; `unsupported` where the service cannot refuse larger files. */
  readonly maxSize?: number | undefined
}

/** The data that another process needs, besides the key and the options, to continue an upload: text in the backend's own format. */
export interface SavedUpload {
  readonly id: string
}

/** The service's rules for the parts of an upload. */
export interface UploadPartSizes {
  /** Bytes of every part except the last one. */
  readonly partSize: number
  /** Minimum size in bytes of a part that is not the last one; equal to `partSize` where all parts must have one size. */
  readonly minPart: number
  /** Every part except the last one is a multiple of this number of bytes. */
  readonly align: number
  /** Whether a full part waits for more bytes, because the service must know which part is the last one. */
  readonly holdsLast: boolean
}

/** An upload in parts in progress. Its methods are called one after the other. */
export interface PartialUpload<S> extends UploadPartSizes {
  readonly saved: SavedUpload
  /** Number of bytes that the service has. */
  readonly offset: number
  /** Sends the bytes from `offset` on as one part. Only a `last` part may break the rules of `UploadPartSizes`. */
  append(chunks: readonly Uint8Array[], last: boolean, ctx: CallContext): Promise<void>
  /** Makes the file from the parts that were sent; nothing is visible before. */
  finish(ctx: CallContext): Promise<S | undefined>
  /** Removes the parts that were sent. May be repeated. */
  end(ctx: CallContext): Promise<void>
  /** Releases the resources of this process; the upload itself stays. Never fails. */
  release(): void
}

/** The caller's wishes for the parts of an upload. */
export interface WantedParts {
  /** Bytes of the whole file, if known: parts are larger where the service would otherwise need too many. */
  readonly size?: number | undefined
  /** Bytes of a part; the backend uses the next size that the service allows. */
  readonly partSize?: number | undefined
}

/** Uploads in parts that another process can continue. `W` are the options of a write, `S` the attributes of a written file. */
export interface ResumableUploads<W, S> {
  /** Returns a text that identifies the location of a key. Two storages of one location return the same text. */
  place(key: string, ctx: CallContext): Promise<string>
  begin(key: string, options: W, wanted: WantedParts, ctx: CallContext): Promise<PartialUpload<S>>
  /**
   * Asks the service which bytes of an upload it has. `options` are those of the beginning of the upload. Finished, ended or expired:
   * `not_found`; an invalid id: `invalid_argument`.
   */
  resume(key: string, options: W, saved: SavedUpload, wanted: WantedParts, ctx: CallContext): Promise<PartialUpload<S>>
}
