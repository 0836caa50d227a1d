import type { CallContext } from './call.ts'

/** The request by which a client uploads one file straight to the service. */
export interface DirectUpload {
  /** `PUT`: the body is the file. `POST`: the body is a form where there are `fields`, else the file. */
  readonly method: 'PUT' | 'POST'
  readonly url: string
  /** Headers that the request must send as they are. */
  readonly headers: Readonly<Record<string, string>>
  /** Fields of a `multipart/form-data` body, which come before the file; the file's own field is `file` and comes last. */
  readonly fields?: Readonly<Record<string, string>> | undefined
}

/** What limits a direct upload. */
export interface DirectUploadLimits {
  /** Seconds from now in which the upload may begin. */
  readonly expiresInSecs: number
  /** Bytes of the largest file; a service that cannot refuse larger ones is `unsupported`. */
  readonly maxSize?: number | undefined
}

/** What another process needs, besides the key and the options, to go on with an upload: text of the backend's own. */
export interface SavedUpload {
  readonly id: string
}

/** What a backend demands of the parts of an upload. */
export interface UploadPartSizes {
  /** Bytes of every part but the last. */
  readonly partSize: number
  /** Fewest bytes of a part that is not the last; equal to `partSize` where all must have one size. */
  readonly minPart: number
  /** Bytes of which every part but the last is a multiple. */
  readonly align: number
  /** Whether a full part waits until there are more bytes, because the service has to hear which part is the last. */
  readonly holdsLast: boolean
}

/** An upload in parts that is under way. Its methods are called one after the other. */
export interface PartialUpload<S> extends UploadPartSizes {
  readonly saved: SavedUpload
  /** Bytes that the service has. */
  readonly offset: number
  /** Sends the bytes from `offset` on, as one part. Nothing but a `last` part may break the rules of `UploadPartSizes`. */
  append(chunks: readonly Uint8Array[], last: boolean, ctx: CallContext): Promise<void>
  /** Makes the file of what was sent; before that nothing of it is visible. */
  finish(ctx: CallContext): Promise<S | undefined>
  /** Removes what was sent. Repeatable. */
  end(ctx: CallContext): Promise<void>
  /** Releases what this process holds for the upload, which stays where it is. Never fails. */
  release(): void
}

/** What the caller wants of the parts of an upload. */
export interface WantedParts {
  /** Bytes of the whole file, where they are known: parts are larger where the service would need too many. */
  readonly size?: number | undefined
  /** Bytes of a part; the backend takes the next size that the service allows. */
  readonly partSize?: number | undefined
}

/** Uploads in parts that another process can go on with. `W` is how files are written, `S` what is known of a written file. */
export interface ResumableUploads<W, S> {
  /** Where a key lies: the same text for two storages of one place. */
  place(key: string, ctx: CallContext): Promise<string>
  begin(key: string, options: W, wanted: WantedParts, ctx: CallContext): Promise<PartialUpload<S>>
  /**
   * Asks the service what it has of an upload, of which the options are those that it was begun with. Finished, ended or expired: `not_found`; an id that is
   * none: `invalid_argument`.
   */
  resume(key: string, options: W, saved: SavedUpload, wanted: WantedParts, ctx: CallContext): Promise<PartialUpload<S>>
}
