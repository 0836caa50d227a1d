import type { UploadTarget } from '../../remote/part-protocol.ts'
import type { RunningSums } from './checksum.ts'

/** An object to be written, with what its requests carry. */
export interface AtmosTarget extends UploadTarget {
  /** Content type and rights. */
  readonly headers: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
}

/** A temporary object beside the target, which gets its name at last. */
export interface AtmosUpload {
  readonly target: AtmosTarget
  /** Of the temporary object. */
  readonly path: string
  readonly sums: RunningSums
  /** Whether any request may have made the temporary object. */
  wasSent: boolean
  /** Known when the temporary object is there. */
  objectId: string | undefined
  /** The service's time, in ms, when it was made. */
  createdAt: number | undefined
  /** Whether its bytes go with a checksum. */
  hasChecksum: boolean
  /** Whether each answer has said how many bytes it is about. */
  isProven: boolean
  /** Whether the tag of the MD5 of all bytes is there. */
  isTagged: boolean
}
